"""Which tests make one run, and when xdist would tear it apart."""

from __future__ import annotations

import pytest

from pytest_timestamps.plugin.token_marker import RunSpec
from pytest_timestamps.plugin.token_plan import (
    PlannedRun,
    RunSite,
    plan_runs,
    split_runs,
    twice_given,
)

WIDE = RunSpec(scope="class")


def run(*tests: str) -> PlannedRun:
    """A run of these tests."""
    return PlannedRun(WIDE, "test_a.py::TestAll", tests)


def test_tests_of_one_place_and_marker_are_one_run() -> None:
    """Another place, or another marker in the same place, is another run."""
    other = RunSpec(scope="class", framework="baes")
    sites = [
        RunSite("a::T::one", WIDE, "a::T"),
        RunSite("b::T::one", WIDE, "b::T"),
        RunSite("a::T::two", WIDE, "a::T"),
        RunSite("a::T::three", other, "a::T"),
    ]
    assert plan_runs(sites) == [
        PlannedRun(WIDE, "a::T", ("a::T::one", "a::T::two")),
        PlannedRun(WIDE, "b::T", ("b::T::one",)),
        PlannedRun(other, "a::T", ("a::T::three",)),
    ]


@pytest.mark.parametrize(
    ("dist", "tests", "is_split"),
    [
        ("load", ("a.py::T::one", "a.py::T::two"), True),
        ("worksteal", ("a.py::T::one", "a.py::T::two"), True),
        ("load", ("a.py::T::one",), False),
        ("loadscope", ("a.py::T::one", "a.py::T::two"), False),
        ("loadscope", ("a.py::one", "a.py::T::two"), True),
        ("loadfile", ("a.py::one", "a.py::T::two"), False),
        ("loadfile", ("a.py::one", "b.py::two"), True),
        ("loadgroup", ("a.py::one", "b.py::two"), False),
        ("each", ("a.py::one", "b.py::two"), False),
        ("no", ("a.py::one", "b.py::two"), False),
    ],
)
def test_a_run_is_split_where_xdist_keeps_less_together(
    dist: str, tests: tuple[str, ...], is_split: bool
) -> None:
    """What a mode keeps together may be one run; with one worker everything may."""
    complaint = split_runs([run(*tests)], dist, worker_count=2)
    assert (complaint is not None) is is_split
    assert complaint is None or f"--dist {dist} may give to several workers" in complaint
    assert split_runs([run(*tests)], dist, worker_count=1) is None


def test_an_id_given_twice_names_both_runs() -> None:
    """And says how to make them one."""
    spec = RunSpec(run_id="0b0c9a56-7d0e-4a3f-9a53-0c8a3c1f7a10")
    runs = [PlannedRun(spec, name, (name,)) for name in ("a", "b", "c")]
    assert twice_given(runs[:1]) is None
    assert twice_given(runs) == (
        "run_id 0b0c9a56-7d0e-4a3f-9a53-0c8a3c1f7a10 is given to 3 runs: a and b and others; give "
        "each an id of its own, or none, or make them one run with scope='class', 'module' or "
        "'session'"
    )
