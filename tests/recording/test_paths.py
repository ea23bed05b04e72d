"""The table of call paths: one row a path, recursion folded, parents first."""

from __future__ import annotations

from pytest_timestamps.recording.paths import PathTable
from pytest_timestamps.recording.tree import NO_MINIMUM

Figures = tuple[int, ...]


def figures(calls: int = 1, total_ns: int = 10, self_ns: int = 10) -> Figures:
    """Figures of finished spans."""
    return calls, 0, 0, total_ns, self_ns, total_ns, total_ns, 0, 0, 0


def add(table: PathTable, parent: int, name: str, *, detached: bool = False, **more: int) -> int:
    """Add figures to a path; returns its row."""
    place = table.locate(parent, "", detached, name)
    table.add(place, figures(**more))
    return place[0]


def test_same_path_is_one_row() -> None:
    """Figures of one path are added up; the least and the greatest are kept."""
    table = PathTable()
    add(table, -1, "f", total_ns=10)
    add(table, -1, "f", total_ns=30)
    (row,) = table.rows()
    assert (row.calls, row.total_ns, row.min_ns, row.max_ns) == (2, 40, 10, 30)


def test_sections_and_detached_work_have_rows_of_their_own() -> None:
    """The same name in another section, or beside its parent, is another path."""
    table = PathTable()
    table.locate(-1, "setup", False, "f")
    outer = table.locate(-1, "call", False, "f")[0]
    table.locate(outer, "", False, "g")
    table.locate(outer, "", True, "g")
    assert [(row.section, row.name, row.detached) for row in table.rows()] == [
        ("setup", "f", False),
        ("call", "f", False),
        ("", "g", False),
        ("", "g", True),
    ]


def test_recursion_counts_calls_and_self_time_but_no_total() -> None:
    """A name on its own path folds into the outer row, whose total holds it already."""
    table = PathTable()
    outer = add(table, -1, "f", total_ns=100, self_ns=40)
    inner = add(table, outer, "g", total_ns=60, self_ns=20)
    assert add(table, inner, "f", total_ns=40, self_ns=40) == outer
    rows = table.rows()
    assert [(row.name, row.calls, row.total_ns, row.self_ns) for row in rows] == [
        ("f", 2, 100, 80),
        ("g", 1, 60, 20),
    ]


def test_recursion_beside_its_parent_counts_its_total() -> None:
    """A task that runs its starter's function runs beside it: that time is in no other total."""
    table = PathTable()
    outer = add(table, -1, "f", total_ns=100)
    assert add(table, outer, "f", detached=True, total_ns=40) == outer
    assert table.rows()[0].total_ns == 140
    between = add(table, outer, "g", detached=True)
    add(table, between, "f", total_ns=5)
    assert table.rows()[0].total_ns == 145


def test_a_path_without_a_span_has_no_minimum() -> None:
    """A row that only passes time on to others shows 0, not the largest number."""
    table = PathTable()
    table.add(table.locate(-1, "", False, "f"), (0, 0, 0, 10, 10, NO_MINIMUM, 0, 0, 0, 0))
    (row,) = table.rows()
    assert (row.min_ns, row.total_ns) == (0, 10)


def test_rows_that_were_given_can_be_added_to() -> None:
    """As if they had been added one by one: to a path, and to the name of one above it."""
    table, given = PathTable(), PathTable()
    for one in (table, given):
        add(one, add(one, -1, "f"), "g")
        one.locate(-1, "", False, "h")
    rows = table.rows()
    given = PathTable()
    given.give(rows)
    assert (len(given), given.rows(), given.copy().rows()) == (3, rows, rows)
    for one in (table, given):
        assert add(one, 1, "f", total_ns=5, self_ns=5) == 0
        add(one, -1, "h", total_ns=3)
    assert given.rows() == table.rows()
    assert given.rows()[2].min_ns == 3


def test_a_copy_is_independent() -> None:
    """Asking while a collector runs doesn't change what it has."""
    table = PathTable()
    add(table, -1, "f")
    copy = table.copy()
    add(copy, -1, "f")
    add(copy, -1, "g")
    assert [row.calls for row in table.rows()] == [1]
    assert [row.calls for row in copy.rows()] == [2, 1]
