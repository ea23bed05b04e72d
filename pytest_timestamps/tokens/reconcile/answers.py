"""Pages of the usage endpoints, believed only where every field is what it must be."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final, NoReturn

from pytest_timestamps.errors import BooksAnswerError
from pytest_timestamps.tokens.contract.fields import json_type
from pytest_timestamps.tokens.reconcile.books import BooksRow
from pytest_timestamps.tokens.reconcile.plan import Query
from pytest_timestamps.tokens.reconcile.policy import MINUTE_S
from pytest_timestamps.tokens.usage import TierUsage

__all__ = ["UsagePage", "checked_page", "parse_json"]

_SHOWN: Final = 60


@dataclass(frozen=True, slots=True)
class UsagePage:
    """A page that was checked: its minutes, its rows, and the cursor of the next page."""

    minutes: tuple[int, ...]
    rows: tuple[BooksRow, ...]
    next_cursor: str | None


def parse_json(text: str) -> object:
    """The JSON value in *text*; raises `BooksAnswerError` for a web page and for half an answer."""

    def refuse(name: str) -> NoReturn:
        raise BooksAnswerError(f"the answer holds {name}; expected finite numbers")

    try:
        return json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError):
        start = " ".join(text[:_SHOWN].split())
        raise BooksAnswerError(
            f"the answer is no JSON: it has {len(text)} characters and begins with {start!r}; "
            "expected a page of buckets"
        ) from None


def checked_page(value: object, query: Query) -> UsagePage:
    """The page that *value* is, as an answer to *query*.

    Raises `BooksAnswerError` that names the first field that can't be believed. Rows of other
    keys than those asked for are left out.
    """
    page = _object(value, "the answer")
    _constant(page, "object", "page", "the answer")
    buckets = _array(page, "data", "the answer")
    has_more = page.get("has_more")
    if not isinstance(has_more, bool):
        _refuse("has_more", has_more, "has_more" in page, "a boolean")
    cursor = page.get("next_page")
    if not has_more:
        cursor = None
    elif not isinstance(cursor, str) or not cursor:
        _refuse("next_page", cursor, "next_page" in page, "a cursor, as has_more is true")
    minutes: list[int] = []
    rows: list[BooksRow] = []
    for index, bucket in enumerate(buckets):
        minute_s = _minute(bucket, f"data[{index}]", query)
        minutes.append(minute_s)
        rows += _rows(bucket, f"data[{index}]", query, minute_s)
    return UsagePage(tuple(minutes), tuple(rows), cursor)


def _minute(value: object, place: str, query: Query) -> int:
    bucket = _object(value, place)
    _constant(bucket, "object", "bucket", place)
    start_s = _integer(bucket, "start_time", place)
    end_s = _integer(bucket, "end_time", place)
    if end_s - start_s != query.width_s or start_s % query.width_s:
        whole = "minute" if query.width_s == MINUTE_S else "day"
        raise BooksAnswerError(
            f"{place} is a bucket from {start_s} to {end_s}; expected one whole {whole}"
        )
    if not query.window.start_s <= start_s < query.window.end_s:
        raise BooksAnswerError(
            f"{place} is the minute {start_s}, which was not asked for; expected one in "
            f"[{query.window.start_s}, {query.window.end_s})"
        )
    return start_s


def _rows(bucket: object, place: str, query: Query, minute_s: int) -> list[BooksRow]:
    fields = _object(bucket, place)
    # Old pages call the rows by another name.
    name = "result" if "result" in fields and "results" not in fields else "results"
    rows: list[BooksRow] = []
    for index, value in enumerate(_array(fields, name, place)):
        row = _row(value, f"{place}.{name}[{index}]", query, minute_s)
        if row is not None:
            rows.append(row)
    return rows


def _row(value: object, place: str, query: Query, minute_s: int) -> BooksRow | None:
    row = _object(value, place)
    _constant(row, "object", f"organization.usage.{query.endpoint}.result", place)
    usage = _usage(row, place, query.endpoint)
    model = row.get("model")
    if not isinstance(model, str) or not model:
        _refuse(f"{place}.model", model, "model" in row, "a model, as rows are split by it")
    key = row.get("api_key_id")
    if key is None and "api_key_id" in row and not query.api_key_ids:
        # The usage of no key, such as a playground's: nobody's here.
        return None
    if not isinstance(key, str) or not key:
        _refuse(
            f"{place}.api_key_id", key, "api_key_id" in row, "a key's id, as rows are split by it"
        )
    if query.api_key_ids and key not in query.api_key_ids:
        return None
    tier, batch = row.get("service_tier"), row.get("batch")
    if tier is not None and not isinstance(tier, str):
        _refuse(f"{place}.service_tier", tier, True, "a string or null")
    if batch is not None and not isinstance(batch, bool):
        _refuse(f"{place}.batch", batch, True, "a boolean or null")
    return BooksRow(minute_s, key, model, usage, tier or None, batch)


def _usage(row: dict[str, object], place: str, endpoint: str) -> TierUsage:
    has_output = endpoint == "completions"
    input_tokens = _count(row, "input_tokens", place)
    cached = _count(row, "input_cached_tokens", place) if "input_cached_tokens" in row else 0
    written = 0
    if "input_cache_write_tokens" in row:
        written = _count(row, "input_cache_write_tokens", place)
    if cached + written > input_tokens:
        raise BooksAnswerError(
            f"{place} has {cached} cached and {written} cache-write tokens; expected at most "
            f"its input_tokens, {input_tokens}, of which they are a part"
        )
    return TierUsage(
        _count(row, "num_model_requests", place),
        input_tokens,
        _count(row, "output_tokens", place) if has_output else 0,
        cached,
        cache_write_tokens=written,
    )


def _object(value: object, place: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise BooksAnswerError(f"{place} is {json_type(value)}; expected an object")
    return value


def _array(fields: dict[str, object], name: str, place: str) -> list[object]:
    value = fields.get(name)
    if not isinstance(value, list):
        _refuse(f"{place}.{name}", value, name in fields, "an array")
    return value


def _constant(fields: dict[str, object], name: str, expected: str, place: str) -> None:
    if fields.get(name) != expected:
        _refuse(f"{place}.{name}", fields.get(name), name in fields, repr(expected))


def _integer(fields: dict[str, object], name: str, place: str) -> int:
    value = fields.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        _refuse(f"{place}.{name}", value, name in fields, "an integer")
    return value


def _count(fields: dict[str, object], name: str, place: str) -> int:
    value = _integer(fields, name, place)
    if value < 0:
        raise BooksAnswerError(f"{place}.{name} is {value}; expected 0 or more")
    return value


def _refuse(place: str, value: object, is_there: bool, expected: str) -> NoReturn:
    seen = json_type(value) if is_there else "missing"
    raise BooksAnswerError(f"{place} is {seen}; expected {expected}")
