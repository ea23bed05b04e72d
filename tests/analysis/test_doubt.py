"""How far off an estimated time may be."""

import math
from statistics import pstdev

from hypothesis import given
from hypothesis import strategies as st

from pytest_timestamps.analysis.doubt import Doubt, doubt_names, doubt_top
from pytest_timestamps.analysis.timings import time_names
from tests.samples import path

# 100 calls timed, of 10 to 50 ns and 20 on average: a variance of at most 300.
LEAF = {"calls": 1_000, "total_ns": 20_000, "min_ns": 10, "max_ns": 50, "estimated": 900}
ERROR_NS = 3 * math.sqrt(300 * (900**2 / 100 + 900))


def test_the_doubt_is_three_standard_errors() -> None:
    """Of the function's times, of its caller's self time, and of nothing else."""
    rows = [path("a"), path("b", parent=0), path("leaf", parent=1, **LEAF)]
    assert doubt_names(rows, time_names(rows)) == {
        "leaf": Doubt(ERROR_NS, ERROR_NS),
        "b": Doubt(ERROR_NS, 0.0),
    }
    assert doubt_top(rows, time_names(rows)) == 0


def test_what_is_at_the_top_is_a_doubt_about_its_test() -> None:
    """A test's own time is less such an estimate; what ran beside it has no part in it."""
    rows = [path("leaf", **LEAF), path("leaf", detached=True, **LEAF)]
    timings = {"leaf": time_names(rows[:1])["leaf"]}
    assert doubt_top(rows, timings) == ERROR_NS
    beside = [path("a"), path("leaf", parent=0, detached=True, **LEAF)]
    assert doubt_names(beside, timings).keys() == {"leaf"}


def test_what_was_only_counted_has_no_part_in_the_mean() -> None:
    """Such calls are in no time, whatever their number."""
    rows = [path("leaf", **{**LEAF, "calls": 5_000, "untimed": 4_000})]
    assert doubt_names(rows, time_names(rows))["leaf"].total_ns == ERROR_NS


def test_equal_calls_leave_no_doubt() -> None:
    """Where the shortest is the longest there is nothing to be wrong about."""
    rows = [path("leaf", calls=100, total_ns=500, min_ns=5, max_ns=5, estimated=90)]
    assert doubt_names(rows, time_names(rows)) == {"leaf": Doubt(0.0, 0.0)}


def test_without_a_timed_call_there_is_no_end_of_doubt() -> None:
    """Nor for a name of which nothing else is known."""
    rows = [path("leaf", calls=9, estimated=9)]
    assert doubt_names(rows, time_names(rows))["leaf"].self_ns == math.inf
    assert doubt_top(rows, {}) == math.inf


@given(st.lists(st.integers(0, 99), min_size=2, max_size=6))
def test_the_variance_is_never_more_than_is_taken_for_it(times: list[int]) -> None:
    """Whatever the timed calls took, their deviation is within what the extremes and mean allow."""
    row = path(
        "leaf", calls=2 * len(times), total_ns=2 * sum(times), min_ns=min(times),
        max_ns=max(times), estimated=len(times),
    )  # fmt: skip
    doubt = doubt_names([row], time_names([row]))["leaf"].total_ns
    assert doubt >= 3 * math.sqrt(2 * len(times)) * pstdev(times) - 1e-6
