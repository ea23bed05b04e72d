"""The costs endpoint: what the visible calls cost per UTC day, by the published prices."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from .books import UsageQuestion
from .ledger import ServedCall

__all__ = ["COST_GROUPS", "cost_buckets"]

COST_GROUPS = ("project_id", "api_key_id", "line_item")
_FALLBACK_USD_PER_TOKEN = 1e-6
_DAY_S = 86400


@dataclass(frozen=True, slots=True)
class _CostItem:
    """One priced part of one call."""

    day_start_s: int
    project_id: str
    api_key_id: str
    line_item: str
    tokens: int
    usd: float


def cost_buckets(
    calls: Iterable[ServedCall], question: UsageQuestion, *, visible_at_s: float
) -> list[dict[str, Any]]:
    """A bucket per day of *question* with the amounts that the books show at *visible_at_s*."""
    grouped: dict[int, dict[tuple[object, ...], list[_CostItem]]] = {}
    for call in calls:
        if call.visible_from_s > visible_at_s or not (
            question.start_s <= call.booked_at_s < question.end_s
        ):
            continue
        if not all(getattr(call, name) in wanted for name, wanted in question.filters.items()):
            continue
        for item in _items_of(call):
            split = tuple(getattr(item, name) for name in question.group_by)
            grouped.setdefault(item.day_start_s, {}).setdefault(split, []).append(item)
    return [
        {
            "object": "bucket",
            "start_time": start_s,
            "end_time": start_s + _DAY_S,
            "results": [
                _row(question.group_by, split, items)
                for split, items in sorted(grouped.get(start_s, {}).items())
            ],
        }
        for start_s in question.bucket_starts_s
    ]


def _row(
    group_by: tuple[str, ...], split: tuple[object, ...], items: list[_CostItem]
) -> dict[str, Any]:
    row: dict[str, Any] = {
        "object": "organization.costs.result",
        "amount": {"value": sum(item.usd for item in items), "currency": "usd"},
        **dict.fromkeys(COST_GROUPS),
        **dict(zip(group_by, split, strict=True)),
        "quantity": None,
        "quantity_unit": None,
    }
    if "line_item" in group_by:
        row["quantity"] = sum(item.tokens for item in items)
        row["quantity_unit"] = "tokens"
    return row


def _items_of(call: ServedCall) -> Iterator[_CostItem]:
    day_start_s = int(call.booked_at_s) // _DAY_S * _DAY_S
    parts = {
        "input": call.input_tokens - call.cached_tokens,
        "cached input": call.cached_tokens,
        "output": call.output_tokens,
    }
    for part, tokens in parts.items():
        if tokens:
            yield _CostItem(
                day_start_s,
                call.project_id,
                call.api_key_id,
                f"{call.model}, {part}",
                tokens,
                tokens * _usd_per_token(call.model, part, day_start_s),
            )


@lru_cache(maxsize=1024)
def _usd_per_token(model: str, part: str, day_start_s: int) -> float:
    """The price of a token on that day; a flat one for models without a published price."""
    from genai_prices import Usage, calc_price

    million = 1_000_000
    usage = {
        "input": Usage(input_tokens=million),
        "cached input": Usage(input_tokens=million, cache_read_tokens=million),
        "output": Usage(output_tokens=million),
    }[part]
    try:
        price = calc_price(
            usage,
            model,
            provider_id="openai",
            genai_request_timestamp=datetime.fromtimestamp(day_start_s, UTC),
        )
    except LookupError:
        return _FALLBACK_USD_PER_TOKEN
    return float(price.total_price) / million
