"""Whether what the books say of a group proves a figure for each of its runs, and by which road."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from pytest_timestamps.tokens.reconcile.books import Reading
from pytest_timestamps.tokens.reconcile.differences import (
    Difference,
    differences,
    less,
    shown_differences,
)
from pytest_timestamps.tokens.reconcile.separation import Known, is_no_less, known_of, separate
from pytest_timestamps.tokens.reconcile.windows import Group, Member
from pytest_timestamps.tokens.record import Attribution, FailureKind
from pytest_timestamps.tokens.usage import ModelUsage, TokenCounts

__all__ = ["PREMISE", "Proof", "Refusal", "Verdict", "prove"]

PREMISE: Final = "premise: no other run than those in this ledger used the key"
_REMEDIES: Final = (
    "give each framework a key of its own, mint keys (--token-run-keys=mint), or make the "
    "observation complete"
)


@dataclass(frozen=True, slots=True)
class Proof:
    """A run's figure, and how it is proven.

    ``differences`` are those between the models of books and observation whose sums agree.
    ``batch_unknown`` says that a part of it may have been batch work. ``is_trusted`` says that
    the books were taken at their word, against what was observed.
    """

    attribution: Attribution
    totals: TokenCounts
    by_model: Mapping[str, ModelUsage] = field(default_factory=dict)
    batch_unknown: bool = False
    differences: tuple[Difference, ...] = ()
    is_trusted: bool = False


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a run has no figure though the books are stable."""

    kind: FailureKind
    message: str
    differences: tuple[Difference, ...] = ()


Verdict = Proof | Refusal | None
"""None: the books have nothing, which proves nothing."""


def prove(group: Group, reading: Reading, *, trust_books: bool = False) -> dict[str, Verdict]:
    """A verdict for each run of *group*, should *reading* turn out to be stable and settled."""
    if reading.totals.is_zero:
        return _prove_nothing_used(group)
    if not group.is_single:
        return _prove_group(group, reading)
    member = group.members[0]
    if member.record.usage_scope.minted:
        return {member.run_id: _proof(Attribution.MINTED, reading)}
    return {member.run_id: _prove_exclusive(member, reading, trust_books)}


def _prove_nothing_used(group: Group) -> dict[str, Verdict]:
    knowns = [known_of(member, group) for member in group.members]
    if not all(known.is_complete and known.totals.is_zero for known in knowns):
        return dict.fromkeys(group.run_ids)
    attribution = Attribution.OBSERVED
    if group.is_single:
        minted = group.members[0].record.usage_scope.minted
        attribution = Attribution.MINTED if minted else Attribution.EXCLUSIVE
    return {run_id: Proof(attribution, TokenCounts()) for run_id in group.run_ids}


def _prove_exclusive(member: Member, reading: Reading, trust_books: bool) -> Verdict:
    known = known_of(member)
    reported = reading.totals
    found = differences(reading.by_model, [known.by_model], reading.rows)
    if known.is_complete:
        agrees, expected = reported == known.totals, "as much as"
    else:
        agrees, expected = is_no_less(reported, known.totals), "at least as much as"
    if agrees:
        return _proof(Attribution.EXCLUSIVE, reading, found if known.is_complete else ())
    if trust_books:
        return replace(_proof(Attribution.EXCLUSIVE, reading, found), is_trusted=True)
    return Refusal(
        FailureKind.DISAGREES_WITH_OBSERVATION,
        f"the books have {_gap(reported, known.totals)} what was observed; expected {expected} "
        f"that: {shown_differences(found)}; if something else used the key, give this run a key "
        "of its own; if the observation is wrong, --trust-books --force takes the books' figure",
        found,
    )


def _prove_group(group: Group, reading: Reading) -> dict[str, Verdict]:
    knowns = [known_of(member, group) for member in group.members]
    separated = separate(knowns, reading)
    if isinstance(separated, str):
        found = differences(reading.by_model, [known.by_model for known in knowns], reading.rows)
        return {
            known.run_id: Refusal(
                FailureKind.SHARED_WINDOW, _group_message(known, group, separated), found
            )
            for known in knowns
        }
    found = differences(reading.by_model, [s.by_model for s in separated.values()], reading.rows)
    return {
        run_id: Proof(
            figure.attribution,
            figure.totals,
            figure.by_model,
            figure.attribution is Attribution.REMAINDER and reading.batch_unknown,
            found,
        )
        for run_id, figure in separated.items()
    }


def _group_message(known: Known, group: Group, reason: str) -> str:
    others = [run_id for run_id in group.run_ids if run_id != known.run_id]
    names = ", ".join(others[:5]) + (f" and {len(others) - 5} more" if len(others) > 5 else "")
    return f"can't be told apart from {names}, which used the same key: {reason}; {_REMEDIES}"


def _proof(attribution: Attribution, reading: Reading, found: tuple[Difference, ...] = ()) -> Proof:
    return Proof(attribution, reading.totals, reading.by_model, reading.batch_unknown, found)


def _gap(reported: TokenCounts, observed: TokenCounts) -> str:
    gap = less(reported, observed)
    signs = {
        value > 0
        for value in (gap.calls, gap.input_tokens, gap.output_tokens, gap.cached_tokens)
        if value
    }
    if signs == {True}:
        return "more than"
    return "less than" if signs == {False} else "other counts than"
