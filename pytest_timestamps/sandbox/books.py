"""The books: served calls, summed into buckets as the organization usage endpoints do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from .ledger import Endpoint, ServedCall

__all__ = [
    "BUCKET_WIDTHS_S",
    "GROUPS",
    "UsageQuestion",
    "empty_page_buckets",
    "usage_buckets",
]

BUCKET_WIDTHS_S = {"1m": 60, "1h": 3600, "1d": 86400}
GROUPS: Mapping[Endpoint, tuple[str, ...]] = {
    "completions": ("project_id", "user_id", "api_key_id", "model", "batch", "service_tier"),
    "embeddings": ("project_id", "user_id", "api_key_id", "model"),
}
"""What rows can be split by, per family; a field that is not asked for is null in the rows."""


@dataclass(frozen=True, slots=True)
class UsageQuestion:
    """What a caller asks of the books: a time in whole Unix seconds, filters and grouping.

    ``filters`` maps a `ServedCall` field to the values that are wanted.
    """

    start_s: int
    end_s: int
    width_s: int
    filters: Mapping[str, frozenset[object]] = field(default_factory=dict)
    group_by: tuple[str, ...] = ()

    @property
    def bucket_starts_s(self) -> range:
        """The starts of all buckets that the time touches."""
        return range(self.start_s // self.width_s * self.width_s, self.end_s, self.width_s)


def usage_buckets(
    calls: Iterable[ServedCall],
    question: UsageQuestion,
    *,
    endpoint: Endpoint,
    visible_at_s: float,
    row_of: Callable[[Endpoint, list[ServedCall]], dict[str, Any]] | None = None,
) -> list[dict[str, Any]]:
    """Every bucket of *question* with the rows that the books show at *visible_at_s*.

    A call that the books put outside the asked time is left out, even where its bucket is in.
    """
    row_of = row_of or usage_row
    grouped: dict[int, dict[tuple[object, ...], list[ServedCall]]] = {}
    for call in calls:
        if call.endpoint != endpoint or not _is_asked_for(call, question, visible_at_s):
            continue
        start_s = int(call.booked_at_s) // question.width_s * question.width_s
        split = tuple(getattr(call, name) for name in question.group_by)
        grouped.setdefault(start_s, {}).setdefault(split, []).append(call)
    return [
        _bucket(
            start_s,
            question.width_s,
            [
                row_of(endpoint, members)
                | dict.fromkeys(GROUPS[endpoint])
                | dict(zip(question.group_by, split, strict=True))
                for split, members in sorted(
                    grouped.get(start_s, {}).items(), key=lambda item: repr(item[0])
                )
            ],
        )
        for start_s in question.bucket_starts_s
    ]


def empty_page_buckets(question: UsageQuestion) -> list[dict[str, Any]]:
    """Every bucket of *question* without any rows: families that the sandbox never serves."""
    return [_bucket(start_s, question.width_s, []) for start_s in question.bucket_starts_s]


def usage_row(endpoint: Endpoint, calls: list[ServedCall]) -> dict[str, Any]:
    """The counters of a usage row over *calls*, without the fields that rows are split by."""
    row: dict[str, Any] = {
        "object": f"organization.usage.{endpoint}.result",
        "input_tokens": sum(call.input_tokens for call in calls),
        "num_model_requests": len(calls),
    }
    if endpoint == "completions":
        cached = sum(call.cached_tokens for call in calls)
        written = sum(call.cache_write_tokens for call in calls)
        row["output_tokens"] = sum(call.output_tokens for call in calls)
        row["input_cached_tokens"] = cached
        row["input_cache_write_tokens"] = written
        row["input_uncached_tokens"] = row["input_tokens"] - cached - written
        row["input_audio_tokens"] = 0
        row["output_audio_tokens"] = 0
    return row


def _is_asked_for(call: ServedCall, question: UsageQuestion, visible_at_s: float) -> bool:
    return (
        call.visible_from_s <= visible_at_s
        and question.start_s <= call.booked_at_s < question.end_s
        and all(getattr(call, name) in wanted for name, wanted in question.filters.items())
    )


def _bucket(start_s: int, width_s: int, rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "object": "bucket",
        "start_time": start_s,
        "end_time": start_s + width_s,
        "results": rows,
    }
