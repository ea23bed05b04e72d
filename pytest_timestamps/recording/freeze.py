"""From live trees to figures: self times, what is still open, and recording's own cost out."""

from __future__ import annotations

from .overhead import NO_OVERHEAD
from .places import Places, seen_above
from .tree import NO_MINIMUM, Node, PartSite, Root, is_seen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from .activation import Paused
    from .capture import Capture
    from .lane import Lane
    from .overhead import SpanCosts
    from .paths import PathTable
    from .scope import Scope

__all__ = ["OpenSpans", "add_scopes", "idle", "open_spans", "settle_over"]


class _OpenAt:
    """What is open on one node: as if it ended now, but counted as open."""

    __slots__ = ("credit_ns", "debit_ns", "longest_ns", "shortest_ns", "spans", "total_ns")

    def __init__(self) -> None:
        self.total_ns = 0
        self.credit_ns = 0
        self.debit_ns = 0
        self.longest_ns = 0
        self.shortest_ns = NO_MINIMUM
        self.spans = 0


_NONE_OPEN = _OpenAt()

OpenSpans = dict[int, _OpenAt]
"""By ``id(node)``: what is open on it at one moment."""


def open_spans(lanes: Iterable[Lane], paused: Iterable[list[Paused]], now_ns: int) -> OpenSpans:
    """All spans that are open at ``now_ns``, suspended ones included, by node."""
    found: OpenSpans = {}
    for lane in list(lanes):
        for node, stretch_ns, active_ns, debtor, folded in lane.open_spans(now_ns):
            there = _note(found, node, active_ns)
            if folded:
                there.credit_ns += stretch_ns
            else:
                there.total_ns += stretch_ns
            if debtor is not None:
                found.setdefault(id(debtor), _OpenAt()).debit_ns += stretch_ns
    for group in list(paused):
        for one in group:
            _note(found, one.node, one.active_ns)
    return found


def _note(found: OpenSpans, node: Node, active_ns: int) -> _OpenAt:
    there = found.setdefault(id(node), _OpenAt())
    there.longest_ns = max(there.longest_ns, active_ns)
    there.shortest_ns = min(there.shortest_ns, active_ns)
    there.spans += 1
    return there


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
    scopes = [scope for scope in scopes if scope.roots]
    if not scopes:
        return 0.0
    view = _View(scopes, opened, costs)
    places = Places(table, capture)
    overhead_ns = 0.0
    for scope in scopes:
        for root in list(scope.roots):
            for node in view.nodes(root):
                overhead_ns += view.of(node).own_ns
                figures = view.figures(node)
                if type(node.site) is PartSite and not is_seen(node, capture):
                    above, _ = seen_above(node, capture)
                    if above is None:
                        continue
                    node, figures = above, (0, 0, 0, 0, figures[4], NO_MINIMUM, 0, 0, 0, 0)
                table.add(places.locate(node), figures)
    return overhead_ns


def _top_down(root: Root) -> list[Node]:
    """All nodes below ``root``, parents first."""
    nodes = list(root.children.values())
    for node in nodes:
        if node.children:
            nodes.extend(list(node.children.values()))
    return nodes


class _Sums:
    """What lies beneath one node: time and cost of its physical children, and its own cost.

    ``inner_ns``, ``outer_ns`` and ``full_ns`` are recording's cost inside this node's own spans,
    around them, and both, without folded calls; ``folded_ns`` is what those cost inside of
    themselves, ``own_ns`` the cost of all of the node's calls, and ``below_ns`` that of all that
    ran during its spans, folded calls included. ``estimated_ns`` is the time of calls that were
    only counted.
    """

    __slots__ = (
        "around_ns",
        "below_ns",
        "children_ns",
        "estimated_ns",
        "folded_ns",
        "full_ns",
        "inner_ns",
        "outer_ns",
        "own_ns",
    )

    def __init__(self) -> None:
        self.below_ns = 0.0
        self.children_ns = 0
        self.estimated_ns = 0
        self.around_ns = 0.0
        self.inner_ns = 0.0
        self.outer_ns = 0.0
        self.full_ns = 0.0
        self.folded_ns = 0.0
        self.own_ns = 0.0


