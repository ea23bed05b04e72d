"""A call tree cut down to what a page has room for: its widest frames."""

from collections.abc import Sequence
from typing import NamedTuple

from pytest_timestamps.recording.results import PathStats

__all__ = ["Widest", "keep_widest"]


class Widest(NamedTuple):
    """The rows kept, in their order; so that widths still add up, the time of the others.

    ``places`` says which row of the table each was, ``rest_ns`` has the self time of what was left
    out directly or further below it, ``top_ns`` is that of what was left out at the top.
    """

    rows: list[PathStats]
    places: list[int]
    rest_ns: list[int]
    top_ns: int


def keep_widest(table: Sequence[PathStats], room: int) -> Widest:
    """At most ``room`` rows, those that take the most time with all below them.

    A row's parent takes as much time as it does, so it is kept too.
    """
    if len(table) <= room:
        return Widest(list(table), list(range(len(table))), [0] * len(table), 0)
    widths = [max(0, row.self_ns) for row in table]
    for at in range(len(table) - 1, -1, -1):
        if table[at].parent >= 0:
            widths[table[at].parent] += widths[at]
    ranked = sorted(range(len(table)), key=lambda at: (-widths[at], at))
    kept = set(ranked[:room])
    # The new number of each row, or of the nearest row above that was kept, or -1.
    number: list[int] = []
    rows: list[PathStats] = []
    rest_ns: list[int] = []
    top_ns = 0
    for at, row in enumerate(table):
        parent = number[row.parent] if row.parent >= 0 else -1
        if at in kept:
            number.append(len(rows))
            rows.append(row._replace(parent=parent))
            rest_ns.append(0)
        else:
            number.append(parent)
            if parent >= 0:
                rest_ns[parent] += max(0, row.self_ns)
            else:
                top_ns += max(0, row.self_ns)
    return Widest(rows, sorted(kept), rest_ns, top_ns)
