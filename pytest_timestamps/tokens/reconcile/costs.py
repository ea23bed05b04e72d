"""Whole UTC days: what the Usage API and the price table make of them, and the Costs endpoint."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from pytest_timestamps.errors import BooksAnswerError, BooksQueryError
from pytest_timestamps.tokens.contract.fields import Fields
from pytest_timestamps.tokens.pricing import ModelPrice
from pytest_timestamps.tokens.reconcile.answers import parse_json
from pytest_timestamps.tokens.reconcile.books import Reading
from pytest_timestamps.tokens.reconcile.cost import usage_cost
from pytest_timestamps.tokens.reconcile.pages import UsageSource, read_query
from pytest_timestamps.tokens.reconcile.plan import DAY_S, KEYS_A_REQUEST, Query
from pytest_timestamps.tokens.record import RunRecord
from pytest_timestamps.tokens.window import Window

__all__ = ["INVOICE", "DayCosts", "compare_days", "costs_entry", "costs_lines", "whole_days"]

INVOICE: Final = (
    "costs: the invoice is the provider's; a price table and the books don't agree with it to "
    "the cent"
)
_PATH: Final = "/organization/costs"
_TOKEN_UNITS: Final = {"tokens": 1, "1000_tokens": 1_000}


@dataclass(frozen=True, slots=True)
class DayCosts:
    """One day: quantities in tokens, amounts in USD.

    ``priced_usd`` is None where a model has no known price, ``billed_tokens`` where the Costs
    endpoint names no quantity. ``scope`` says whose usage was compared.
    """

    day_start_s: int
    scope: str
    used_tokens: int
    billed_tokens: int | None
    priced_usd: Decimal | None
    billed_usd: Decimal
    unpriced: tuple[str, ...] = ()

    @property
    def quantity_gap_usd(self) -> Decimal | None:
        """What the provider bills for tokens that the usage doesn't have, at its own price."""
        if not self.billed_tokens:
            return None
        return self.billed_usd * (self.billed_tokens - self.used_tokens) / self.billed_tokens

    @property
    def price_gap_usd(self) -> Decimal | None:
        """What it bills more for the same tokens."""
        gap = self.quantity_gap_usd
        if gap is None or self.priced_usd is None:
            return None
        return self.billed_usd - self.priced_usd - gap


