"""Telling the runs of a group apart: by what was observed of each, and the books' sums."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pytest_timestamps.tokens.reconcile.books import Reading
from pytest_timestamps.tokens.reconcile.differences import differences, less, shown_differences
from pytest_timestamps.tokens.reconcile.windows import Group, Member
from pytest_timestamps.tokens.record import Attribution, RunState
from pytest_timestamps.tokens.usage import UNKNOWN_TIER, ModelUsage, TierUsage, TokenCounts

__all__ = ["Known", "Separated", "is_no_less", "known_of", "separate"]


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a run before the books are looked at.

    ``missing_models`` are the models whose figure may be too low; None means any model's.
    ``is_fixed`` says that the figure is verified and can't be changed any more.
    """

    run_id: str
    totals: TokenCounts
    by_model: Mapping[str, ModelUsage] = field(default_factory=dict)
    missing_models: frozenset[str] | None = frozenset()
    is_fixed: bool = False

    @property
    def is_complete(self) -> bool:
        """Whether nothing is missing."""
        return self.missing_models is not None and not self.missing_models

    @property
    def has_split(self) -> bool:
        """Whether the models add up to the totals."""
        return TokenCounts.total(self.by_model.values()) == self.totals

    def lacks(self, model: str) -> bool:
        """Whether *model*'s figure may be too low."""
        return self.missing_models is None or model in self.missing_models


@dataclass(frozen=True, slots=True)
class Separated:
    """A run's own figure within its group."""

    attribution: Attribution
    totals: TokenCounts
    by_model: Mapping[str, ModelUsage]


def known_of(member: Member, group: Group | None = None) -> Known:
    """What is known of *member*: its verified figure, else what was observed of it.

    A verified figure that rests on having been alone counts as open to doubt once there is
    company that it didn't know of, unless a complete observation says the same.
    """
    record, observed = member.record, member.record.observed
    if member.is_verified and group is not None:
        verdict = record.reconciliation
        company = set(group.run_ids) - {record.run_id}
        knew_all = verdict.group is not None and company <= set(verdict.group.runs)
        is_seen = (
            observed is not None and observed.complete and (observed.counts == record.reported)
        )
        missing = frozenset[str]() if knew_all or is_seen else None
        return Known(record.run_id, record.reported, verdict.by_model, missing, is_fixed=True)
    if observed is None:
        return Known(record.run_id, TokenCounts(), {}, None)
    missing_models: frozenset[str] | None = frozenset()
    if member.state is not RunState.FINISHED:
        missing_models = None
    elif not observed.complete:
        named = {name for name, usage in observed.by_model.items() if usage.incomplete_reasons}
        # Incomplete without any reason: anything may be missing.
        is_nameless = bool(observed.nameless_reasons) or not named
        missing_models = None if is_nameless else frozenset(named)
    return Known(record.run_id, observed.counts, observed.by_model, missing_models)


def separate(knowns: Sequence[Known], reading: Reading) -> dict[str, Separated] | str:
    """Each run's figure, or the reason why the books don't prove one for each."""
    incomplete = [known for known in knowns if not known.is_complete]
    if not incomplete:
        total = TokenCounts.total(known.totals for known in knowns)
        if total != reading.totals:
            return _mismatch(knowns, reading, total)
        return {known.run_id: _own(known) for known in knowns}
    if all(known.has_split for known in knowns):
        return _separate_by_model(knowns, incomplete, reading)
    return _separate_totals(knowns, incomplete, reading)


def _separate_by_model(
    knowns: Sequence[Known], incomplete: Sequence[Known], reading: Reading
) -> dict[str, Separated] | str:
    figures = {known.run_id: dict(known.by_model) for known in knowns}
    for model in sorted({*reading.by_model, *(m for known in knowns for m in known.by_model)}):
        lacking = [known for known in incomplete if known.lacks(model)]
        if len(lacking) > 1:
            return _too_many(lacking, model)
        others = [known for known in knowns if known not in lacking]
        rest = _rest(reading.by_model.get(model, ModelUsage()), others, model)
        if rest is None or not _fits(rest, lacking[0] if lacking else None, model):
            total = TokenCounts.total(known.totals for known in knowns)
            return _mismatch(knowns, reading, total)
        if lacking and not rest.is_zero:
            figures[lacking[0].run_id][model] = rest
    return {
        known.run_id: _own(known)
        if known.is_complete or known.is_fixed
        else Separated(
            Attribution.REMAINDER,
            TokenCounts.total(figures[known.run_id].values()),
            figures[known.run_id],
        )
        for known in knowns
    }


