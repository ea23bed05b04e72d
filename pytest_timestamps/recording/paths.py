"""A growing table of call paths: where figures of the same path are added up."""

from __future__ import annotations

from .results import PathStats
from .tree import NO_MINIMUM

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

__all__ = ["PathTable"]

_CALLS, _ERRORS, _OPEN, _TOTAL, _SELF, _MIN, _MAX, _SUSPENDED, _ESTIMATED, _UNTIMED = range(4, 14)


class PathTable:
    """Rows by (parent, section, detached, name), parents before children.

    A name that occurs on its own path is recursion: it is folded into the outer row, its calls
    and self time added, its total time left out because the outer one holds it already.
    """

    def __init__(self) -> None:
        self._rows: list[list[Any]] = []
        self._index: dict[tuple[int, str, bool, str], tuple[int, bool]] = {}
        self._names: set[str] = set()
        self._given: Sequence[PathStats] = ()

    def __len__(self) -> int:
        return len(self._rows) or len(self._given)

    def give(self, rows: Sequence[PathStats]) -> None:
        """Have these rows, of paths that are all different, in a table that had none."""
        assert not self._rows, "only an empty table can be given rows"
        self._given = rows

    def copy(self) -> PathTable:
        """An independent table of the same rows."""
        other = PathTable()
        other._rows = [list(row) for row in self._rows]
        other._index = dict(self._index)
        other._names = set(self._names)
        other._given = self._given
        return other

    def locate(self, parent: int, section: str, detached: bool, name: str) -> tuple[int, bool]:
        """The path's row, and whether its total time counts there."""
        if self._given:
            self._unpack()
        key = (parent, section, detached, name)
        place = self._index.get(key)
        if place is None:
            # a name that is nowhere yet isn't above either: deep trees needn't be climbed
            place = self._fold(parent, detached, name) if name in self._names else None
            if place is None:
                place = (len(self._rows), True)
                self._names.add(name)
                self._rows.append(
                    [parent, name, section, detached, 0, 0, 0, 0, 0, NO_MINIMUM, 0, 0, 0, 0]
                )
            self._index[key] = place
        return place

    def _unpack(self) -> None:
        """Make rows that can be added to of those that were given."""
        given, self._given = self._given, ()
        for number, row in enumerate(given):
            timed = row.calls - row.estimated - row.untimed
            min_ns = row.min_ns if timed else NO_MINIMUM
            self._rows.append([*row[:_MIN], min_ns, *row[_MAX:]])
            self._index[row[0], row.section, row.detached, row.name] = (number, True)
            self._names.add(row.name)

    def _fold(self, parent: int, detached: bool, name: str) -> tuple[int, bool] | None:
        beside = detached
        row_number = parent
        while row_number >= 0:
            row = self._rows[row_number]
            if row[1] == name:
                return row_number, beside
            beside = beside or bool(row[3])
            row_number = row[0]
        return None

    def add(self, place: tuple[int, bool], figures: tuple[int, ...]) -> None:
        """Add ``figures`` at ``place``: those of `PathStats`, from its calls on."""
        number, counts_total = place
        row = self._rows[number]
        (
            calls, errors, still_open, total_ns, self_ns, min_ns, max_ns, suspended_ns,
            estimated, untimed,
        ) = figures  # fmt: skip
        row[_CALLS] += calls
        row[_ERRORS] += errors
        row[_OPEN] += still_open
        if counts_total:
            row[_TOTAL] += total_ns
        row[_SELF] += self_ns
        if min_ns < row[_MIN]:
            row[_MIN] = min_ns
        if max_ns > row[_MAX]:
            row[_MAX] = max_ns
        row[_SUSPENDED] += suspended_ns
        row[_ESTIMATED] += estimated
        row[_UNTIMED] += untimed

    def rows(self) -> Sequence[PathStats]:
        """The table, frozen; a path without any finished or open span has a minimum of 0."""
        if self._given:
            return self._given
        return tuple(PathStats(*_without_minimum(row)) for row in self._rows)


def _without_minimum(row: list[Any]) -> list[Any]:
    """``row``, with 0 for the minimum of no spans."""
    return [*row[:_MIN], 0, *row[_MAX:]] if row[_MIN] == NO_MINIMUM else row
