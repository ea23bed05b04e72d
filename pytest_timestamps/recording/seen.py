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

__all__ = ["Seen", "find_seen", "refine_thinned"]


class Seen:
    """How often a function was called so far, for how long, at what cost, and whether as a leaf.

    What can be suspended is no leaf: a sample of its calls would be resumed in the midst of others.
    """

    __slots__ = ("calls", "cost_ns", "key", "leaf", "self_ns", "site")

    def __init__(self, key: Any, site: Site) -> None:
        self.key = key
        self.site = site
        self.calls = 0
        self.cost_ns = 0.0
        self.self_ns = 0.0
        self.leaf = site.kind in ("code", "wrapper")

    def add(self, node: Node, costs: SpanCosts) -> None:
        """Add what ``node`` has seen, which recording costs ``costs``."""
        cost = costs.of(node.site.kind)
        self.calls += node.calls
        self.cost_ns += node.calls * cost.full_ns
        if node.plain_folds_in:
            resumed = node.resumed_folds_in
            self.cost_ns += (node.plain_folds_in - resumed) * costs.fold.whole_ns
            self.cost_ns += resumed * costs.resumed_fold.whole_ns
        if node.resumes:
            plain = node.resumes - node.resumed_folds_in
            self.cost_ns += plain * costs.of_resumption(node.site.kind).full_ns
        self.self_ns += _self_ns(node, costs)
        self.leaf = self.leaf and not (
            node.children or node.plain_folds_out or node.folded_out or node.over
        )

    def merge(self, other: Seen) -> None:
        """Add what ``other`` has seen of the same function."""
        self.calls += other.calls
        self.cost_ns += other.cost_ns
        self.self_ns += other.self_ns
        self.leaf = self.leaf and other.leaf


def find_seen(scopes: Iterable[Scope], costs: SpanCosts) -> dict[int, Seen]:
    """By the key's id, what ``scopes`` have seen of functions that may be thinned and are not."""
    found: dict[int, Seen] = {}
    for node in _nodes_in(scopes):
        site = node.site
        if site.may_thin and site.thinned is None:
            seen = found.get(id(node.key))
            if seen is None:
                seen = found[id(node.key)] = Seen(node.key, site)
            seen.add(node, costs)
    return found


def refine_thinned(scopes: Iterable[Scope], costs: SpanCosts) -> None:
    """Add what ``scopes``, which have come to their end, tell of the calls that were timed."""
    for node in _nodes_in(scopes):
        thinned = node.site.thinned
        if thinned is not None:
            thinned.calls += node.calls
            thinned.self_ns += _self_ns(node, costs)


def _self_ns(node: Node, costs: SpanCosts) -> float:
    below_ns = sum(child.total_ns for child in list(node.children.values()))
    inner_ns = node.calls * costs.of(node.site.kind).inner_ns
    return max(node.total_ns - below_ns - inner_ns, 0.0)


def _nodes_in(scopes: Iterable[Scope]) -> Iterator[Node]:
    """All nodes that were used, parents first; of a timeline's scope none, as it is not thinned."""
    for scope in scopes:
        for root in () if scope.timelines else list(scope.roots):
            nodes: list[Node] = [root]
            for node in nodes:
                if node.children:
                    nodes.extend(child for child in list(node.children.values()) if child.was_used)
                if type(node) is not Root:
                    yield node
