"""Token counts: what a run used, in all and per model, however it became known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Self

__all__ = ["UNKNOWN_TIER", "ModelUsage", "ObservedUsage", "TierUsage", "TokenCounts"]

UNKNOWN_TIER = "unknown"
"""The service tier of responses that named none."""


@dataclass(frozen=True, slots=True)
class TokenCounts:
    """The four counters that observation and the provider's books have in common.

    ``input_tokens`` includes ``cached_tokens``; ``calls`` are model requests.
    """

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cached_tokens: int = 0

    @property
    def counts(self) -> TokenCounts:
        """The four counters alone, so that two kinds of usage can be compared for equality."""
        return TokenCounts(self.calls, self.input_tokens, self.output_tokens, self.cached_tokens)

    @property
    def is_zero(self) -> bool:
        """Whether nothing at all was used."""
        return self.counts == TokenCounts()

    def plus(self, other: TokenCounts) -> TokenCounts:
        """The sum, counter by counter."""
        return TokenCounts(
            self.calls + other.calls,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.cached_tokens + other.cached_tokens,
        )

    @classmethod
    def total(cls, parts: Iterable[TokenCounts]) -> TokenCounts:
        """The sum of all *parts*; zeros for none."""
        total = TokenCounts()
        for part in parts:
            total = total.plus(part)
        return total


@dataclass(frozen=True, slots=True)
class TierUsage(TokenCounts):
    """What one model used at one service tier; the finest grain that has a price.

    ``cache_write_tokens`` are a part of ``input_tokens``, ``reasoning_tokens`` of
    ``output_tokens``.
    """

    cache_write_tokens: int = 0
    reasoning_tokens: int = 0

    def plus_tier(self, other: TierUsage) -> Self:
        """The sum of two usages at the same tier."""
        summed = self.plus(other)
        return type(self)(
            summed.calls,
            summed.input_tokens,
            summed.output_tokens,
            summed.cached_tokens,
            cache_write_tokens=self.cache_write_tokens + other.cache_write_tokens,
            reasoning_tokens=self.reasoning_tokens + other.reasoning_tokens,
        )


@dataclass(frozen=True, slots=True)
class ModelUsage(TokenCounts):
    """What one model used.

    ``by_tier`` splits the same figures by service tier (`UNKNOWN_TIER` where the response named
    none) and adds up to them.
    ``incomplete_reasons`` are those reasons for an incomplete tally that are known to concern
    this model.
    """

    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    by_tier: Mapping[str, TierUsage] = field(default_factory=dict)
    incomplete_reasons: tuple[str, ...] = ()

    @classmethod
    def of_tiers(
        cls, by_tier: Mapping[str, TierUsage], incomplete_reasons: tuple[str, ...] = ()
    ) -> Self:
        """A model's usage as the sum of *by_tier*."""
        total = TierUsage()
        for tier in by_tier.values():
            total = total.plus_tier(tier)
        return cls(
            total.calls,
            total.input_tokens,
            total.output_tokens,
            total.cached_tokens,
            cache_write_tokens=total.cache_write_tokens,
            reasoning_tokens=total.reasoning_tokens,
            by_tier=dict(by_tier),
            incomplete_reasons=incomplete_reasons,
        )


@dataclass(frozen=True, slots=True)
class ObservedUsage(TokenCounts):
    """What was seen of a run by the process that ran it (and the children that report to it).

    ``complete`` says that nothing is known to be missing; otherwise ``incomplete_reasons`` has
    every reason once, those that also stand at a model included.
    ``foreign_key_calls`` were made with another key than the run's and ``replayed`` answers came
    from a recording or a mock: neither is counted in the four counters.
    """

    complete: bool = True
    incomplete_reasons: tuple[str, ...] = ()
    foreign_key_calls: int = 0
    replayed: int = 0
    by_model: Mapping[str, ModelUsage] = field(default_factory=dict)

    @property
    def nameless_reasons(self) -> tuple[str, ...]:
        """The reasons that name no model, so that any model's figure may be too low."""
        named = {reason for usage in self.by_model.values() for reason in usage.incomplete_reasons}
        return tuple(reason for reason in self.incomplete_reasons if reason not in named)

    def is_complete_for(self, model: str) -> bool:
        """Whether *model*'s figure is whole, though others may not be."""
        if self.nameless_reasons:
            return False
        usage = self.by_model.get(model)
        return usage is None or not usage.incomplete_reasons
