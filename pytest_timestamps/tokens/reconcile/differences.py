"""Where the books and what was observed differ: per model, and in which minutes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from pytest_timestamps.tokens.reconcile.books import BooksRow
from pytest_timestamps.tokens.usage import TokenCounts

__all__ = ["COUNTERS", "Difference", "differences", "less", "minutes_of", "shown_differences"]

COUNTERS: Final = ("calls", "input_tokens", "output_tokens", "cached_tokens")
_WORDS: Final = ("calls", "input", "output", "cached")
_MODELS_SHOWN: Final = 3
_MINUTES_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class Difference:
    """A model's reported less its observed counts, and the minutes in which the books have it.

    The counts may be negative: a surplus of the books is positive, a deficit negative.
    """

    model: str
    surplus: TokenCounts
    minutes: tuple[tuple[int, TokenCounts], ...] = ()

    def to_json(self) -> dict[str, object]:
        """The difference for a file."""
        return {
            "model": self.model,
            "surplus": {name: getattr(self.surplus, name) for name in COUNTERS},
            "minutes": [
                {"start_timestamp": minute_s, **{name: getattr(usage, name) for name in COUNTERS}}
                for minute_s, usage in self.minutes
            ],
        }


def differences(
    reported: Mapping[str, TokenCounts],
    observed: Iterable[Mapping[str, TokenCounts]],
    rows: Sequence[BooksRow] = (),
) -> tuple[Difference, ...]:
    """The models in which *reported* isn't the sum of all *observed*."""
    seen: dict[str, TokenCounts] = {}
    for by_model in observed:
        for model, usage in by_model.items():
            seen[model] = seen.get(model, TokenCounts()).plus(usage)
    found = []
    for model in sorted({*reported, *seen}):
        surplus = less(
            reported.get(model, TokenCounts()).counts, seen.get(model, TokenCounts()).counts
        )
        if not surplus.is_zero:
            found.append(Difference(model, surplus, minutes_of(rows, model)))
    return tuple(found)


def less(one: TokenCounts, other: TokenCounts) -> TokenCounts:
    """*one* less *other*, counter by counter; the only counts here that may be negative."""
    return TokenCounts(
        one.calls - other.calls,
        one.input_tokens - other.input_tokens,
        one.output_tokens - other.output_tokens,
        one.cached_tokens - other.cached_tokens,
    )


def minutes_of(rows: Iterable[BooksRow], model: str) -> tuple[tuple[int, TokenCounts], ...]:
    """What the books have of *model*, minute by minute."""
    minutes: dict[int, TokenCounts] = {}
    for row in rows:
        if row.model == model:
            minutes[row.minute_s] = minutes.get(row.minute_s, TokenCounts()).plus(row.usage)
    return tuple(sorted(minutes.items()))


def shown_differences(found: Sequence[Difference]) -> str:
    """The differences in a line; the file has all of them."""
    if not found:
        return "no model differs"
    shown = [_shown(difference) for difference in found[:_MODELS_SHOWN]]
    if len(found) > _MODELS_SHOWN:
        shown.append(f"and {len(found) - _MODELS_SHOWN} more models")
    return "; ".join(shown)


def _shown(difference: Difference) -> str:
    parts = [
        f"{getattr(difference.surplus, name):+,} {word}"
        for name, word in zip(COUNTERS, _WORDS, strict=True)
        if getattr(difference.surplus, name)
    ]
    return f"{difference.model} {', '.join(parts)}{_shown_minutes(difference.minutes)}"


def _shown_minutes(minutes: Sequence[tuple[int, TokenCounts]]) -> str:
    if not minutes:
        return " (the books don't have this model)"
    shown = [
        f"{datetime.fromtimestamp(minute_s, UTC):%H:%M} {usage.calls:,} calls"
        for minute_s, usage in minutes[:_MINUTES_SHOWN]
    ]
    if len(minutes) > _MINUTES_SHOWN:
        shown.append(f"{len(minutes) - _MINUTES_SHOWN} more minutes")
    return f" (books, UTC: {', '.join(shown)})"
