"""Merge call-path tables: additive, and independent of the order they come in."""

from collections.abc import Iterable, Sequence
from typing import Any

from pytest_timestamps.recording.results import PathStats
from pytest_timestamps.recording.rows import PathColumns, columns_of

__all__ = ["merge_paths"]


class _Path:
    """One path's sums so far; ``below`` are the paths beneath it, see `_add_table`."""

    __slots__ = (
        "below",
        "calls",
        "detached",
        "errors",
        "estimated",
        "max_ns",
        "min_ns",
        "name",
        "open",
        "section",
        "self_ns",
        "suspended_ns",
        "total_ns",
        "untimed",
    )

    def __init__(self, first: tuple[Any, ...]) -> None:
        (
            _, self.name, self.section, self.detached, self.calls, self.errors, self.open,
            self.total_ns, self.self_ns, self.min_ns, self.max_ns, self.suspended_ns,
            self.estimated, self.untimed,
        ) = first  # fmt: skip
        self.below: _Paths = {}


# By name; where a section or being detached tells paths apart as well, by all three.
_Paths = dict[str | tuple[str, bool, str], _Path]


def merge_paths(tables: Iterable[Sequence[PathStats]]) -> tuple[PathStats, ...]:
    """One table with the sums of all; equal paths become one row.

    Two rows are the same path if their parents are, and they agree in section, in being
    detached, and in name.
    Times and counts are added, ``min_ns`` and ``max_ns`` are the extremes over rows that have
    a call that was timed.
    The result is in canonical order (depth first, siblings by section, name, detached), so any
    order and any grouping of the input gives the same table.
    """
    top: _Paths = {}
    for table in tables:
        _add_table(columns_of(table), top)
    return _in_canonical_order(top)


def _add_table(table: PathColumns, top: _Paths) -> None:
    """Add one table's rows; this loop is the whole cost of merging, hence no calls in it.

    What is 0 nearly always is looked at first: it costs less than adding it does.
    """
    merged: list[_Path] = []
    for row in zip(*table, strict=True):
        (
            parent, name, section, detached, calls, errors, still_open,
            total_ns, self_ns, min_ns, max_ns, suspended_ns, estimated, untimed,
        ) = row  # fmt: skip
        below = merged[parent].below if parent >= 0 else top
        key = (section, detached, name) if section or detached else name
        path = below.get(key)
        if path is None:
            path = below[key] = _Path(row)
        else:
            if calls > estimated + untimed:
                silent = path.calls <= path.estimated + path.untimed
                if silent or min_ns < path.min_ns:
                    path.min_ns = min_ns
                if silent or max_ns > path.max_ns:
                    path.max_ns = max_ns
            path.calls += calls
            path.total_ns += total_ns
            path.self_ns += self_ns
            if errors:
                path.errors += errors
            if still_open:
                path.open += still_open
            if suspended_ns:
                path.suspended_ns += suspended_ns
            if estimated:
                path.estimated += estimated
            if untimed:
                path.untimed += untimed
        merged.append(path)


def _canonical(path: _Path) -> tuple[str, str, bool]:
    return path.section, path.name, path.detached


def _in_canonical_order(top: _Paths) -> tuple[PathStats, ...]:
    """Depth first with a stack of our own: a tree may be deeper than Python may recurse."""
    rows: list[PathStats] = []
    stack = [(path, -1) for path in sorted(top.values(), key=_canonical, reverse=True)]
    while stack:
        path, parent = stack.pop()
        number = len(rows)
        rows.append(
            PathStats(
                parent, path.name, path.section, path.detached, path.calls, path.errors,
                path.open, path.total_ns, path.self_ns, path.min_ns, path.max_ns,
                path.suspended_ns, path.estimated, path.untimed,
            )
        )  # fmt: skip
        if path.below:
            below = sorted(path.below.values(), key=_canonical, reverse=True)
            stack.extend((child, number) for child in below)
    return tuple(rows)
