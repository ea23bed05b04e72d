"""How a run's result reads: its status, why it is so, its figure or a dash."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pytest_timestamps.analysis.text import format_usd
from pytest_timestamps.tokens.durations import shown_age
from pytest_timestamps.tokens.reconcile.proof import PREMISE
from pytest_timestamps.tokens.reconcile.result import PassResult, RunResult
from pytest_timestamps.tokens.record import FailureKind, Status

__all__ = [
    "DASH",
    "premise_of",
    "shown_cost",
    "shown_due",
    "shown_reads",
    "shown_result_status",
    "shows_figure",
    "why",
]

DASH: Final = "-"


def shown_result_status(result: RunResult) -> str:
    """The verdict so far, in a word or two."""
    record = result.record
    if result.file.disputed:
        return f"{record.status.value} (disputed)"
    if record.status is Status.PENDING and shows_figure(result):
        return "pending (provisional)"
    return record.status.value


def shows_figure(result: RunResult) -> bool:
    """Whether the run has a figure of its own that may be shown: proven, or provisional."""
    record = result.record
    if record.status is Status.VERIFIED:
        return True
    is_alone = record.reconciliation.group is None and not result.group_runs
    is_waiting = record.status in (Status.PENDING, Status.DATA_NOT_AVAILABLE)
    return is_waiting and is_alone and not record.reported.is_zero


def shown_reads(result: RunResult, checks: int) -> str:
    """How many reads agree, and how many attempts there were."""
    attempts = len(result.record.reconciliation.attempts)
    if not attempts:
        return "0"
    agreeing = min(result.chain, checks)
    return f"{attempts} ({agreeing} of {checks} agree)"


def shown_due(result: RunResult, now_s: int) -> str:
    """When the next read is due, in UTC."""
    if not result.is_open or result.due_s is None:
        return DASH
    if result.due_s <= now_s:
        return "now"
    due = datetime.fromtimestamp(result.due_s, UTC)
    is_today = due.date() == datetime.fromtimestamp(now_s, UTC).date()
    return f"{due:%H:%M:%S}" if is_today else f"{due:%Y-%m-%d %H:%M:%S}"


def shown_cost(result: RunResult) -> str:
    """The cost, with a mark where it is at most that, and a dash where it is unknown."""
    record = result.record
    if not shows_figure(result) or record.cost_usd is None:
        return DASH
    cost = _cost_details(result)
    if record.status is not Status.VERIFIED and cost.get("unpriced"):
        return DASH
    return f"{'<= ' if cost.get('is_upper_bound') else ''}{format_usd(record.cost_usd)}"


def premise_of(result: RunResult) -> str | None:
    """What a verified figure rests on."""
    premise = result.record.reconciliation.unknown.get("premise")
    return premise if isinstance(premise, str) else None


def why(result: RunResult, now: PassResult, root: Path) -> str:
    """Why the status is what it is, in one line."""
    parts = [_reason(result, now.at_s)]
    record = result.record
    cost = _cost_details(result)
    unpriced = cost.get("unpriced")
    if shows_figure(result) and isinstance(unpriced, list) and unpriced:
        parts.append(f"no price is known for {', '.join(map(str, unpriced))}")
    if result.file.disputed:
        parts.append("another run used the key in its minutes; see dispute.json beside its file")
    details = record.reconciliation.unknown
    is_trusted = bool(details.get("trusted_books"))
    if record.status is Status.VERIFIED and details.get("differences") and not is_trusted:
        parts.append("the sums agree, single models differ")
    if result.warning is not None:
        parts.append(result.warning)
    if result.error is not None:
        parts.append(f"not written: {result.error}")
    if result.possible_neighbours:
        parts.append(f"possible neighbours without key id: {', '.join(result.possible_neighbours)}")
    unread = record.reconciliation.unknown.get("unreadable_files")
    if isinstance(unread, list) and unread:
        parts.append(f"possible neighbours in unreadable files: {', '.join(map(str, unread))}")
    return " ".join("; ".join(part for part in parts if part).split())


def _reason(result: RunResult, now_s: int) -> str:
    record, verdict = result.record, result.record.reconciliation
    if record.status is Status.VERIFIED:
        if verdict.unknown.get("trusted_books"):
            return f"the books' word against what was observed (--trust-books); {PREMISE}"
        return f"proven: {PREMISE}" if premise_of(result) else "proven"
    if record.usage_scope.api_key_id is None:
        return "no key id: it can't be asked about"
    if verdict.failure is not None:
        kind = verdict.failure.kind
        return f"{'' if kind is FailureKind.QUERY else f'{kind.value}: '}{verdict.failure.message}"
    if result.wait is not None:
        return _waiting(result, now_s)
    if not verdict.attempts:
        return "not asked about yet"
    ended = shown_age(now_s - record.window.end_s)
    if record.status is Status.DATA_NOT_AVAILABLE:
        return f"no usage reported yet (it ended {ended} ago)"
    others = len(result.group_runs) - 1
    together = f"with {others} other run{'s' if others > 1 else ''}: " if others > 0 else ""
    return f"{together}not yet stable and settled"


def _waiting(result: RunResult, now_s: int) -> str:
    wait = result.wait
    assert wait is not None
    if wait.due_s is None:
        return wait.why
    due = datetime.fromtimestamp(wait.due_s, UTC)
    return f"{wait.why}; try again after {due:%H:%M:%S} UTC (in {shown_age(wait.due_s - now_s)})"


def _cost_details(result: RunResult) -> dict[str, object]:
    cost = result.record.reconciliation.unknown.get("cost")
    return cost if isinstance(cost, dict) else {}
