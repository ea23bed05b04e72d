"""The call tree as nested nodes, over a flat table: no operation recurses."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest

from pytest_timestamps.recording.results import PathStats

__all__ = ["CallNode", "build_call_tree"]


class CallNode:
    """One call path and what lies below it: a view of a flat table, frozen.

    ``stats`` holds the path's figures; ``name``, ``calls``, ``total_ns`` and the rest read from it.
    Children are made on request, so a tree of any depth costs no recursion to build, compare,
    print or throw away.
    """

    __slots__ = ("_below", "_row", "_table", "stats")

    def __init__(
        self,
        table: Sequence[PathStats],
        below: Sequence[Sequence[int]],
        row: int,
        stats: PathStats,
    ) -> None:
        self._table = table
        self._below = below
        self._row = row
        self.stats = stats

    @property
    def name(self) -> str:
        """The span's name; the collector's at the root."""
        return self.stats.name

    @property
    def section(self) -> str:
        """The collector's section (a test's phase) on the root's children, else empty."""
        return self.stats.section

    @property
    def detached(self) -> bool:
        """Whether the parent started this and it ran beside it (a task, a thread)."""
        return self.stats.detached

    @property
    def calls(self) -> int:
        """Spans of this path, finished and open."""
        return self.stats.calls

    @property
    def errors(self) -> int:
        """Spans that an exception ended."""
        return self.stats.errors

    @property
    def total_ns(self) -> int:
        """Time of the path's spans, children included."""
        return self.stats.total_ns

    @property
    def self_ns(self) -> int:
        """Time of the path's spans less their direct children's."""
        return self.stats.self_ns

    @property
    def suspended_ns(self) -> int:
        """Time between suspension and resumption, in neither self nor total."""
        return self.stats.suspended_ns

    @property
    def estimated(self) -> int:
        """Calls that were not timed, and whose times are estimated from those that were."""
        return self.stats.estimated

    @property
    def untimed(self) -> int:
        """Calls that were counted only: their time lies with their callers."""
        return self.stats.untimed

    @property
    def children(self) -> tuple["CallNode", ...]:
        """The paths directly below, in recording's order."""
        return tuple(
            CallNode(self._table, self._below, row, self._table[row])
            for row in self._below[self._row + 1]
        )

    def walk(self) -> Iterator[tuple[int, "CallNode"]]:
        """This node and all below it, parents first, each with its depth (0 for this one)."""
        stack = [(0, self)]
        while stack:
            depth, node = stack.pop()
            yield depth, node
            stack.extend((depth + 1, child) for child in reversed(node.children))

    def find(self, *names: str) -> "CallNode":
        """The node reached by those names from here; KeyError says where the trail ends."""
        node = self
        for name in names:
            for child in node.children:
                if child.name == name:
                    node = child
                    break
            else:
                seen = ", ".join(repr(child.name) for child in node.children) or "nothing"
                raise KeyError(f"{name!r} is not below {node.name!r}; below it: {seen}")
        return node

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CallNode):
            return NotImplemented
        for one, two in zip_longest(self.walk(), other.walk()):
            if one is None or two is None or one[0] != two[0]:
                return False
            # The parent's row number depends on the table; the depth stands for it.
            if one[1].stats[1:] != two[1].stats[1:]:
                return False
        return True

    def __hash__(self) -> int:
        return hash(self.stats[1:])

    def __repr__(self) -> str:
        return (
            f"CallNode({self.name!r}, calls={self.calls}, total_ns={self.total_ns}, "
            f"self_ns={self.self_ns}, children={len(self._below[self._row + 1])})"
        )


def build_call_tree(name: str, total_ns: int, table: Sequence[PathStats]) -> CallNode:
    """A root called ``name`` over the table's top rows.

    The root's self time is what its attached children leave of ``total_ns``, never below 0.
    """
    below: list[list[int]] = [[] for _ in range(len(table) + 1)]
    for row, stats in enumerate(table):
        below[stats.parent + 1].append(row)
    covered_ns = sum(table[row].total_ns for row in below[0] if not table[row].detached)
    root = PathStats(
        -1, name, "", False, 1, 0, 0, total_ns, max(0, total_ns - covered_ns),
        total_ns, total_ns, 0,
    )  # fmt: skip
    return CallNode(tuple(table), below, -1, root)
