"""A clock that tests turn by hand, and short forms of what a capture holds."""

from pytest_timestamps.recording.capture import Capture
from pytest_timestamps.recording.engine import ENGINE
from pytest_timestamps.recording.marks import MARKS
from pytest_timestamps.recording.results import PathStats

__all__ = ["MONITORED", "FakeClock", "Recycling", "leftovers", "row", "rows", "tree"]

MONITORED = MARKS is not None
"""Whether functions are recorded by `sys.monitoring` (3.12 and later) or by wrappers (3.11)."""


class FakeClock:
    """Stands still unless a test lets it `work`."""

    def __init__(self) -> None:
        self.now_ns = 0

    def __call__(self) -> int:
        return self.now_ns

    def work(self, duration_ns: int) -> None:
        """Let time pass."""
        self.now_ns += duration_ns


class Recycling(Capture):
    """Leaves its trees to the next of its kind, as the plugin's collectors do."""

    recycles = True


def rows(capture: Capture) -> dict[str, PathStats]:
    """The rows by path: names joined by ``/``, ``~`` before detached ones, ``section:`` first."""
    paths: list[str] = []
    found: dict[str, PathStats] = {}
    for stats in capture.recording().paths:
        above = f"{paths[stats.parent]}/" if stats.parent >= 0 else ""
        section = f"{stats.section}:" if stats.section else ""
        path = f"{above}{section}{'~' if stats.detached else ''}{stats.name}"
        assert path not in found, f"two rows for {path}"
        paths.append(path)
        found[path] = stats
    return found


def tree(capture: Capture) -> dict[str, tuple[int, int, int]]:
    """Calls, total and self time by path."""
    return {path: (r.calls, r.total_ns, r.self_ns) for path, r in rows(capture).items()}


def row(capture: Capture, path: str) -> PathStats:
    """One path's figures."""
    return rows(capture)[path]


def leftovers() -> list[str]:
    """What the engine still holds although nothing gathers any more."""
    lane = ENGINE.lanes.here()
    held = {
        "armed": ENGINE.armed,
        "entries": ENGINE.entries,
        "scopes": ENGINE.scopes._scopes,
        "suspended spans": ENGINE.lanes.paused,
        "open spans": lane.open_spans(0),
        "covers": lane.covers,
        "starting work": lane.starting,
    }
    return [f"{what}: {value}" for what, value in held.items() if value]
