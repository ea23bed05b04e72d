"""Figures and tables for people, with nothing but the standard library."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from decimal import Decimal

__all__ = [
    "count",
    "display_width",
    "draw_table",
    "format_ns",
    "format_share",
    "format_usd",
    "printable",
    "shorten",
]

_UNITS = ((1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "µs"))


def format_ns(duration_ns: int) -> str:
    """A duration in the unit that suits it, three digits: ``12.3 ms``, ``1 min 05 s``."""
    if duration_ns < 0:
        return f"-{format_ns(-duration_ns)}"
    if duration_ns >= 3_599_500_000_000:
        minutes = round(duration_ns / 60_000_000_000)
        return f"{minutes // 60:,} h {minutes % 60:02} min"
    if duration_ns >= 59_950_000_000:
        seconds = round(duration_ns / 1_000_000_000)
        return f"{seconds // 60} min {seconds % 60:02} s"
    for unit_ns, unit in _UNITS:
        # 999.5 of the smaller unit would be shown as 1000 of it: it belongs here.
        if duration_ns * 2_000 >= unit_ns * 1_999:
            value = duration_ns / unit_ns
            digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
            return f"{value:.{digits}f} {unit}"
    return f"{duration_ns} ns"


def format_share(part_ns: int, whole_ns: int) -> str:
    """``part`` in percent of ``whole``; a dash where the whole is nothing."""
    if whole_ns <= 0:
        return "-"
    share = 100 * part_ns / whole_ns
    return "<0.1%" if 0 < share < 0.05 else f"{share:.1f}%"


def format_usd(amount: Decimal | float) -> str:
    """US dollars: four decimals, or as many as the first two digits of a smaller amount need.

    An amount and the float nearest to it give the same text: 0.0000135 is 0.000014 as either.
    """
    # Imported here: it takes 3 ms, and most sessions have no costs.
    from decimal import Decimal

    exact = amount if isinstance(amount, Decimal) else Decimal(repr(amount))
    if not exact or abs(exact) >= Decimal("0.001"):
        return f"{exact:,.4f}"
    return f"{Decimal(f'{exact:.1e}'):f}"


def count(number: int, noun: str) -> str:
    """``1 test``, ``2 tests``, ``1,234 tests``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def printable(text: str) -> str:
    """The text on one line of a terminal: what isn't printable is shown escaped."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode("ascii")
        for char in text
    )


def display_width(text: str) -> int:
    """The columns that the text takes in a terminal: two for most of East Asia and for emoji."""
    return len(text) if text.isascii() else sum(map(_columns, text))


def _columns(char: str) -> int:
    # Imported where a name isn't ASCII.
    from unicodedata import category, east_asian_width

    if category(char) in ("Mn", "Me", "Cf"):
        # It changes the character before it.
        return 0
    return 2 if east_asian_width(char) in ("W", "F") else 1


def shorten(text: str, width: int) -> str:
    """The text in at most ``width`` columns, an ellipsis in place of its middle.

    The end gets the larger part: it is where a function's or a test's own name stands.
    """
    if display_width(text) <= width:
        return text
    if width <= 1:
        return "…"[:width]
    head = (width - 1) * 2 // 5
    end = _fitting(reversed(text), width - 1 - head)
    return f"{_fitting(text, head)}…{end[::-1]}"


def _fitting(chars: Iterable[str], width: int) -> str:
    """As many of the first characters as that many columns hold."""
    kept: list[str] = []
    for char in chars:
        width -= _columns(char)
        if width < 0:
            break
        kept.append(char)
    return "".join(kept)


def draw_table(
    headers: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1
) -> list[str]:
    """Lines of an aligned table; the first ``left`` columns to the left, the rest to the right."""
    widths = [
        max(display_width(row[column]) for row in (headers, *rows))
        for column in range(len(headers))
    ]

    def line(cells: Sequence[str]) -> str:
        spaces = [
            " " * (width - display_width(cell)) for cell, width in zip(cells, widths, strict=True)
        ]
        return "  ".join(
            cell + space if column < left else space + cell
            for column, (cell, space) in enumerate(zip(cells, spaces, strict=True))
        ).rstrip()

    return [line(headers), line(["-" * width for width in widths]), *(line(row) for row in rows)]
