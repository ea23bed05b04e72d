"""Tables of runs on narrow terminals: nothing is lost, and ids can still be copied."""

from __future__ import annotations

import io
import sys

import pytest

from pytest_timestamps.tokens.tables import Column, draw_runs, fits, terminal_width

COLUMNS = (
    Column("run", leaves=3, stub=4, is_left=True),
    Column("test", leaves=2, is_left=True),
    Column("owner", leaves=4, is_told=False),
    Column("calls"),
    Column("why", leaves=1, is_left=True),
)
ROWS = [
    ["0123-4567", "test_one", "me", "12", "because of a long reason"],
    ["89ab-cdef", "-", "you", "1,000", "-"],
]


def drawn(width: int | None) -> list[str]:
    """The table at *width*, after whether it fits was said rightly."""
    lines = draw_runs(COLUMNS, ROWS, width)
    assert fits(COLUMNS, ROWS, width) == (len(lines) == 2 + len(ROWS))
    return lines


@pytest.mark.parametrize("width", [None, 63])
def test_a_wide_table_has_one_line_a_run(width: int | None) -> None:
    """Also where nobody knows the width."""
    assert drawn(width) == [
        "run        test        owner    calls  why",
        "---------  --------  -------  -------  ------------------------",
        "0123-4567  test_one       me       12  because of a long reason",
        "89ab-cdef  -             you    1,000  -",
    ]


def test_a_tight_table_gives_up_its_padding_first() -> None:
    """A column leaves only if that isn't enough."""
    assert drawn(59)[1] == "---------  --------  -----  -----  ------------------------"


def test_columns_leave_in_their_order_and_are_told_below() -> None:
    """No more of them than need be; a dash is told by saying nothing."""
    assert drawn(50) == [
        "run        test      owner  calls",
        "---------  --------  -----  -----",
        "0123-4567  test_one     me     12",
        "  why: because of a long reason",
        "89ab-cdef  -           you  1,000",
    ]


def test_a_narrow_table_keeps_the_start_of_an_id() -> None:
    """The whole id is below; what another column tells too isn't repeated; words stay whole."""
    assert drawn(17) == [
        "run   calls",
        "----  -----",
        "0123     12",
        "  run: 0123-4567",
        "  test: test_one",
        "  why: because of",
        "    a long reason",
        "89ab  1,000",
        "  run: 89ab-cdef",
    ]


def test_what_is_told_shares_lines_where_it_can() -> None:
    """A value that is too long for any line is kept whole."""
    columns = (Column("x"), *(Column(name, leaves=n) for n, name in enumerate("abc")))
    assert draw_runs(columns, [["1", "22", "33", "4" * 20]], 16) == [
        "x",
        "-",
        "1",
        "  a: 22  b: 33",
        "  c:",
        f"    {'4' * 20}",
    ]


def test_a_cell_cannot_break_the_table_or_the_terminal() -> None:
    """Files may come from elsewhere: what isn't printable is shown escaped."""
    (*_, row) = draw_runs((Column("test", is_left=True),), [["a\nb\x1b[31m"]], None)
    assert row == r"a\nb\x1b[31m"


def test_only_a_terminal_has_a_width(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file or a pipe has none, whatever COLUMNS says."""
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert terminal_width() is None
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert terminal_width() == 79