def _separate_totals(
    knowns: Sequence[Known], incomplete: Sequence[Known], reading: Reading
) -> dict[str, Separated] | str:
    """Without a split by model only one run may be incomplete, and its models stay unknown."""
    if len(incomplete) > 1:
        return _too_many(incomplete, None)
    odd = incomplete[0]
    others = TokenCounts.total(known.totals for known in knowns if known is not odd)
    rest = less(reading.totals, others)
    fits = rest == odd.totals if odd.is_fixed else is_no_less(rest, odd.totals)
    if not fits or rest.cached_tokens > rest.input_tokens:
        return _mismatch(knowns, reading, others.plus(odd.totals))
    return {
        known.run_id: Separated(Attribution.REMAINDER, rest, {})
        if known is odd and not odd.is_fixed
        else _own(known)
        for known in knowns
    }


def _own(known: Known) -> Separated:
    return Separated(Attribution.OBSERVED, known.totals, known.by_model)


def _fits(rest: ModelUsage, odd: Known | None, model: str) -> bool:
    if odd is None:
        return rest.is_zero
    seen = odd.by_model.get(model, ModelUsage())
    return rest.counts == seen.counts if odd.is_fixed else is_no_less(rest, seen)


def _rest(reported: ModelUsage, others: Sequence[Known], model: str) -> ModelUsage | None:
    """*reported* less what the others used of *model*; None if they used more than that."""
    seen = [known.by_model[model] for known in others if model in known.by_model]
    rest = less(reported.counts, TokenCounts.total(seen))
    if not is_no_less(rest, TokenCounts()) or rest.cached_tokens > rest.input_tokens:
        return None
    tiers: dict[str, TierUsage] = {}
    for tier in sorted({*reported.by_tier, *(name for usage in seen for name in usage.by_tier)}):
        part = reported.by_tier.get(tier, TierUsage())
        for usage in seen:
            part = _tier_less(part, usage.by_tier.get(tier, TierUsage()))
        if not part.is_zero:
            tiers[tier] = part
    split = ModelUsage.of_tiers(tiers)
    if split.counts == rest and all(_is_sound(part) for part in tiers.values()):
        return split
    # The tiers' names don't match: the model's sums are certain, its tiers aren't.
    whole = TierUsage(rest.calls, rest.input_tokens, rest.output_tokens, rest.cached_tokens)
    return ModelUsage.of_tiers({} if rest.is_zero else {UNKNOWN_TIER: whole})


def _tier_less(one: TierUsage, other: TierUsage) -> TierUsage:
    rest = less(one, other)
    return TierUsage(
        rest.calls,
        rest.input_tokens,
        rest.output_tokens,
        rest.cached_tokens,
        # The books don't tell reasoning tokens, and not always cache writes.
        cache_write_tokens=max(0, one.cache_write_tokens - other.cache_write_tokens),
    )


def _is_sound(part: TierUsage) -> bool:
    return is_no_less(part, TokenCounts()) and part.cached_tokens <= part.input_tokens


def is_no_less(one: TokenCounts, other: TokenCounts) -> bool:
    """Whether *one* is no lower than *other* in any counter."""
    gap = less(one, other)
    return min(gap.calls, gap.input_tokens, gap.output_tokens, gap.cached_tokens) >= 0


def _too_many(lacking: Sequence[Known], model: str | None) -> str:
    names = ", ".join(sorted(known.run_id for known in lacking)[:5])
    of_model = "" if model is None else f" of {model}"
    return f"the observation{of_model} is incomplete for {len(lacking)} runs ({names})"


def _mismatch(knowns: Sequence[Known], reading: Reading, total: TokenCounts) -> str:
    found = differences(reading.by_model, [known.by_model for known in knowns], reading.rows)
    gap = less(reading.totals, total)
    if is_no_less(gap, TokenCounts()):
        what = "more than the group's runs were observed to use, so somebody else used the key"
    elif is_no_less(TokenCounts(), gap):
        what = "less than the group's runs were observed to use"
    else:
        what = "other counts than the group's runs were observed to use"
    return f"the books have {what}: {shown_differences(found)}"
