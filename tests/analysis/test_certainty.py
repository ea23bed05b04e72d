"""Marks of times where not every call was timed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_timestamps.analysis.certainty import (
    Callers,
    Marks,
    TimeTexts,
    find_callers,
    mark_modules,
    mark_self,
    mark_total,
    share_text,
    time_texts,
)
from pytest_timestamps.analysis.modules import time_modules
from pytest_timestamps.analysis.timings import Timing, time_names
from pytest_timestamps.recording.results import PathStats
from tests.samples import path

NOBODY = Callers()


def timing(calls: int = 10, estimated: int = 0, untimed: int = 0) -> Timing:
    return Timing("f", calls, 0, 90, 60, 3, 9, 0, 0, estimated, untimed)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (timing(), TimeTexts("90 ns", "60 ns", "9 ns", "3 ns", "9 ns", "10", "0")),
        (timing(0), TimeTexts("90 ns", "60 ns", "0 ns", "3 ns", "9 ns", "0", "0")),
        (timing(10, 8), TimeTexts("~90 ns", "~60 ns", "~9 ns", "~3 ns", "~9 ns", "10", "0")),
        (timing(10, 10), TimeTexts("~90 ns", "~60 ns", "~9 ns", "-", "-", "10", "0")),
        (timing(10, 0, 1), TimeTexts("≥90 ns", "≥60 ns", "10 ns", "~3 ns", "~9 ns", "10", "0")),
        (timing(10, 2, 5), TimeTexts("≥~90 ns", "≥~60 ns", "~18 ns", "~3 ns", "~9 ns", "10", "0")),
        (timing(10, 0, 10), TimeTexts("-", "-", "-", "-", "-", "10", "0")),
    ],
)
def test_a_functions_times_are_marked(made: Timing, expected: TimeTexts) -> None:
    """Estimates, times that lack a part, and times that nobody knows; the average lacks nothing."""
    assert time_texts(made, NOBODY) == expected


@pytest.mark.parametrize(
    ("made", "callers", "mark"),
    [
        (timing(), Callers(of_estimated={"f"}), "~"),
        (timing(), Callers(of_counted={"f"}), "≤"),
        (timing(), Callers({"f"}, {"f"}), "≤~"),
        (timing(10, 5), Callers(of_counted={"f"}), "≤~"),
        (timing(10, 0, 5), Callers(of_estimated={"f"}), "≥~"),
        (timing(10, 0, 5), Callers(of_counted={"f"}), "?"),
        (timing(10, 2, 5), Callers({"f"}, {"f"}), "?"),
        (timing(), Callers({"g"}, {"g"}), ""),
    ],
)
def test_a_callers_self_time_is_marked_for_what_it_calls(
    made: Timing, callers: Callers, mark: str
) -> None:
    """It is its total less estimates, and holds what was only counted; its total is its own."""
    assert mark_self(made, callers) == mark
    assert mark_total(made) == mark_total(timing(made.calls, made.estimated, made.untimed))


def test_what_ran_beside_its_caller_is_no_part_of_it() -> None:
    """Nor is what lies at the top anyone's, and without such calls nobody is looked for."""
    rows = [
        path("a"), path("leaf", parent=0, calls=9, estimated=8),
        path("b"), path("only", parent=2, calls=9, untimed=9),
        path("c"), path("task", parent=4, calls=9, estimated=3, untimed=3, detached=True),
        path("top", calls=9, estimated=3, untimed=3),
    ]  # fmt: skip
    timings = time_names(rows).values()
    assert find_callers(timings, rows) == ({"a"}, {"b"}, set())
    assert find_callers([timing()], rows) == NOBODY


def test_an_unknown_time_has_no_share() -> None:
    """A dash is no zero."""
    assert share_text(0, "-", 100) == "-"
    assert share_text(50, "~50 ns", 100) == "50.0%"


def marks(*rows: PathStats) -> dict[tuple[str, str], Marks]:
    modules = time_modules(rows, {"shop", "shop.cart", "shop.tax", "bank"})
    found = mark_modules(time_names(rows).values(), rows, modules)
    return {(row.name, row.kind): marks for row, marks in found.items()}


