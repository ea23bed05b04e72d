"""Verified runs that turn out to have had company which their proof didn't know of."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pytest_timestamps.tokens.atomic import read_bytes, write_atomically
from pytest_timestamps.tokens.listing import DISPUTE_FILE
from pytest_timestamps.tokens.reconcile.windows import Group, Member, asked_window
from pytest_timestamps.tokens.record import Attempt, Attribution
from pytest_timestamps.tokens.window import Window

__all__ = ["Dispute", "find_disputes", "write_dispute"]

_ALONE = (Attribution.EXCLUSIVE, Attribution.REMAINDER)


@dataclass(frozen=True, slots=True)
class Dispute:
    """A verified run, and the runs that used its key in its minutes without its knowledge."""

    path: Path
    run_id: str
    others: tuple[str, ...]

    @property
    def message(self) -> str:
        """What is wrong, for people."""
        return (
            f"run {self.run_id} was verified as if no other run than those known then had used "
            f"its key, but {', '.join(self.others)} did; its file stays as it is, and its figure "
            "is left out of all totals"
        )


def find_disputes(groups: Iterable[Group]) -> list[Dispute]:
    """The verified runs whose proof rests on a solitude that they didn't have."""
    found: list[Dispute] = []
    for group in groups:
        if group.is_single:
            continue
        for member in group.members:
            others = _unknown_company(member, group)
            if others:
                found.append(Dispute(member.file.path, member.run_id, others))
    return found


def write_dispute(dispute: Dispute, now_s: int) -> bool:
    """Note *dispute* beside the run's file; say whether anything was new.

    Raises `OSError`.
    """
    path = dispute.path.with_name(DISPUTE_FILE)
    known = _noted(path)
    if known is not None and set(dispute.others) <= known:
        return False
    others = sorted({*dispute.others, *(known or ())})
    note = {
        "schema_version": 1,
        "run_id": dispute.run_id,
        "overlapping_runs": others,
        "found_at": now_s,
        "message": Dispute(dispute.path, dispute.run_id, tuple(others)).message,
    }
    write_atomically(path, (json.dumps(note, indent=1) + "\n").encode("ascii"))
    return True


def _unknown_company(member: Member, group: Group) -> tuple[str, ...]:
    verdict = member.record.reconciliation
    if not member.is_verified or verdict.attribution not in _ALONE:
        return ()
    known = {member.run_id, *(verdict.group.runs if verdict.group is not None else ())}
    # Judged by the minutes that were asked then: another lag today makes no new neighbours.
    proven, lag_s = _proven_window(member, verdict.attempts)
    return tuple(
        other.run_id
        for other in group.members
        if other.run_id not in known
        and proven.overlaps(asked_window(other.record.window.start_s, other.end_s, lag_s))
    )


def _proven_window(member: Member, attempts: tuple[Attempt, ...]) -> tuple[Window, int]:
    own_end_s = asked_window(member.record.window.start_s, member.end_s, 0).end_s
    scope = attempts[-1].scope if attempts else None
    start_s, end_s, lag_s = ((scope or {}).get(k) for k in ("start_s", "end_s", "lag_s"))
    if isinstance(start_s, int) and isinstance(end_s, int) and isinstance(lag_s, int):
        return Window(start_s, end_s), lag_s
    return member.asked, member.asked.end_s - own_end_s


def _noted(path: Path) -> set[str] | None:
    try:
        note = json.loads(read_bytes(path))
    except (OSError, ValueError):
        return None
    runs = note.get("overlapping_runs") if isinstance(note, dict) else None
    return {str(run) for run in runs} if isinstance(runs, list) else None
