"""Any program's figures are those of a reference model that keeps every event."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from pytest_timestamps.analysis.timings import time_names
from pytest_timestamps.recording import Capture
from pytest_timestamps.recording.engine import ENGINE
from pytest_timestamps.recording.results import PathStats
from tests.recording.known_programs import KNOWN_PROGRAMS
from tests.recording.model import Figures, Model, Row, Run
from tests.recording.programs import PROGRAMS, Body, Machine, Op
from tests.recording.support import Recycling

EXAMPLES = int(os.environ.get("TIMESTAMPS_EXAMPLES", "600"))
"""Programs to try: few and always the same in CI, many and new ones by hand."""

thoroughly = settings(
    max_examples=EXAMPLES,
    derandomize=EXAMPLES <= 600,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(autouse=True)
def _real_clock_afterwards() -> Iterator[None]:
    clock, calibrates = ENGINE.clock, ENGINE.calibrates
    yield
    ENGINE.use_clock(clock, calibrates)


@thoroughly
@given(PROGRAMS)
def test_figures_are_those_of_the_model(body: Body) -> None:
    """Each collector reports, for each path and name, what a hand calculation says."""
    note(_as_text(body))
    compare((body,))


@pytest.mark.parametrize("name", KNOWN_PROGRAMS)
def test_known_programs(name: str) -> None:
    """What was wrong once stays right."""
    compare((KNOWN_PROGRAMS[name],))


@thoroughly
@given(st.lists(PROGRAMS, min_size=2, max_size=3))
def test_a_tree_that_is_used_again_changes_no_figures(bodies: list[Body]) -> None:
    """Collectors that leave their trees to each other report the same as if they didn't."""
    note("\n\n".join(map(_as_text, bodies)))
    # as tests do: something runs, and a collector of its own is around it
    around = [(Op("collect", 0, body),) for body in (*bodies, bodies[0])]
    compare([*around, *bodies, *around], Recycling)


def compare(bodies: Iterable[Body], capture_type: type[Capture] = Capture) -> None:
    """Run ``bodies`` one after the other, and compare all that was gathered."""
    model = Model()
    ENGINE.use_clock(model.clock)
    machine = Machine(model, capture_type)
    faults = ENGINE.faults
    for body in bodies:
        machine.execute(body)
    assert ENGINE.faults == faults
    assert not ENGINE.armed
    for capture, run in machine.gathered:
        recording = capture.recording()
        assert recording.wall_ns == run.stopped_ns - run.started_ns
        assert reported(recording.paths) == expected(model, run)
        assert _names_reported(capture) == _names_expected(model, run)


def reported(paths: tuple[PathStats, ...]) -> dict[Row, tuple[int, ...]]:
    """The recorded figures of each path that has any."""
    rows: list[Row] = []
    for path in paths:
        above = rows[path.parent] if path.parent >= 0 else ()
        rows.append((*above, (path.name, path.detached)))
    return {row: tuple(path[4:]) for row, path in zip(rows, paths, strict=True) if any(path[4:])}


def expected(model: Model, run: Run) -> dict[Row, tuple[int, ...]]:
    """The model's figures of each path that has any."""
    figures = {row: _as_row(found) for row, found in model.figures(run).items()}
    return {row: found for row, found in figures.items() if any(found)}


def _as_row(found: Figures) -> tuple[int, ...]:
    longest, shortest = max(found.durations_ns, default=0), min(found.durations_ns, default=0)
    return (
        found.calls,
        found.errors,
        found.open,
        found.total_ns,
        found.self_ns,
        shortest,
        longest,
        found.suspended_ns,
        # every call is timed
        0,
        0,
    )


def _names_reported(capture: Capture) -> dict[str, tuple[int, int]]:
    timings = time_names(capture.recording().paths)
    found = {name: (timing.calls, timing.total_ns) for name, timing in timings.items()}
    return {name: pair for name, pair in found.items() if any(pair)}


def _names_expected(model: Model, run: Run) -> dict[str, tuple[int, int]]:
    """Calls of each name, and the time for which it was on the stack at least once."""
    return model.names(run)


def _as_text(body: Body, indent: str = "") -> str:
    lines = [f"{indent}{op.kind} {op.number}\n{_as_text(op.body, indent + '  ')}" for op in body]
    return "".join(lines)