class _View:
    """Scopes at one moment, with what is open in them and what recording cost."""

    def __init__(self, scopes: list[Scope], opened: OpenSpans, costs: SpanCosts) -> None:
        self._opened = opened
        self._costs = costs
        self._nodes: dict[int, list[Node]] = {}
        self._sums: dict[int, _Sums] = {}
        roots = [root for scope in scopes for root in list(scope.roots)]
        self._find_over(roots)
        if len(roots) > 1:
            # a root is younger than the node that it runs on: children come first
            roots.sort(key=lambda root: root.serial, reverse=True)
        for root in roots:
            for node in reversed(self.nodes(root)):
                self._add_up(node)

    def nodes(self, root: Root) -> list[Node]:
        """All nodes below ``root``, parents first."""
        nodes = self._nodes.get(id(root))
        if nodes is None:
            nodes = self._nodes[id(root)] = _top_down(root)
        return nodes

    def _find_over(self, roots: list[Root]) -> None:
        """Add to ``roots`` those that ran on top of their nodes."""
        seen = {id(root) for root in roots}
        for root in roots:
            for node in self.nodes(root):
                if node.over:
                    over = [r for r in list(node.over) if id(r) not in seen]
                    seen.update(map(id, over))
                    roots.extend(over)

    def of(self, node: Node) -> _Sums:
        """The sums of ``node``, complete once all that ran during it was added."""
        sums = self._sums.get(id(node))
        if sums is None:
            sums = self._sums[id(node)] = _Sums()
        return sums

    def _add_up(self, node: Node) -> None:
        """Complete the sums of ``node``, and add it to what it ran on.

        Folded calls are charged to the node that made them.
        """
        sums = self.of(node)
        now = self._opened.get(id(node), _NONE_OPEN)
        if self._costs is not NO_OVERHEAD:
            self._price(node, sums, now.spans)
            sums.below_ns += node.settled_ns
        if node.counted:
            self._estimate(node, sums)
        parent: Node | None = node.parent
        if isinstance(parent, Root):
            parent = parent.under
        if parent is not None:
            above = self.of(parent)
            above.children_ns += node.total_ns + now.total_ns + sums.estimated_ns
            above.below_ns += sums.full_ns + sums.below_ns
            above.around_ns += sums.outer_ns

    def _estimate(self, node: Node, sums: _Sums) -> None:
        """The time of calls that were counted and not timed, and what counting cost."""
        sampled = self._costs.sampled
        around_ns = node.counted * self._costs.counted_ns + node.sampled * sampled.outer_ns
        within_ns = node.sampled * sampled.inner_ns
        sums.outer_ns += around_ns
        sums.inner_ns += within_ns
        sums.full_ns += around_ns + within_ns
        sums.own_ns += around_ns + within_ns
        thinned = node.site.thinned
        if thinned is not None and thinned.rate is not None:
            self_ns = max(node.total_ns - sums.children_ns - sums.inner_ns - sums.around_ns, 0.0)
            sums.estimated_ns = round(node.counted * thinned.mean_ns(node.calls, self_ns))

    def _price(self, node: Node, sums: _Sums, still_open: int) -> None:
        """What recording cost on ``node``, by how often it was called and resumed."""
        costs = self._costs
        cost = costs.of(node.site.kind)
        missed_ns = node.misses * costs.missed_ns
        sums.around_ns += missed_ns
        sums.below_ns += missed_ns
        plain = node.calls + still_open
        if (
            node.slow
            or node.resumes
            or node.plain_folds_in
            or node.plain_folds_out
            or node.folded_out
        ):
            plain = self._price_the_rest(node, sums, plain)
        sums.full_ns += plain * cost.full_ns
        sums.outer_ns += plain * cost.outer_ns
        sums.inner_ns += plain * cost.inner_ns
        sums.own_ns += sums.full_ns + missed_ns

    def _price_the_rest(self, node: Node, sums: _Sums, stretches: int) -> int:
        """The cost of all that is no plain call; returns how many of ``stretches`` are one."""
        costs = self._costs
        slow = max(node.slow - node.folded_in, 0)
        plain = max(stretches + node.resumes - node.slow - node.plain_folds_in, 0)
        resumes = min(node.resumes, plain)
        for cost, count in (
            (costs.slow, slow),
            (costs.of_resumption(node.site.kind), resumes),
        ):
            sums.full_ns += count * cost.full_ns
            sums.outer_ns += count * cost.outer_ns
            sums.inner_ns += count * cost.inner_ns
        for fold, calls_in, calls_out in (
            (costs.fold, node.plain_folds_in, node.plain_folds_out),
            (costs.guarded_fold, node.folded_in, node.folded_out),
        ):
            sums.folded_ns += calls_in * fold.inner_ns
            sums.own_ns += calls_in * fold.full_ns
            sums.around_ns += calls_out * fold.outer_ns
            sums.below_ns += calls_out * fold.full_ns
        return plain - resumes

    def figures(self, node: Node) -> tuple[int, ...]:
        """One node's row: see `PathTable.add`."""
        now = self._opened.get(id(node), _NONE_OPEN)
        sums = self.of(node)
        total_ns = node.total_ns + now.total_ns
        self_ns = total_ns + node.credit_ns + now.credit_ns - node.debit_ns - now.debit_ns
        self_ns -= sums.children_ns
        within_ns = sums.inner_ns + sums.below_ns
        calls = node.calls + now.spans
        per_call_ns = within_ns / calls if calls else 0.0
        raw_longest_ns = node.max_ns if node.max_ns > now.longest_ns else now.longest_ns
        longest_ns = _less(raw_longest_ns, per_call_ns)
        if node.folded_in or node.plain_folds_in:
            total_less_ns = self._total_less(node)
            if raw_longest_ns <= total_ns:
                # the outermost call holds most of the cost, and is no longer than all of them;
                # a generator that began elsewhere may be
                longest_ns = min(longest_ns, total_less_ns)
        else:
            total_less_ns = _less(total_ns, within_ns)
        estimates = sums.estimated_ns > 0
        return (
            calls + node.counted,
            node.errors,
            now.spans,
            total_less_ns + sums.estimated_ns,
            _less(self_ns, sums.inner_ns + sums.folded_ns + sums.around_ns) + sums.estimated_ns,
            _least(
                node.min_ns if node.min_ns < now.shortest_ns else now.shortest_ns,
                per_call_ns,
                within_ns / total_ns if sums.below_ns and total_ns > 0 else 1.0,
            ),
            longest_ns,
            node.suspended_ns,
            node.counted if estimates else 0,
            0 if estimates else node.counted,
        )

    def _total_less(self, node: Node) -> int:
        """Total time of ``node`` less recording's cost.

        What a call that was folded into ``node`` cost is charged to its caller, which may be the
        parent: then only that one's total is rid of it, and ``node``'s can't be more.
        """
        total_ns, less_ns = self._total(node)
        while (node.folded_in or node.plain_folds_in) and not isinstance(node.parent, Root):
            node = node.parent
            above_ns, above_less_ns = self._total(node)
            if total_ns > above_ns:
                break  # it went on elsewhere
            less_ns = min(less_ns, above_less_ns)
        return less_ns

    def _total(self, node: Node) -> tuple[int, int]:
        """The total time of ``node``, and that less the cost that is known to lie in it."""
        total_ns = node.total_ns + self._opened.get(id(node), _NONE_OPEN).total_ns
        sums = self.of(node)
        return total_ns, _less(total_ns, sums.inner_ns + sums.below_ns)


