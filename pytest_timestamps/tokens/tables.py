"""Tables of runs that fit the terminal: what doesn't find room in a row is told below it."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pytest_timestamps.analysis.text import display_width, printable

__all__ = ["Column", "draw_runs", "fits", "terminal_width"]

_GAP: Final = 2
_PADDING: Final = 2
"""What a header is given where there is room."""

_INDENT: Final = "  "
_DASHES: Final = {"", "-"}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table of runs.

    Where the row is too wide the columns leave it in the order of ``leaves``; one without a
    number stays. Of a cell that leaves, the first ``stub`` characters stay. ``is_told`` says
    whether the cell is then told below the row, or is known from another column.
    """

    header: str
    leaves: int | None = None
    stub: int = 0
    is_left: bool = False
    is_told: bool = True


def terminal_width() -> int | None:
    """The columns that standard output's terminal has room for.

    None for a file or a pipe, where one line a run is easiest to read on. ``COLUMNS`` doesn't
    change that: GNU readline leaves it to all child processes of pytest, xdist's workers too.
    """
    if not sys.stdout.isatty():
        return None
    # Some terminals break the line after their last column.
    return shutil.get_terminal_size().columns - 1


def fits(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int | None) -> bool:
    """Whether no column has to leave its row."""
    return width is None or _width(columns, rows, frozenset(), 0) <= width


def draw_runs(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int | None
) -> list[str]:
    """The table's lines, each at most *width* wide as far as words can be kept whole."""
    rows = [[printable(cell) for cell in row] for row in rows]
    if width is None or _width(columns, rows, frozenset(), _PADDING) <= width:
        return _drawn(columns, rows, frozenset(), _PADDING)
    gone = _gone(columns, rows, width)
    head, rule, *lines = _drawn(columns, rows, gone, 0)
    drawn = [head, rule]
    for line, row in zip(lines, rows, strict=True):
        told = [
            f"{column.header}: {row[n]}"
            for n, column in enumerate(columns)
            if n in gone and column.is_told and row[n] not in _DASHES
        ]
        drawn += [line, *_packed(told, width)]
    return drawn


def _drawn(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], gone: frozenset[int], padding: int
) -> list[str]:
    import tabulate

    staying = [n for n, column in enumerate(columns) if n not in gone or column.stub]
    widths = _widths(columns, rows, gone, padding)
    # The headers are rows to tabulate: for its own ones it always pads.
    table = tabulate.tabulate(
        [
            [columns[n].header for n in staying],
            ["-" * width for width in widths],
            *([_kept(columns[n], row[n], n in gone) for n in staying] for row in rows),
        ],
        tablefmt="plain",
        colalign=["left" if columns[n].is_left else "right" for n in staying],
        disable_numparse=True,
    )
    return [line.rstrip() for line in table.splitlines()]


def _gone(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> frozenset[int]:
    """The columns that leave, by their number."""
    gone: frozenset[int] = frozenset()
    order = {c.leaves: n for n, c in enumerate(columns) if c.leaves is not None}
    for leaves in sorted(order):
        if _width(columns, rows, gone, 0) <= width:
            break
        gone |= {order[leaves]}
    return gone


def _width(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], gone: frozenset[int], padding: int
) -> int:
    widths = _widths(columns, rows, gone, padding)
    return sum(widths) + _GAP * (len(widths) - 1)


def _widths(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], gone: frozenset[int], padding: int
) -> list[int]:
    return [
        max(
            display_width(column.header) + padding,
            *(display_width(_kept(column, row[n], n in gone)) for row in rows),
        )
        for n, column in enumerate(columns)
        if n not in gone or column.stub
    ]


def _kept(column: Column, text: str, is_gone: bool) -> str:
    return text[: column.stub] if is_gone else text


def _packed(told: Sequence[str], width: int) -> Iterator[str]:
    """Short ones share a line; a long one gets lines of its own, broken at its spaces."""
    line = ""
    for text in told:
        if line and len(line) + _GAP + len(text) <= width:
            line += f"{_INDENT}{text}"
            continue
        if line:
            yield line
        *full, line = textwrap.wrap(
            text,
            width,
            initial_indent=_INDENT,
            subsequent_indent=_INDENT * 2,
            break_long_words=False,
            break_on_hyphens=False,
        )
        yield from full
    if line:
        yield line
