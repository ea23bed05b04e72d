"""How often functions that may be thinned have been called, for how long, and at what cost."""

from __future__ import annotations

from .tree import Root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from .overhead import SpanCosts
    from .scope import Scope
    from .sites import Site
    from .tree import Node

__all__ = ["Known", "Seen", "find_seen", "nodes_in", "refine_thinned"]

_WINDOW_NS = 100_000_000
"""What was seen in the latest part of the program's own time, as far as it was looked at, tells
what recording will cost.
"""

_FADED = 0.05
"""What has been seen on fewer paths of late is forgotten."""


class Seen:
    """How often a function was called so far, for how long, at what cost, and whether as a leaf.

    ``calls`` were timed and ``counted`` were not, at ``cost_ns`` in all; ``paths`` is on how many
    call paths of how many captures that was. ``ends`` is its part in those captures' ends, which
    cost something whatever was recorded: that is shared by all functions of a capture.
    """

    __slots__ = (
        "calls", "cost_ns", "counted", "ends", "key", "leaf", "paths", "self_ns", "site",
        "suspended_ns",
    )  # fmt: skip

    def __init__(self, key: Any, site: Site) -> None:
        self.key = key
        self.site = site
        self.calls = self.counted = self.paths = self.ends = 0.0
        self.cost_ns = 0.0
        self.self_ns = 0.0
        self.suspended_ns = 0.0
        self.leaf = True

    def add(self, node: Node, costs: SpanCosts) -> None:
        """Add what ``node`` has seen, which recording costs ``costs``."""
        cost = costs.of(node.site.kind)
        self.calls += node.calls
        self.counted += node.counted
        self.paths += 1
        self.cost_ns += node.calls * cost.full_ns + node.counted * costs.counted_ns
        if node.plain_folds_in:
            resumed = node.resumed_folds_in
            self.cost_ns += (node.plain_folds_in - resumed) * costs.fold.whole_ns
            self.cost_ns += resumed * costs.resumed_fold.whole_ns
        if node.resumes:
            plain = node.resumes - node.resumed_folds_in
            self.cost_ns += plain * costs.of_resumption(node.site.kind).full_ns
        self.self_ns += _self_ns(node, costs)
        self.suspended_ns += node.suspended_ns
        self.leaf = self.leaf and not (
            node.children or node.plain_folds_out or node.folded_out or node.over
        )

    def merge(self, other: Seen) -> None:
        """Add what ``other`` has seen of the same function."""
        self.calls += other.calls
        self.counted += other.counted
        self.paths += other.paths
        self.ends += other.ends
        self.cost_ns += other.cost_ns
        self.self_ns += other.self_ns
        self.suspended_ns += other.suspended_ns
        self.leaf = self.leaf and other.leaf

    def fade(self) -> None:
        """Let what is seen from now on weigh twice as much."""
        self.calls /= 2
        self.counted /= 2
        self.paths /= 2
        self.ends /= 2
        self.cost_ns /= 2
        self.self_ns /= 2
        self.suspended_ns /= 2


class Known:
    """All that was seen of late, as far as it was looked at.

    ``functions`` are those that nobody has decorated, by their keys' ids; the calls of all others
    cost ``other_ns``. It took the program ``own_ns`` of its own time, where that is told.
    """

    __slots__ = ("functions", "other_ns", "own_ns")

    def __init__(self) -> None:
        self.functions: dict[int, Seen] = {}
        self.other_ns = self.own_ns = 0.0

    def add(self, found: dict[int, Seen]) -> list[Seen]:
        """Add what was ``found`` in a capture that is over; returns all that is known of these."""
        for key, seen in found.items():
            known = self.functions.get(key)
            if known is None or known.key is not seen.key:
                self.functions[key] = seen
            else:
                known.merge(seen)
        return [self.functions[key] for key in found]

    def add_time(self, own_ns: float, other_ns: float) -> None:
        """That took so much of the program's own time, and others' calls cost so much."""
        self.own_ns += own_ns
        self.other_ns += other_ns

    def with_running(self, found: dict[int, Seen], other_ns: float) -> Known:
        """All that, and what was ``found`` in captures that are still running."""
        both = Known()
        both.functions = found
        for key, known in list(self.functions.items()):
            seen = found.get(key)
            if seen is None:
                found[key] = known
            elif known.key is seen.key:
                seen.merge(known)
        both.add_time(self.own_ns, self.other_ns + other_ns)
        return both

    def fade(self) -> None:
        """Once that is enough, let what is seen from now on weigh more."""
        if self.own_ns <= _WINDOW_NS:
            return
        self.own_ns /= 2
        self.other_ns /= 2
        for key, seen in list(self.functions.items()):
            seen.fade()
            if seen.paths < _FADED:
                del self.functions[key]

    def forget(self, left_out: Iterable[Seen]) -> None:
        """Know no more of functions that are left out from now on."""
        for one in left_out:
            self.functions.pop(id(one.key), None)


def find_seen(nodes: Iterable[Node], costs: SpanCosts) -> tuple[dict[int, Seen], float]:
    """By the key's id, what ``nodes`` have seen of functions that nobody has decorated.

    Those that are left out already are not among them. Comes with what the calls of all others
    cost.
    """
    found: dict[int, Seen] = {}
    other_ns = 0.0
    for node in nodes:
        site = node.site
        if not site.may_leave_out:
            other_ns += node.calls * costs.of(site.kind).full_ns
        elif site.thinned is None or not site.thinned.left_out:
            seen = found.get(id(node.key))
            if seen is None:
                seen = found[id(node.key)] = Seen(node.key, site)
            seen.add(node, costs)
    for seen in found.values():
        seen.ends = 1 / len(found)
    return found, other_ns


def refine_thinned(nodes: Iterable[Node], costs: SpanCosts) -> None:
    """Add what ``nodes``, of scopes at their end, tell of the calls that were timed."""
    for node in nodes:
        thinned = node.site.thinned
        if thinned is not None and node.calls:
            thinned.calls += node.calls
            thinned.self_ns += _self_ns(node, costs)
            thinned.suspended_ns += node.suspended_ns


def _self_ns(node: Node, costs: SpanCosts) -> float:
    below_ns = sum(child.total_ns for child in list(node.children.values()))
    inner_ns = node.calls * costs.of(node.site.kind).inner_ns
    inner_ns += node.resumes * costs.of_resumption(node.site.kind).inner_ns
    return max(node.total_ns - below_ns - inner_ns, 0.0)


def nodes_in(scopes: Iterable[Scope]) -> Iterator[Node]:
    """All nodes that were used, parents first; of a timeline's scope none, as it is not thinned."""
    for scope in scopes:
        for root in () if scope.timelines else list(scope.roots):
            nodes: list[Node] = [root]
            for node in nodes:
                if node.children:
                    nodes.extend(child for child in list(node.children.values()) if child.was_used)
                if type(node) is not Root:
                    yield node
