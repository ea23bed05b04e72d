"""Figures per name, and their ranking."""

import pytest

from pytest_timestamps.analysis.timings import (
    Timing,
    check_limit,
    rank_hotspots,
    rank_names,
    rank_timings,
    time_names,
)
from pytest_timestamps.errors import ArgumentError, ArgumentTypeError
from tests.samples import path


def test_a_name_sums_its_paths() -> None:
    """All paths of a name make one row, wherever they lie in the tree."""
    rows = [
        path("a", calls=1, total_ns=50, self_ns=20, min_ns=50, max_ns=50, suspended_ns=3),
        path("b", parent=0, calls=3, total_ns=30, min_ns=5, max_ns=15, errors=1),
        path("b", calls=1, total_ns=40, min_ns=40, max_ns=40, open=1),
    ]
    assert time_names(rows) == {
        "a": Timing("a", 1, 0, 50, 20, 50, 50, 3, 0),
        "b": Timing("b", 4, 1, 70, 70, 5, 40, 0, 1),
    }


def test_names_are_ranked_as_hotspots_are() -> None:
    """The most self time first, and of equal ones by name; without any there is nothing."""
    rows = [
        path("b", total_ns=50, self_ns=20),
        path("a", parent=0, total_ns=20),
        path("c", parent=0, total_ns=10),
        path("c", total_ns=30),
    ]
    ranked = rank_names(rows)
    assert ranked == rank_hotspots(time_names(rows).values(), limit=None)
    assert [timing.name for timing in ranked] == ["c", "a", "b"]
    assert rank_names(()) == ()


@pytest.mark.parametrize("flip", [False, True])
def test_a_path_without_calls_has_no_say_in_the_extremes(flip: bool) -> None:
    """The zeros of a path that was never called are no minimum."""
    rows = [path("a", calls=0, total_ns=0), path("a", calls=2, total_ns=8)]
    timing = time_names(rows[::-1] if flip else rows)["a"]
    assert (timing.calls, timing.min_ns, timing.max_ns) == (2, 4, 4)


@pytest.mark.parametrize("flip", [False, True])
def test_a_path_without_a_timed_call_has_no_say_in_the_extremes(flip: bool) -> None:
    """The zeros of calls that were counted or estimated are no minimum; their numbers add up."""
    rows = [
        path("a", calls=7, total_ns=20, min_ns=0, max_ns=0, estimated=5, untimed=2),
        path("a", calls=4, total_ns=8, min_ns=4, max_ns=6, estimated=1, untimed=1),
    ]
    timing = time_names(rows[::-1] if flip else rows)["a"]
    assert timing == Timing("a", 11, 0, 28, 28, 4, 6, 0, 0, estimated=6, untimed=3)
    assert timing.timed == 2


def test_the_average_is_of_the_calls_whose_time_is_known() -> None:
    """An estimate is part of the total; what was only counted has no part in either."""
    assert Timing("a", 10, 0, 40, 40, 4, 4, 0, estimated=8).avg_ns == 4
    assert Timing("a", 10, 0, 40, 40, 4, 4, 0, estimated=2, untimed=6).avg_ns == 10
    assert Timing("a", 10, 0, 0, 0, 0, 0, 0, untimed=10).avg_ns == 0


def test_the_average_is_a_whole_number() -> None:
    """Average is total over calls rounded down, and 0 where there was no call."""
    assert Timing("a", 3, 0, 11, 11, 3, 4, 0).avg_ns == 3
    assert Timing("a", 0, 0, 0, 0, 0, 0, 0).avg_ns == 0


def timing(name: str, calls: int, total_ns: int, self_ns: int) -> Timing:
    return Timing(name, calls, 0, total_ns, self_ns, 1, 1, 0)


TIMINGS = [timing("c", 5, 20, 10), timing("b", 1, 99, 10), timing("a", 2, 30, 30)]


@pytest.mark.parametrize(("sort", "names"), [("self", "abc"), ("total", "bac"), ("calls", "cab")])
def test_each_order_has_its_own_first(sort: str, names: str) -> None:
    """Rows descend by the chosen figure; ties go by self time, then by name."""
    ranked = rank_timings(TIMINGS, sort=sort)  # type: ignore[arg-type]
    assert "".join(row.name for row in ranked) == names


def test_hotspots_are_the_most_self_time() -> None:
    """A hotspot is ranked by self time, whatever its total."""
    assert [row.name for row in rank_hotspots(TIMINGS, limit=2)] == ["a", "b"]


@pytest.mark.parametrize(("limit", "rows"), [(0, 0), (1, 1), (9, 3), (None, 3)])
def test_the_limit_bounds_the_rows(limit: int | None, rows: int) -> None:
    """Limit 0 gives nothing, None gives all."""
    assert len(rank_timings(TIMINGS, limit=limit)) == rows


def test_a_negative_limit_is_refused() -> None:
    """The message says what was seen and what gives all rows."""
    with pytest.raises(ArgumentError, match=r"^limit must be 0 or more, got -1; None gives all"):
        check_limit(-1)


@pytest.mark.parametrize("limit", ["ten", 1.0, True])
def test_a_limit_that_is_no_number_is_refused(limit: object) -> None:
    """The message names the value and its type."""
    with pytest.raises(ArgumentTypeError, match=r"^limit must be a whole number or None, got "):
        check_limit(limit)  # type: ignore[arg-type]


def test_an_unknown_order_is_refused() -> None:
    """The message lists the orders that there are."""
    with pytest.raises(ArgumentError, match=r"^sort must be one of self, total, calls, got 'cpu'"):
        rank_timings([], sort="cpu")  # type: ignore[arg-type]
