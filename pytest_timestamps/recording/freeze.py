"""From live trees to figures: self times, what is still open, and recording's own cost out."""

from __future__ import annotations

from typing import NamedTuple

from .overhead import NO_OVERHEAD
from .tree import NO_MINIMUM, Node, Root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from .capture import Capture
    from .lane import Lane, Paused
    from .overhead import SpanCosts
    from .paths import PathTable
    from .scope import Scope

__all__ = ["OpenSpans", "add_scopes", "idle", "open_spans", "settle_over"]


class _OpenAt(NamedTuple):
    """What is open on one node: time so far, by how much its own time differs from its total
    besides its children's, the longest, the shortest, how many.
    """

    total_ns: int
    credit_ns: int
    longest_ns: int
    shortest_ns: int
    spans: int


_NONE_OPEN = _OpenAt(0, 0, 0, NO_MINIMUM, 0)

OpenSpans = dict[int, _OpenAt]
"""By ``id(node)``: what is open on it at one moment."""


def open_spans(lanes: Iterable[Lane], paused: Iterable[list[Paused]], now_ns: int) -> OpenSpans:
    """All spans that are open at ``now_ns``, suspended ones included, by node."""
    found: OpenSpans = {}

    def note(node: Node, total_ns: int, credit_ns: int, active_ns: int) -> None:
        old = found.get(id(node), _NONE_OPEN)
        found[id(node)] = _OpenAt(
            old.total_ns + total_ns,
            old.credit_ns + credit_ns,
            max(old.longest_ns, active_ns),
            min(old.shortest_ns, active_ns),
            old.spans + 1,
        )

    for lane in list(lanes):
        for node, stretch_ns, active_ns, debited, folded in lane.open_spans(now_ns):
            note(node, 0 if folded else stretch_ns, stretch_ns if folded else 0, active_ns)
            if debited is not None:
                old = found.get(id(debited), _NONE_OPEN)
                found[id(debited)] = old._replace(credit_ns=old.credit_ns - stretch_ns)
    for group in list(paused):
        for one in group:
            note(one.node, 0, 0, one.active_ns)
    return found


def add_scopes(
    table: PathTable,
    capture: Capture,
    scopes: Iterable[Scope],
    opened: OpenSpans,
    costs: SpanCosts,
) -> float:
    """Add what ``scopes`` recorded to ``table``, as ``capture`` sees it; returns their overhead.

    A node's place is the path of names up to the first node that ``capture`` doesn't see.
    """
    view = _View(scopes, opened, costs)
    places: dict[int, tuple[int, bool]] = {}
    overhead_ns = 0.0
    for scope in list(scopes):
        for root in list(scope.roots):
            for node in view.nodes(root):
                overhead_ns += view.full_cost(node)
                table.add(_locate(table, node, capture, places), view.figures(node))
    return overhead_ns


def _locate(
    table: PathTable, node: Node, capture: Capture, places: dict[int, tuple[int, bool]]
) -> tuple[int, bool]:
    chain: list[Node] = []
    current: Node | None = node
    while current is not None and id(current) not in places:
        chain.append(current)
        current = _logical_parent(current, capture)
    place = places[id(current)] if current is not None else (-1, True)
    for one in reversed(chain):
        section, detached = "", False
        if isinstance(one.parent, Root):
            detached = one.parent.detached and place[0] >= 0
            section = one.parent.section if place[0] < 0 else ""
        place = table.locate(place[0], section, detached, one.site.name)
        places[id(one)] = place
    return place


def _logical_parent(node: Node, capture: Capture) -> Node | None:
    parent: Node | None = node.parent
    if isinstance(parent, Root):
        parent = parent.logical
        while isinstance(parent, Root):
            parent = parent.logical
        if parent is not None and capture not in parent.root.scope.members:
            return None
    return parent


def _top_down(root: Root) -> list[Node]:
    """All nodes below ``root``, parents first."""
    nodes = list(root.children.values())
    for node in nodes:
        nodes.extend(list(node.children.values()))
    return nodes


