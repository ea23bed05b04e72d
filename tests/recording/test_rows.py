"""Rows that are held by column, and made when they are asked for."""

import pytest

from pytest_timestamps.recording.results import PathStats
from pytest_timestamps.recording.rows import Rows, columns_of, no_less_than_calls, path_rows
from tests.samples import path

PLAIN = (path("a", section="call"), path("b", parent=0, calls=2), path("c", parent=1, errors=1))


@pytest.fixture
def rows() -> Rows[PathStats]:
    return path_rows(columns_of(PLAIN))


def test_rows_are_those_of_a_tuple(rows: Rows[PathStats]) -> None:
    """All that can be asked of a tuple of them has the same answer."""
    assert (len(rows), bool(rows), tuple(rows)) == (3, True, PLAIN)
    assert (rows[0], rows[-1], rows[1:], rows[::-1]) == (
        PLAIN[0], PLAIN[-1], PLAIN[1:], PLAIN[::-1],
    )  # fmt: skip
    assert {type(row) for row in [*rows, rows[1], *rows[:1]]} == {PathStats}
    assert (PLAIN[1] in rows, rows.index(PLAIN[1])) == (True, 1)
    assert (repr(rows), hash(rows)) == (repr(PLAIN), hash(PLAIN))
    with pytest.raises(IndexError):
        rows[3]


def test_rows_equal_a_tuple_of_the_same(rows: Rows[PathStats]) -> None:
    """Whichever of the two is asked; no other sequence does, as none equals a tuple."""
    plain = PLAIN
    assert rows == plain
    assert plain == rows
    assert rows == path_rows(columns_of(PLAIN))
    assert rows != PLAIN[:2]
    assert rows != list(PLAIN)


@pytest.mark.parametrize("table", [(), path_rows(columns_of(()))], ids=["tuple", "rows"])
def test_no_rows_have_columns_too(table: tuple[PathStats, ...] | Rows[PathStats]) -> None:
    """One for each field, all empty."""
    assert not table
    assert columns_of(table) == ((),) * len(PathStats._fields)
    assert tuple(path_rows(columns_of(table))) == ()


def test_columns_are_those_of_the_rows(rows: Rows[PathStats]) -> None:
    """By the names of the fields."""
    columns = columns_of(PLAIN)
    assert (columns.name, columns.calls, columns.errors) == (("a", "b", "c"), (1, 2, 1), (0, 0, 1))
    assert columns_of(rows) == columns


def test_the_whole_is_no_less_than_a_call() -> None:
    """What a generator did that began elsewhere may be more: it is below another row."""
    rows = path_rows(
        columns_of((path("a", total_ns=5), path("b", parent=0, total_ns=9), path("c", total_ns=7)))
    )
    assert [no_less_than_calls(whole_ns, rows) for whole_ns in (10, 8, 7, 6)] == [10, 8, 7, 7]
    assert no_less_than_calls(-3, ()) == -3
