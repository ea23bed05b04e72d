"""Which runs are asked about now, which have to wait, and for what."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from pytest_timestamps.tokens.listing import RunFile
from pytest_timestamps.tokens.reconcile.plan import Want
from pytest_timestamps.tokens.reconcile.policy import Policy
from pytest_timestamps.tokens.reconcile.state import Asked, next_read_due_s
from pytest_timestamps.tokens.reconcile.windows import Group, Member
from pytest_timestamps.tokens.record import RunState, Status

__all__ = ["Agenda", "Selection", "Wait", "asked_of", "due_s_of", "is_open", "make_agenda"]


_NOT_DUE: Final = "not yet stable and settled"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which runs a person asked for; both None for all."""

    framework: str | None = None
    run_id: str | None = None

    def takes(self, run: RunFile) -> bool:
        """Whether *run* is among them."""
        record = run.record
        return self.framework in (None, record.framework) and self.run_id in (None, record.run_id)


@dataclass(frozen=True, slots=True)
class Wait:
    """Why a group isn't asked about now; ``due_s`` is None where nobody knows until when."""

    why: str
    due_s: int | None = None


@dataclass(frozen=True, slots=True)
class Agenda:
    """The groups to ask about now, and those that wait, by a run's id."""

    ready: tuple[Group, ...]
    waiting: dict[str, Wait]
    open_ids: frozenset[str]

    def wants(self) -> list[Want]:
        """What the ready groups need of the books."""
        return [Want(group.asked, group.api_key_id) for group in self.ready]


def is_open(member: Member, group: Group, *, force: bool) -> bool:
    """Whether a query can still change the run's status."""
    verdict = member.record.reconciliation
    if member.is_verified:
        return False
    if verdict.status is not Status.FAILED or verdict.failure is None:
        return True
    return not verdict.failure.final or force or _has_gained(member, group)


def asked_of(group: Group, policy: Policy) -> Asked:
    """What is asked about *group*, with the scope that is stored with each attempt."""
    return Asked(
        {
            "start_s": group.asked.start_s,
            "end_s": group.asked.end_s,
            "lag_s": group.members[0].asked.end_s - _own_end_s(group.members[0]),
            "endpoints": list(policy.endpoints),
            "api_key_id": group.api_key_id,
            "runs": list(group.run_ids),
        },
        group.end_s,
        group.asked,
        group.run_ids,
    )


def make_agenda(
    groups: Iterable[Group],
    selection: Selection,
    policy: Policy,
    now_s: int,
    *,
    only_due: bool = False,
) -> Agenda:
    """Sort the groups that have something open into those that may be read now and the others.

    A group is asked about as a whole if one of its open runs is selected. With *only_due* those
    are left out whose next read makes sense only later.
    """
    ready: list[Group] = []
    waiting: dict[str, Wait] = {}
    open_ids: set[str] = set()
    for group in groups:
        members = [m for m in group.members if is_open(m, group, force=policy.force)]
        if not any(selection.takes(member.file) for member in members):
            continue
        open_ids.update(member.run_id for member in members)
        wait = _wait(group, members, policy, now_s)
        if wait is None and only_due:
            due_s = min(due_s_of(member, group, policy) for member in members)
            wait = Wait(_NOT_DUE, due_s) if due_s > now_s else None
        if wait is None:
            ready.append(group)
        else:
            waiting.update((member.run_id, wait) for member in members)
    return Agenda(tuple(ready), waiting, frozenset(open_ids))


def _wait(group: Group, members: Collection[Member], policy: Policy, now_s: int) -> Wait | None:
    for member in group.members:
        if member.state is RunState.RUNNING:
            which = "it" if group.is_single else f"run {member.run_id}, in its group,"
            return Wait(f"{which} is still running")
    last_s = max((m.record.reconciliation.last_attempt_s or 0 for m in members), default=0)
    if now_s < last_s:
        return Wait(f"this machine's clock is {last_s - now_s} s behind the last attempt", last_s)
    if now_s <= group.end_s:
        return Wait("this machine's clock is not yet past the run's end", group.end_s + 1)
    due_s = max(group.end_s + policy.lag_s, group.end_s + policy.min_age_s)
    if now_s < due_s:
        return Wait("it ended too short a time ago", due_s)
    return None


def due_s_of(member: Member, group: Group, policy: Policy) -> int:
    """When the next read of an open run makes sense."""
    return next_read_due_s(member.record.reconciliation, asked_of(group, policy), policy)


def _has_gained(member: Member, group: Group) -> bool:
    known = member.record.reconciliation.group
    before = set(known.runs) if known is not None else {member.run_id}
    return not set(group.run_ids) <= before


def _own_end_s(member: Member) -> int:
    return -(-member.end_s // 60) * 60
