"""Which part of the books a run needs, and which runs the books can't tell apart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from pytest_timestamps.tokens.listing import RunFile, state_at
from pytest_timestamps.tokens.reconcile.policy import MINUTE_S
from pytest_timestamps.tokens.record import RunRecord, RunState, Status
from pytest_timestamps.tokens.window import Window

__all__ = ["HEARTBEAT_S", "Group", "Member", "asked_window", "find_groups", "floor_minute"]

HEARTBEAT_S: Final = 5
"""How much of a killed run its file may not know of."""


@dataclass(frozen=True, slots=True)
class Member:
    """A run as its group sees it.

    ``end_s`` is the end of its window, widened where the run was interrupted or goes on;
    ``asked`` is the part of the books that can hold its usage.
    """

    file: RunFile
    state: RunState
    end_s: int
    asked: Window

    @property
    def run_id(self) -> str:
        """The run's id."""
        return self.record.run_id

    @property
    def record(self) -> RunRecord:
        """What the run's file says."""
        return self.file.record

    @property
    def is_verified(self) -> bool:
        """Whether its figure stands for ever."""
        return self.record.status is Status.VERIFIED


@dataclass(frozen=True, slots=True)
class Group:
    """Runs on one key that share minutes of the books, one after the other; often a single run.

    ``members`` are in the order of their windows, ``asked`` covers all of theirs.
    """

    api_key_id: str
    members: tuple[Member, ...]
    asked: Window

    @property
    def end_s(self) -> int:
        """When its last run ended."""
        return max(member.end_s for member in self.members)

    @property
    def run_ids(self) -> tuple[str, ...]:
        """The ids of its runs, sorted."""
        return tuple(sorted(member.run_id for member in self.members))

    @property
    def is_single(self) -> bool:
        """Whether it is one run."""
        return len(self.members) == 1


def floor_minute(second: int) -> int:
    """The minute that *second* lies in."""
    return second // MINUTE_S * MINUTE_S


def asked_window(start_s: int, end_s: int, lag_s: int) -> Window:
    """Whole minutes from the run's first one to *lag_s*, in whole minutes, after its last one.

    The start is never made earlier than its minute: what lies before is a neighbour's.
    """
    return Window(floor_minute(start_s), _ceil_minute(end_s) + _ceil_minute(lag_s))


def find_groups(runs: Iterable[RunFile], now_s: int, lag_s: int) -> list[Group]:
    """All runs that have a key id, in the groups that the books can't tell apart.

    A run that goes on is a member up to this moment.
    """
    by_key: dict[str, list[Member]] = {}
    for run in runs:
        key = run.record.usage_scope.api_key_id
        if key is not None:
            by_key.setdefault(key, []).append(_member(run, now_s, lag_s))
    return [group for key in sorted(by_key) for group in _split(key, by_key[key])]


def _member(run: RunFile, now_s: int, lag_s: int) -> Member:
    window, state = run.record.window, state_at(run.record, now_s)
    end_s = window.end_s
    if state is RunState.INTERRUPTED:
        end_s += HEARTBEAT_S
    elif state is RunState.RUNNING:
        end_s = max(end_s, now_s)
    return Member(run, state, end_s, asked_window(window.start_s, end_s, lag_s))


def _split(key: str, members: list[Member]) -> list[Group]:
    members.sort(key=lambda member: (member.asked, member.run_id))
    groups: list[Group] = []
    gathered: list[Member] = []
    end_s = 0
    for member in members:
        if gathered and member.asked.start_s >= end_s:
            groups.append(_group(key, gathered, end_s))
            gathered = []
            end_s = 0
        gathered.append(member)
        end_s = max(end_s, member.asked.end_s)
    if gathered:
        groups.append(_group(key, gathered, end_s))
    return groups


def _group(key: str, members: list[Member], end_s: int) -> Group:
    return Group(key, tuple(members), Window(members[0].asked.start_s, end_s))


def _ceil_minute(second: int) -> int:
    return -(-second // MINUTE_S) * MINUTE_S
