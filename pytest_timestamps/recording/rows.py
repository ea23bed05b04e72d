"""The rows of a table, held by column."""

from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import Any, NamedTuple, TypeVar, overload

from .results import PathStats

__all__ = ["PathColumns", "Rows", "columns_of", "no_less_than_calls", "path_rows"]

_Row = TypeVar("_Row", bound=tuple[Any, ...])


class Rows(Sequence[_Row]):
    """Rows of one ``kind``, a named tuple, made when asked for; equal to a tuple of the same rows.

    A test records hundreds of call paths, and few are looked at one by one: they are added up and
    written from ``columns``, at a fraction of what an object for each row costs.
    """

    __slots__ = ("columns", "kind")

    def __init__(self, kind: type[_Row], columns: Sequence[Sequence[Any]]) -> None:
        self.kind = kind
        self.columns = columns

    def __len__(self) -> int:
        return len(self.columns[0])

    def __iter__(self) -> Iterator[_Row]:
        # what the named tuple's own maker does, at a third of its cost
        return map(tuple.__new__, repeat(self.kind), zip(*self.columns, strict=True))

    @overload
    def __getitem__(self, index: int) -> _Row: ...

    @overload
    def __getitem__(self, index: slice) -> tuple[_Row, ...]: ...

    def __getitem__(self, index: int | slice) -> _Row | tuple[_Row, ...]:
        if isinstance(index, slice):
            return tuple(self)[index]
        return tuple.__new__(self.kind, [column[index] for column in self.columns])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Rows | tuple):
            return NotImplemented
        return tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(tuple(self))


class PathColumns(NamedTuple):
    """The fields of `PathStats`, each for all rows."""

    parent: Sequence[int]
    name: Sequence[str]
    section: Sequence[str]
    detached: Sequence[bool]
    calls: Sequence[int]
    errors: Sequence[int]
    open: Sequence[int]
    total_ns: Sequence[int]
    self_ns: Sequence[int]
    min_ns: Sequence[int]
    max_ns: Sequence[int]
    suspended_ns: Sequence[int]
    estimated: Sequence[int]
    untimed: Sequence[int]


def path_rows(columns: PathColumns) -> Rows[PathStats]:
    """The rows that have these columns."""
    return Rows(PathStats, columns)


def columns_of(rows: Sequence[PathStats]) -> PathColumns:
    """The columns of a table of call paths, in whichever form it is."""
    if isinstance(rows, Rows):
        columns = rows.columns
        return columns if type(columns) is PathColumns else PathColumns._make(columns)
    return PathColumns._make(zip(*rows, strict=True) if rows else [()] * len(PathStats._fields))


def no_less_than_calls(whole_ns: int, rows: Sequence[PathStats]) -> int:
    """``whole_ns``, or the longest total of a row without a parent if that is more.

    What is taken out of the whole is an estimate: no call took longer than the whole did.
    """
    if not rows:
        return whole_ns
    columns = columns_of(rows)
    if max(columns.total_ns) <= whole_ns:
        return whole_ns
    tops = zip(columns.parent, columns.total_ns, strict=True)
    return max(whole_ns, *[top_ns for parent, top_ns in tops if parent < 0])
