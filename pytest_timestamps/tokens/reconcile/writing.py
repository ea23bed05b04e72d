"""A run's record after a step of the state machine: aggregates, cost, and what stands beside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from pytest_timestamps.tokens.pricing import Cost, ModelPrice
from pytest_timestamps.tokens.reconcile.cost import cost_of, cost_to_json, usage_cost
from pytest_timestamps.tokens.reconcile.proof import PREMISE, Proof, Refusal
from pytest_timestamps.tokens.reconcile.state import Asked, NextState
from pytest_timestamps.tokens.record import Attribution, RunRecord, Status

__all__ = ["applied"]

_DETAILS = ("cost", "premise", "differences", "trusted_books", "unreadable_files", "warning")


def applied(
    record: RunRecord,
    asked: Asked,
    state: NextState,
    refusal: Refusal | None,
    overrides: Mapping[str, ModelPrice],
    unreadable_files: tuple[str, ...] = (),
) -> RunRecord:
    """*record* after *state*: the figures and their cost change together.

    Only a proven figure of unknown price has no cost; before that the field says 0, as the token
    fields do, and nothing shows it.
    """
    verdict = state.reconciliation
    details: dict[str, object] = {}
    reported, cost_usd = record.reported, record.cost_usd
    at_s = record.window.start_s
    if state.reported is not None:
        reported = state.reported
        cost = _cost(state, at_s, overrides)
        details["cost"] = cost_to_json(cost)
        is_proven = state.proof is not None
        cost_usd = float(cost.usd) if cost.usd is not None else None if is_proven else 0.0
    elif "cost" in verdict.unknown:
        details["cost"] = verdict.unknown["cost"]
    if state.proof is not None:
        details |= _beside(state.proof)
    is_final = verdict.failure is not None and verdict.failure.final
    if refusal is not None and is_final:
        details["differences"] = [found.to_json() for found in refusal.differences]
    if unreadable_files and (is_final or verdict.status is Status.VERIFIED):
        details["unreadable_files"] = list(unreadable_files)
    if state.warning is not None:
        details["warning"] = state.warning
    kept = {name: value for name, value in verdict.unknown.items() if name not in _DETAILS}
    return replace(
        record,
        reported=reported,
        cost_usd=cost_usd,
        reconciliation=replace(verdict, unknown=kept | details),
    )


def _cost(state: NextState, at_s: int, overrides: Mapping[str, ModelPrice]) -> Cost:
    if state.proof is not None:
        return cost_of(state.proof, at_s, overrides)
    return usage_cost(state.reconciliation.by_model, at_s, overrides, batch_unknown=False)


def _beside(proof: Proof) -> dict[str, object]:
    beside: dict[str, object] = {}
    if proof.attribution in (Attribution.EXCLUSIVE, Attribution.REMAINDER):
        beside["premise"] = PREMISE
    if proof.is_trusted:
        beside["trusted_books"] = True
    if proof.differences:
        beside["differences"] = [found.to_json() for found in proof.differences]
    return beside
