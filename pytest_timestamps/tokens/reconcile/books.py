"""What the books answered: rows by minute, key, model, service tier and batch, and their sums."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from pytest_timestamps.tokens.pricing import BATCH_TIER
from pytest_timestamps.tokens.usage import UNKNOWN_TIER, ModelUsage, TierUsage, TokenCounts
from pytest_timestamps.tokens.window import Window

__all__ = ["Books", "BooksRow", "Reading"]


@dataclass(frozen=True, slots=True)
class BooksRow:
    """What one key used of one model in one minute, at one tier.

    ``tier`` and ``batch`` are None where the books didn't say.
    """

    minute_s: int
    api_key_id: str
    model: str
    usage: TierUsage
    tier: str | None = None
    batch: bool | None = None

    @property
    def price_tier(self) -> str:
        """The tier that its price depends on: batch work has one price at any tier."""
        return BATCH_TIER if self.batch else self.tier or UNKNOWN_TIER


@dataclass(frozen=True, slots=True)
class Reading:
    """What the books say of one key and window, read at ``at_s``.

    ``batch_unknown`` says that some of it may have been batch work. ``rows`` are there so that
    differences can be told by the minute.
    """

    at_s: int
    by_model: Mapping[str, ModelUsage] = field(default_factory=dict)
    batch_unknown: bool = False
    rows: Sequence[BooksRow] = ()

    @property
    def totals(self) -> TokenCounts:
        """The sums over the models."""
        return TokenCounts.total(self.by_model.values())

    @classmethod
    def of(cls, at_s: int, rows: Sequence[BooksRow]) -> Reading:
        """The sums of *rows*."""
        tiers: dict[str, dict[str, TierUsage]] = {}
        for row in rows:
            of_model = tiers.setdefault(row.model, {})
            usage = of_model.get(row.price_tier)
            of_model[row.price_tier] = row.usage if usage is None else usage.plus_tier(row.usage)
        return cls(
            at_s,
            {
                model: ModelUsage.of_tiers(dict(sorted(tiers[model].items())))
                for model in sorted(tiers)
            },
            any(row.batch is None and not row.usage.is_zero for row in rows),
            rows,
        )


class Books:
    """The rows that were read, by key; asked by window."""

    def __init__(self, rows: Iterable[BooksRow]) -> None:
        self._by_key: dict[str, list[BooksRow]] = {}
        for row in rows:
            self._by_key.setdefault(row.api_key_id, []).append(row)
        self._minutes: dict[str, list[int]] = {}
        for key, of_key in self._by_key.items():
            of_key.sort(key=lambda row: row.minute_s)
            self._minutes[key] = [row.minute_s for row in of_key]

    def rows(self, api_key_id: str, window: Window) -> Sequence[BooksRow]:
        """The rows of a key within *window*, by minute."""
        minutes = self._minutes.get(api_key_id)
        if minutes is None:
            return ()
        first = bisect_left(minutes, window.start_s)
        return self._by_key[api_key_id][first : bisect_left(minutes, window.end_s)]

    def reading(self, api_key_id: str, window: Window, at_s: int) -> Reading:
        """The sums of a key within *window*."""
        return Reading.of(at_s, self.rows(api_key_id, window))
