"""Query strings of the usage endpoints, read as strictly as the provider documents them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .books import BUCKET_WIDTHS_S, GROUPS, UsageQuestion
from .costs import COST_GROUPS

__all__ = ["USAGE_FAMILIES", "BadQuestionError", "Question", "parse_question"]

USAGE_FAMILIES = (
    "completions",
    "embeddings",
    "moderations",
    "images",
    "audio_speeches",
    "audio_transcriptions",
    "vector_stores",
    "code_interpreter_sessions",
    "file_search_calls",
    "web_search_calls",
)
_LIMITS = {"1m": (60, 1440), "1h": (24, 168), "1d": (7, 31)}
_COST_LIMITS = (7, 180)
_FILTERS = {
    "project_ids": "project_id",
    "user_ids": "user_id",
    "api_key_ids": "api_key_id",
    "models": "model",
}


class BadQuestionError(Exception):
    """A query string that the provider would refuse with status 400."""

    def __init__(self, message: str, param: str) -> None:
        super().__init__(message)
        self.param = param


@dataclass(frozen=True, slots=True)
class Question:
    """A valid query string; the end of its time may be open."""

    start_s: int
    end_s: int | None
    width_s: int
    limit: int
    page: str | None
    filters: dict[str, frozenset[object]]
    group_by: tuple[str, ...]

    def usage_until(self, now_s: int) -> UsageQuestion:
        """What to ask the books; an open end means *now_s*."""
        end_s = now_s + 1 if self.end_s is None else self.end_s
        return UsageQuestion(self.start_s, end_s, self.width_s, self.filters, self.group_by)


def parse_question(family: str, items: Iterable[tuple[str, str]]) -> Question:
    """Read *items*, in which a list is a repeated name with or without ``[]``."""
    if family != "costs" and family not in USAGE_FAMILIES:
        raise BadQuestionError(f"Unknown usage endpoint: '{family}'.", "path")
    query: dict[str, list[str]] = {}
    for name, value in items:
        query.setdefault(name.removesuffix("[]"), []).append(value)
    width = _last(query, "bucket_width", "1d")
    widths = ("1d",) if family == "costs" else tuple(BUCKET_WIDTHS_S)
    if width not in widths:
        raise BadQuestionError(f"Invalid bucket_width: '{width}'.", "bucket_width")
    start_s = _integer(query, "start_time")
    if start_s is None:
        raise BadQuestionError("Missing required parameter: 'start_time'.", "start_time")
    end_s = _integer(query, "end_time")
    if end_s is not None and end_s <= start_s:
        raise BadQuestionError("end_time must be after start_time.", "end_time")
    return Question(
        start_s=start_s,
        end_s=end_s,
        width_s=BUCKET_WIDTHS_S[width],
        limit=_limit(family, width, query),
        page=_last(query, "page", "") or None,
        filters=_filters(query),
        group_by=_group_by(family, query),
    )


def _limit(family: str, width: str, query: dict[str, list[str]]) -> int:
    usual, most = _COST_LIMITS if family == "costs" else _LIMITS[width]
    limit = _integer(query, "limit")
    if limit is None:
        return usual
    if not 1 <= limit <= most:
        raise BadQuestionError(f"limit must be between 1 and {most}, got {limit}.", "limit")
    return limit


def _filters(query: dict[str, list[str]]) -> dict[str, frozenset[object]]:
    filters: dict[str, frozenset[object]] = {
        field: frozenset(query[name]) for name, field in _FILTERS.items() if name in query
    }
    if "batch" in query:
        filters["batch"] = frozenset({_last(query, "batch", "") == "true"})
    return filters


def _group_by(family: str, query: dict[str, list[str]]) -> tuple[str, ...]:
    known = COST_GROUPS if family == "costs" else GROUPS["completions"]
    if family == "embeddings":
        known = GROUPS["embeddings"]
    asked = tuple(dict.fromkeys(query.get("group_by", ())))
    for name in asked:
        if name not in known:
            raise BadQuestionError(f"Cannot group by '{name}'.", "group_by")
    return asked


def _integer(query: dict[str, list[str]], name: str) -> int | None:
    text = _last(query, name, "")
    if not text:
        return None
    try:
        return int(text)
    except ValueError:
        raise BadQuestionError(
            f"Invalid type for '{name}': expected an integer, got '{text}'.", name
        ) from None


def _last(query: dict[str, list[str]], name: str, default: str) -> str:
    return query.get(name, [default])[-1]