def _least(least_ns: int, cost_ns: float, share: float) -> int:
    """The shortest call less its cost: that of an average call, or ``share`` of its own time.

    A leaf's calls all cost the same. Where calls make others, the shortest made the fewest: the
    average's cost can exceed all of its time, and the share of the time is nearer.
    """
    if least_ns == NO_MINIMUM:
        return least_ns
    shared_ns = least_ns * share
    return _less(least_ns, cost_ns if cost_ns < shared_ns else shared_ns)


def _less(raw_ns: int, cost_ns: float) -> int:
    """``raw_ns`` less recording's cost; where there was work there is never a zero."""
    # no max() and no round(): this runs four times for each path of each test
    if raw_ns <= 0:
        return 0
    less_ns = raw_ns - int(cost_ns + 0.5)
    return less_ns if less_ns > 0 else 1


def idle(scope: Scope, opened: OpenSpans) -> bool:
    """Whether nothing is open in ``scope``."""
    return not opened or not any(id(n) in opened for r in scope.roots for n in _top_down(r))


def settle_over(scope: Scope, costs: SpanCosts) -> None:
    """Book what ran on top of other scopes' nodes into those nodes; ``scope`` is about to go."""
    over = [root for root in scope.roots if root.under is not None]
    if not over:
        return
    view = _View([scope], {}, costs)
    for root in over:
        under = root.under
        if under is None or under.over is None:
            continue
        for child in root.children.values():
            sums = view.of(child)
            under.debit_ns += child.total_ns + round(sums.outer_ns)
            under.settled_ns += sums.full_ns + sums.below_ns
        under.over.remove(root)
