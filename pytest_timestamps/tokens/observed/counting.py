"""Folding observations into the usage of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable

from pytest_timestamps.tokens.usage import (
    UNKNOWN_TIER,
    ModelUsage,
    ObservedUsage,
    TierUsage,
    TokenCounts,
)

from .observation import Kind, Observation
from .reasons import pending_reason, reason_of, with_times

__all__ = ["UsageCount"]

_CALL_WITHOUT_USAGE = (Kind.NO_USAGE, Kind.NO_USAGE_IN_STREAM)


class UsageCount:
    """The sum of all tries of a run; not safe to use from several threads.

    Each try is begun once and settled once, under an id of the caller's choice. What is begun
    and not settled makes the usage incomplete.
    """

    def __init__(self) -> None:
        self._pending: dict[Hashable, bool] = {}
        self._tiers: dict[str, dict[str, TierUsage]] = {}
        self._reasons: Counter[tuple[str, str]] = Counter()
        self._background: dict[str, Observation] = {}
        self._foreign_key_calls = 0
        self._replayed = 0

    def begin(self, try_id: Hashable, *, in_child: bool = False) -> None:
        """A try is under way."""
        self._pending[try_id] = in_child

    def settle(self, try_id: Hashable, observation: Observation) -> None:
        """A try has ended, or something became known that belongs to no try."""
        self._pending.pop(try_id, None)
        if observation.kind is Kind.BACKGROUND:
            self._background[observation.response_id] = observation
        elif observation.kind is Kind.REPLAYED:
            self._replayed += 1
        elif observation.kind is Kind.COUNTED:
            self._add(observation)
        else:
            self._keep_reason(observation)

    def look_again(self, try_id: Hashable, observation: Observation) -> None:
        """A response was looked at again: what it tells counts if its usage was still open."""
        self._pending.pop(try_id, None)
        if observation.kind is Kind.COUNTED:
            waiting = self._background.pop(observation.response_id, None)
            if waiting is not None:
                self._add(observation)

    def usage(self) -> ObservedUsage:
        """The usage so far."""
        reasons = self._reasons.copy()
        for waiting in self._background.values():
            reasons[waiting.model, reason_of(waiting) or ""] += 1
        by_model = {
            model: ModelUsage.of_tiers(
                self._tiers.get(model, {}),
                tuple(with_times(text, n) for (of, text), n in reasons.items() if of == model),
            )
            for model in sorted({*self._tiers, *(of for of, _ in reasons if of)})
        }
        texts = [with_times(text, count) for (_, text), count in reasons.items()]
        texts += self._pending_reasons()
        total = TokenCounts.total(by_model.values())
        return ObservedUsage(
            total.calls,
            total.input_tokens,
            total.output_tokens,
            total.cached_tokens,
            complete=not texts,
            incomplete_reasons=tuple(texts),
            foreign_key_calls=self._foreign_key_calls,
            replayed=self._replayed,
            by_model=by_model,
        )

    def _add(self, seen: Observation) -> None:
        tiers = self._tiers.setdefault(seen.model, {})
        tier = seen.service_tier or UNKNOWN_TIER
        tiers[tier] = tiers.get(tier, TierUsage()).plus_tier(
            TierUsage(
                1,
                seen.input_tokens,
                seen.output_tokens,
                seen.cached_tokens,
                cache_write_tokens=seen.cache_write_tokens,
                reasoning_tokens=seen.reasoning_tokens,
            )
        )

    def _keep_reason(self, observation: Observation) -> None:
        if observation.kind in _CALL_WITHOUT_USAGE and observation.model:
            # The call is certain, only its tokens are unknown.
            self._add(observation)
        if observation.kind is Kind.FOREIGN_KEY:
            self._foreign_key_calls += 1
        reason = reason_of(observation)
        if reason is not None:
            self._reasons[observation.model, reason] += 1

    def _pending_reasons(self) -> list[str]:
        counts = Counter(self._pending.values())
        return [
            pending_reason(counts[in_children], in_children=in_children)
            for in_children in (False, True)
            if counts[in_children]
        ]