def test_a_module_with_both_has_its_own_time() -> None:
    """What moves between a caller and the called leaves the sum of a module that has both."""
    assert marks(
        path("shop.cart.total", self_ns=4),
        path("shop.cart.item", parent=0, calls=9, total_ns=3, estimated=8),
        path("shop.cart.price", parent=0, calls=9, total_ns=3, untimed=4),
    ) == {}  # fmt: skip


def test_a_module_is_marked_for_what_crosses_its_border() -> None:
    """The called module lacks what the calling one holds; their package has both."""
    assert marks(
        path("shop.cart.total"),
        path("shop.tax.rate", parent=0, calls=9, total_ns=3, untimed=4),
        path("bank.pay", parent=0, calls=9, total_ns=3, estimated=4),
    ) == {
        ("shop.cart", "module"): Marks("≤~", ""),
        ("shop.tax", "module"): Marks("≥", "≥"),
        ("shop", "package"): Marks("~", ""),
        ("bank", "module"): Marks("~", "~"),
    }  # fmt: skip


def test_a_module_that_was_only_counted_has_no_time() -> None:
    """Nor has its package; where an outer call is its own, its total is known all the same."""
    only = path("shop.tax.rate", calls=9, total_ns=0, min_ns=0, max_ns=0, untimed=9)
    assert marks(only)["shop.tax", "module"] == Marks("-", "-")
    assert marks(path("shop.tax.all"), path("bank.pay", parent=0), only._replace(parent=1)) == {
        ("shop.tax", "module"): Marks("≥", ""),
        ("shop", "package"): Marks("≥", ""),
        ("bank", "module"): Marks("≤", ""),
    }


def test_a_module_that_comes_back_has_its_total() -> None:
    """What is estimated further below is within a call that was timed."""
    rows = (path("shop.tax.all"), path("bank.pay", parent=0))
    inner = path("shop.tax.rate", parent=1, calls=9, total_ns=3, estimated=8)
    assert marks(*rows, inner)["shop.tax", "module"] == Marks("~", "")


@st.composite
def programs(draw: st.DrawFn) -> list[tuple[int, str, int, int]]:
    """Call paths of exact times: parent, name, own time, and how much of it is misplaced."""
    rows = []
    names = ["a.f", "a.g", "b.f", "p.q.f", "p.r.f", "p.r.g"]
    for at in range(draw(st.integers(1, 8))):
        parent = draw(st.integers(-1, at - 1))
        own = draw(st.integers(1, 9))
        rows.append((parent, draw(st.sampled_from(names)), own, draw(st.sampled_from([0, own]))))
    return rows


@given(programs())
@settings(deadline=None)
def test_a_module_without_a_mark_has_its_true_times(rows: list[tuple[int, str, int, int]]) -> None:
    """Counting leaves with their callers changes no unmarked figure, and bounds the others."""
    parents = {parent for parent, *_ in rows}
    exact, seen = [], []
    moved = [0] * len(rows)
    for at, (parent, _, _, misplaced) in enumerate(rows):
        if misplaced and at not in parents and parent >= 0:
            moved[parent] += misplaced
    for at, (parent, name, own, misplaced) in enumerate(rows):
        counted = bool(misplaced) and at not in parents
        exact.append(path(name, parent=parent, total_ns=own))
        left = 0 if counted else own + moved[at]
        seen.append(path(name, parent=parent, total_ns=left, untimed=int(counted)))
    known = {"a", "b", "p.q", "p.r"}
    true = {(row.name, row.kind): row for row in time_modules(exact, known)}
    shown = time_modules(seen, known)
    found = mark_modules(time_names(seen).values(), seen, shown)
    for row in shown:
        real = true[row.name, row.kind]
        mark = found.get(row, Marks())
        for sign, figure, truth in (
            (mark.self, row.self_ns, real.self_ns),
            (mark.total, row.cumulative_ns, real.cumulative_ns),
        ):
            assert {
                "": figure == truth, "≥": figure <= truth, "≤": figure >= truth,
                "~": True, "?": True, "-": figure == 0,
            }[sign]  # fmt: skip
