"""From what a pass planned and wrote to the result of each run."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_timestamps.tokens.listing import RunFile
from pytest_timestamps.tokens.reconcile.agenda import Selection, due_s_of
from pytest_timestamps.tokens.reconcile.chain import history_of
from pytest_timestamps.tokens.reconcile.policy import Policy
from pytest_timestamps.tokens.reconcile.result import RunResult
from pytest_timestamps.tokens.reconcile.windows import Group, Member

if TYPE_CHECKING:
    from pytest_timestamps.tokens.reconcile.reconciler import Planned

__all__ = ["Change", "run_results"]


@dataclass(frozen=True, slots=True)
class Change:
    """A run's file as it is now, and what this pass did to it."""

    file: RunFile
    was_asked: bool = False
    became_failed: bool = False
    warning: str | None = None
    error: str | None = None


def run_results(
    planned: Planned,
    changes: Mapping[str, Change],
    selection: Selection,
    policy: Policy,
    disputed: Collection[str],
) -> tuple[RunResult, ...]:
    """The selected runs and those that were asked about with them, in the order of the listing."""
    places: dict[str, tuple[Member, Group]] = {
        member.run_id: (member, group) for group in planned.groups for member in group.members
    }
    keyless = [run for run in planned.listing.runs if run.record.usage_scope.api_key_id is None]
    results = []
    for run in planned.listing.runs:
        run_id = run.record.run_id
        if not selection.takes(run) and run_id not in changes:
            continue
        change = changes.get(run_id, Change(run))
        file = replace(change.file, disputed=run.disputed or run_id in disputed)
        result = RunResult(
            file,
            was_asked=change.was_asked,
            became_failed=change.became_failed,
            warning=change.warning,
            error=change.error,
            possible_neighbours=_possible_neighbours(run, keyless) if run_id in changes else (),
        )
        place = places.get(run_id)
        results.append(result if place is None else _placed(result, *place, planned, policy))
    return tuple(results)


def _placed(
    result: RunResult, member: Member, group: Group, planned: Planned, policy: Policy
) -> RunResult:
    result = replace(
        result,
        chain=len(history_of(result.record.reconciliation.attempts).chain),
        group_runs=() if group.is_single else group.run_ids,
    )
    if not result.is_open:
        return result
    wait = planned.agenda.waiting.get(member.run_id)
    if wait is not None:
        return replace(result, wait=wait, due_s=wait.due_s)
    now = replace(member, file=result.file)
    return replace(result, due_s=due_s_of(now, group, policy))


def _possible_neighbours(run: RunFile, keyless: Collection[RunFile]) -> tuple[str, ...]:
    """The runs of the same framework that ran beside *run* with a key that nobody knows."""
    record = run.record
    if record.usage_scope.api_key_id is None or record.usage_scope.minted:
        return ()
    return tuple(
        other.record.run_id
        for other in keyless
        if other.record.framework == record.framework
        and other.record.window.overlaps(record.window)
    )
