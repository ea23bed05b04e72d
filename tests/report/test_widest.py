"""A call tree cut down to its widest frames."""

from hypothesis import given
from hypothesis import strategies as st

from pytest_timestamps.recording.results import PathStats
from pytest_timestamps.report.html.widest import keep_widest
from tests.samples import path


def test_a_tree_that_fits_stays_as_it_is() -> None:
    """Nothing is left out, nothing is added."""
    table = [path("a"), path("b", parent=0)]
    assert keep_widest(table, 2) == (table, [0, 1], [0, 0], 0)


def test_the_narrowest_are_counted_in_their_callers() -> None:
    """Rows keep their order and their parents, and what was left out is known above it."""
    table = [
        path("a", self_ns=1),
        path("narrow", parent=0, self_ns=2),
        path("below", parent=1, self_ns=3),
        path("b", parent=0, self_ns=50),
        path("c", parent=3, self_ns=6),
    ]
    rows, places, rest_ns, top_ns = keep_widest(table, 3)
    assert [(row.name, row.parent) for row in rows] == [("a", -1), ("b", 0), ("c", 1)]
    assert (places, rest_ns, top_ns) == ([0, 3, 4], [5, 0, 0], 0)


@st.composite
def tables(draw: st.DrawFn) -> list[PathStats]:
    """Any trees."""
    table: list[PathStats] = []
    for at in range(draw(st.integers(1, 12))):
        parent = draw(st.integers(-1, at - 1))
        table.append(path(f"f{at}", parent=parent, self_ns=draw(st.integers(0, 9))))
    return table


@given(tables(), st.integers(1, 12))
def test_no_time_is_lost(table: list[PathStats], room: int) -> None:
    """However few are kept, their times and what is counted in them are the whole tree's."""
    rows, places, rest_ns, top_ns = keep_widest(table, room)
    assert len(rows) == len(rest_ns) == min(room, len(table))
    assert all(row.parent < at for at, row in enumerate(rows))
    assert [row.name for row in rows] == [table[at].name for at in places]
    assert sum(row.self_ns for row in rows) + sum(rest_ns) + top_ns == sum(
        row.self_ns for row in table
    )