def whole_days(runs: Iterable[RunRecord], now_s: int) -> list[int]:
    """The starts of the UTC days that *runs* touch and that are over."""
    days = {
        day_s
        for run in runs
        if run.usage_scope.api_key_id is not None
        for day_s in range(run.window.start_s // DAY_S * DAY_S, run.window.end_s, DAY_S)
    }
    return sorted(day_s for day_s in days if day_s + DAY_S <= now_s)


def compare_days(
    source: UsageSource,
    runs: Sequence[RunRecord],
    now_s: int,
    endpoints: Sequence[str],
    overrides: Mapping[str, ModelPrice],
) -> list[DayCosts]:
    """The days of *runs*, by their keys; by their projects where costs can't be split by key.

    Raises `BooksQueryError` and `BooksAccessError`.
    """
    scopes = [run.usage_scope for run in runs]
    keys = tuple(sorted({s.api_key_id for s in scopes if s.api_key_id is not None}))
    projects = tuple(sorted({s.project_id for s in scopes if s.project_id is not None}))
    by_key = len(keys) <= KEYS_A_REQUEST
    compared = []
    for day_s in whole_days(runs, now_s):
        window = Window(day_s, day_s + DAY_S)
        costs: tuple[Decimal, int | None] | None = None
        if by_key:
            try:
                costs = _costs(source, window, ["api_key_id", "line_item"], api_key_ids=keys)
            except BooksQueryError as error:
                # Live, the split by key is refused where the documentation offers it.
                if error.status != 400:
                    raise
                by_key = False
        if costs is None:
            costs = _costs(source, window, ["project_id", "line_item"], project_ids=projects)
        scope = f"{len(keys)} keys" if by_key else f"{len(projects) or 'all'} projects"
        asked_keys, asked_projects = (keys, ()) if by_key else ((), projects)
        rows = [
            row
            for endpoint in endpoints
            for row in read_query(
                source, Query(endpoint, window, asked_keys, DAY_S, asked_projects)
            )
        ]
        reading = Reading.of(now_s, rows)
        cost = usage_cost(reading.by_model, day_s, overrides, batch_unknown=False)
        used = reading.totals.input_tokens + reading.totals.output_tokens
        compared.append(DayCosts(day_s, scope, used, costs[1], cost.usd, costs[0], cost.unpriced))
    return compared


def costs_entry(day: DayCosts) -> dict[str, object]:
    """A day of the JSON document; what isn't known is null."""

    def number(usd: Decimal | None) -> float | None:
        return None if usd is None else float(usd)

    return {
        "day_start_timestamp": day.day_start_s,
        "scope": day.scope,
        "used_tokens": day.used_tokens,
        "billed_tokens": day.billed_tokens,
        "priced_usd": number(day.priced_usd),
        "billed_usd": number(day.billed_usd),
        "quantity_mismatch_usd": number(day.quantity_gap_usd),
        "price_mismatch_usd": number(day.price_gap_usd),
        "unpriced": list(day.unpriced),
    }


def costs_lines(days: Sequence[DayCosts]) -> list[str]:
    """A line a day, quantity and price apart, and whose word counts."""
    if not days:
        return ["costs: no UTC day of these runs is over yet", INVOICE]
    return [*(_line(day) for day in days), INVOICE]


def _line(day: DayCosts) -> str:
    date = f"{datetime.fromtimestamp(day.day_start_s, UTC):%Y-%m-%d}"
    billed = "no quantity" if day.billed_tokens is None else f"{day.billed_tokens:,} tokens"
    priced = (
        f"unknown (no price for {', '.join(day.unpriced)})"
        if day.priced_usd is None
        else f"{day.priced_usd:.4f} USD"
    )
    return (
        f"costs of {date} ({day.scope}): usage {day.used_tokens:,} tokens, costs {billed}; "
        f"by the price table {priced}, billed {day.billed_usd:.4f} USD; quantity mismatch "
        f"{_gap(day.quantity_gap_usd)}, price mismatch {_gap(day.price_gap_usd)}"
    )


def _gap(usd: Decimal | None) -> str:
    # A rest of a rounding error is no negative amount.
    return "unknown" if usd is None else f"{round(usd, 4) + 0:+.4f} USD"


def _costs(
    source: UsageSource, window: Window, group_by: list[str], **filters: tuple[str, ...]
) -> tuple[Decimal, int | None]:
    params: dict[str, object] = {
        "start_time": window.start_s,
        "end_time": window.end_s,
        "bucket_width": "1d",
        "limit": 1,
        "group_by": group_by,
    }
    params |= {name: list(values) for name, values in filters.items() if values}
    amount, quantity, cursors = Decimal(0), 0, set[str]()
    knows_all = True
    while True:
        page = Fields(parse_json(source.get(_PATH, params)), "the answer")
        for bucket in page.objects("data"):
            for row in bucket.objects("results"):
                amount += _amount(row.nested("amount"))
                tokens = _tokens(row)
                knows_all = knows_all and tokens is not None
                quantity += tokens or 0
        if not page.flag("has_more"):
            return amount, quantity if knows_all else None
        cursor = page.text("next_page")
        if cursor in cursors:
            raise BooksAnswerError(f"the cursor {cursor!r:.60} came again; expected a new one")
        cursors.add(cursor)
        params["page"] = cursor


def _amount(fields: Fields) -> Decimal:
    if fields.text("currency").lower() != "usd":
        raise BooksAnswerError(f"costs are in {fields.text('currency')!r}; expected usd")
    # Credits are negative.
    value = fields.raw("value")
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise fields.bad_type("value", "a number")
    try:
        return Decimal(str(value))
    except ArithmeticError:
        raise fields.bad_value("value", "a number") from None


def _tokens(row: Fields) -> int | None:
    if "quantity" not in row:
        return None
    unit = row.text("quantity_unit") if "quantity_unit" in row else None
    factor = _TOKEN_UNITS.get(unit or "")
    return None if factor is None else round(row.amount("quantity") * factor)