class _View:
    """Scopes at one moment, with what is open in them and what recording cost."""

    def __init__(self, scopes: Iterable[Scope], opened: OpenSpans, costs: SpanCosts) -> None:
        self._opened = opened
        self._costs = costs
        self._nodes: dict[int, list[Node]] = {}
        self._below: dict[int, float] = {}
        if costs is not NO_OVERHEAD:
            self._add_up([root for scope in scopes for root in list(scope.roots)])

    def nodes(self, root: Root) -> list[Node]:
        """All nodes below ``root``, parents first."""
        nodes = self._nodes.get(id(root))
        if nodes is None:
            nodes = self._nodes[id(root)] = _top_down(root)
        return nodes

    def _add_up(self, roots: list[Root]) -> None:
        """What recording added inside each node's spans, from the leaves up.

        A root is younger than the node that it runs on, so the youngest come first.
        """
        seen = {id(root) for root in roots}
        for root in roots:
            for node in self.nodes(root):
                over = [r for r in list(node.over or ()) if id(r) not in seen]
                seen.update(map(id, over))
                roots.extend(over)
        below = self._below
        for root in sorted(roots, key=lambda r: r.serial, reverse=True):
            for node in reversed(self.nodes(root)):
                cost_ns = (node.folded_in + node.folded_out) * self._costs.slow.full_ns
                for child in _physical_children(node):
                    cost_ns += self.full_cost(child) + below.get(id(child), 0.0)
                below[id(node)] = cost_ns

    def _stretches(self, node: Node) -> tuple[int, int]:
        """How often ``node`` was entered or resumed, plainly and on a guarded lane.

        Folded calls are left out: they are charged to the node that made them.
        """
        still_open = self._opened.get(id(node), _NONE_OPEN).spans
        slow = max(node.slow - node.folded_in, 0)
        return max(node.calls + node.resumes + still_open - node.slow, 0), slow

    def full_cost(self, node: Node) -> float:
        """What recording ``node``'s own spans added, inside and around them."""
        plain, slow = self._stretches(node)
        return plain * self._costs.of(node.site.kind).full_ns + slow * self._costs.slow.full_ns

    def outer_cost(self, node: Node) -> float:
        """What recording ``node``'s own spans added around them."""
        plain, slow = self._stretches(node)
        return plain * self._costs.of(node.site.kind).outer_ns + slow * self._costs.slow.outer_ns

    def figures(self, node: Node) -> tuple[int, ...]:
        """One node's row: see `PathTable.add`."""
        now = self._opened.get(id(node), _NONE_OPEN)
        plain, slow = self._stretches(node)
        slow += node.folded_in
        inner_ns = plain * self._costs.of(node.site.kind).inner_ns
        inner_ns += slow * self._costs.slow.inner_ns
        outer_ns = node.folded_out * self._costs.slow.outer_ns
        total_ns = node.total_ns + now.total_ns
        self_ns = total_ns + node.credit_ns + now.credit_ns - node.debit_ns
        for child in _physical_children(node):
            self_ns -= child.total_ns + self._opened.get(id(child), _NONE_OPEN).total_ns
            outer_ns += self.outer_cost(child)
        within_ns = inner_ns + self._below.get(id(node), 0.0)
        calls = node.calls + now.spans
        per_call_ns = within_ns / calls if calls else 0.0
        return (
            calls,
            node.errors,
            now.spans,
            _less(total_ns, within_ns),
            _less(self_ns, inner_ns + outer_ns),
            _least(min(node.min_ns, now.shortest_ns), per_call_ns),
            _less(max(node.max_ns, now.longest_ns), per_call_ns),
            node.suspended_ns,
        )


def _least(least_ns: int, cost_ns: float) -> int:
    return least_ns if least_ns == NO_MINIMUM else _less(least_ns, cost_ns)


def _less(raw_ns: int, cost_ns: float) -> int:
    """``raw_ns`` less recording's cost; where there was work there is never a zero."""
    if raw_ns <= 0 or not cost_ns:
        return max(raw_ns, 0)
    return max(raw_ns - round(cost_ns), 1)


def _physical_children(node: Node) -> list[Node]:
    children = list(node.children.values())
    for root in list(node.over or ()):
        children.extend(list(root.children.values()))
    return children


def idle(scope: Scope, opened: OpenSpans) -> bool:
    """Whether nothing is open in ``scope``."""
    return not opened or not any(id(n) in opened for r in scope.roots for n in _top_down(r))


def settle_over(scope: Scope, costs: SpanCosts) -> None:
    """Book what ran on top of other scopes' nodes into those nodes; ``scope`` is about to go."""
    view = _View([scope], {}, costs)
    for root in scope.roots:
        under = root.under
        if under is None or under.over is None:
            continue
        for child in root.children.values():
            under.debit_ns += child.total_ns + round(view.outer_cost(child))
        under.over.remove(root)
