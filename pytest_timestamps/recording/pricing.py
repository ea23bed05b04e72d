"""What each call path has for itself: its callees' time and recording's own cost taken out."""

from __future__ import annotations

from .open_spans import NONE_OPEN
from .tree import NO_MINIMUM, Node, Root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .layout import Layout
    from .open_spans import OpenAt, OpenSpans
    from .overhead import Cost, SpanCosts

    Figures = tuple[int, ...]
    """Those of `PathStats`, from its calls on; `NO_MINIMUM` where there is none."""

__all__ = ["Pricing"]

_TOTAL, _MAX = 3, 6
"""Where those are among the figures."""


class Pricing:
    """The figures of all nodes of a layout at one moment.

    ``figures`` has those of each node, in the layout's order. ``overhead_ns`` is what recording
    all of its calls cost, ``active_ns`` its time with what is estimated, ``outer_ns`` recording's
    cost around its spans, and ``full_ns`` that in them and around them, whatever ran there.
    """

    def __init__(self, layout: Layout, opened: OpenSpans, costs: SpanCosts) -> None:
        count = len(layout.nodes)
        self.figures: list[Figures] = [()] * count
        self.overhead_ns = [0.0] * count
        self.active_ns = [0] * count
        self.outer_ns = [0.0] * count
        self.full_ns = [0.0] * count
        # Of all that ran on a node: its time, that less recording's cost, that cost in it and
        # around it, and the part around it, which lies within the node's own time. One place more
        # is that of `NOBODY`.
        self._children_ns = [0] * (count + 1)
        self._children_less_ns = [0] * (count + 1)
        self._below_ns = [0.0] * (count + 1)
        self._around_ns = [0.0] * (count + 1)
        self._nodes = layout.nodes
        self._above = layout.above
        self._opened = opened
        self._costs = costs
        self._estimated_ns: dict[int, int] = {}
        self._folded: list[int] = []
        self._add_up()
        # children first, as they were noted: those further out are as they were
        for position in self._folded:
            self._limit(position)

    def _add_up(self) -> None:
        """Go through all nodes, children first: what lies beneath a node is complete then.

        This loop runs once for each path of each test.
        """
        nodes, above, opened = self._nodes, self._above, self._opened
        children, below, around = self._children_ns, self._below_ns, self._around_ns
        children_less = self._children_less_ns
        missed_ns, cost_of = self._costs.missed_ns, self._costs.of
        for i in range(len(nodes) - 1, -1, -1):
            node = nodes[i]
            missed = node.misses * missed_ns
            below_ns = below[i] = below[i] + missed + node.settled_ns
            around_ns = around[i] = around[i] + missed
            if _has_more(node) or (opened and id(node) in opened):
                active_ns, inner_ns, outer_ns = self._add_more(i, node)
                below_ns = below[i]
            else:
                cost, calls, active_ns = cost_of(node.site.kind), node.calls, node.total_ns
                inner_ns, outer_ns = calls * cost.inner_ns, calls * cost.outer_ns
                self.figures[i] = _figures(
                    node,
                    NONE_OPEN,
                    children[i],
                    children_less[i],
                    inner_ns,
                    below_ns,
                    inner_ns + around_ns,
                )
            self.overhead_ns[i] += inner_ns + outer_ns + missed
            self.active_ns[i] = active_ns
            self.outer_ns[i] = outer_ns
            full_ns = self.full_ns[i] = inner_ns + outer_ns + below_ns
            caller = above[i]
            children[caller] += active_ns
            children_less[caller] += self.figures[i][_TOTAL]
            below[caller] += full_ns
            around[caller] += outer_ns

    def _add_more(self, i: int, node: Node) -> tuple[int, float, float]:
        """The same for what isn't all plain calls.

        Returns its time with what is estimated, and recording's cost in its own spans and around
        them, without folded calls: these are charged to the node that made them.
        """
        now = self._opened.get(id(node), NONE_OPEN)
        inner_ns, outer_ns = self._cost_of_stretches(node, node.calls + now.spans)
        costs = self._costs
        folded_ns = 0.0
        if node.plain_folds_in or node.plain_folds_out:
            resumed_in, resumed_out = node.resumed_folds_in, node.resumed_folds_out
            calls_in = node.plain_folds_in - resumed_in
            calls_out = node.plain_folds_out - resumed_out
            folded_ns += self._charge_folds(i, costs.fold, calls_in, calls_out)
            folded_ns += self._charge_folds(i, costs.resumed_fold, resumed_in, resumed_out)
        if node.folded_in or node.folded_out:
            calls_in, calls_out = node.folded_in, node.folded_out
            folded_ns += self._charge_folds(i, costs.guarded_fold, calls_in, calls_out)
        estimated_ns = 0
        if node.counted:
            sampled = costs.sampled
            inner_ns += node.sampled * sampled.inner_ns
            outer_ns += node.counted * costs.counted_ns + node.sampled * sampled.outer_ns
            own_ns = node.total_ns - self._children_ns[i] - inner_ns - self._around_ns[i]
            estimated_ns = self._estimated_ns[i] = _estimate(node, max(own_ns, 0.0))
        self.figures[i] = _figures(
            node,
            now,
            self._children_ns[i],
            self._children_less_ns[i],
            inner_ns,
            self._below_ns[i],
            inner_ns + folded_ns + self._around_ns[i],
            estimated_ns,
        )
        return node.total_ns + now.total_ns + estimated_ns, inner_ns, outer_ns

    def _cost_of_stretches(self, node: Node, spans: int) -> tuple[float, float]:
        """Recording's cost in the node's spans, each as often as it ran, and around them."""
        costs = self._costs
        cost = costs.of(node.site.kind)
        plain = spans - node.plain_folds_in
        if not (node.slow or node.resumes):
            plain = plain if plain > 0 else 0
            return plain * cost.inner_ns, plain * cost.outer_ns
        slow = max(node.slow - node.folded_in, 0)
        plain = max(plain + node.resumes - node.slow, 0)
        resumes = min(max(node.resumes - node.resumed_folds_in, 0), plain)
        plain -= resumes
        resumption = costs.of_resumption(node.site.kind)
        return (
            plain * cost.inner_ns + slow * costs.slow.inner_ns + resumes * resumption.inner_ns,
            plain * cost.outer_ns + slow * costs.slow.outer_ns + resumes * resumption.outer_ns,
        )

    def _charge_folds(self, i: int, fold: Cost, calls_in: int, calls_out: int) -> float:
        """Charge the folded calls that a node made; returns the cost within those it is."""
        if calls_out:
            self._around_ns[i] += calls_out * fold.outer_ns
            self._below_ns[i] += calls_out * fold.full_ns
        if not calls_in:
            return 0.0
        if not self._folded or self._folded[-1] != i:
            self._folded.append(i)
        self.overhead_ns[i] += calls_in * fold.full_ns
        return calls_in * fold.inner_ns

    def _limit(self, i: int) -> None:
        """Let a node that was called in recursion have no more time than those that it ran in.

        What a call that was folded into it cost is charged to its caller, which may be the
        parent: then only that one's total is rid of it.
        """
        node, position = self._nodes[i], i
        total_ns, longest_ns = self._raw(node)
        before_ns = less_ns = self._less_ns(i)
        while (node.folded_in or node.plain_folds_in) and not isinstance(node.parent, Root):
            node, position = node.parent, self._above[position]
            if total_ns > self._raw(node)[0]:
                break  # it went on elsewhere
            less_ns = min(less_ns, self._less_ns(position))
        figures = self.figures[i]
        # the outermost call holds most of the cost, and is no longer than all of them;
        # a generator that began elsewhere may be
        is_longer = figures[_MAX] > less_ns and longest_ns <= total_ns
        if less_ns < before_ns or is_longer:
            limited = list(figures)
            limited[_TOTAL] += less_ns - before_ns
            if is_longer:
                limited[_MAX] = less_ns
            self.figures[i] = tuple(limited)

    def _less_ns(self, i: int) -> int:
        """The time of a node that is not limited yet, without what is estimated."""
        return self.figures[i][_TOTAL] - self._estimated_ns.get(i, 0)

    def _raw(self, node: Node) -> tuple[int, int]:
        """The node's time, and that of its longest call, nothing taken out."""
        now = self._opened.get(id(node), NONE_OPEN)
        return node.total_ns + now.total_ns, max(node.max_ns, now.longest_ns)


def _figures(
    node: Node,
    now: OpenAt,
    children_ns: int,
    children_less_ns: int,
    inner_ns: float,
    below_ns: float,
    own_cost_ns: float,
    estimated_ns: int = 0,
) -> Figures:
    """The node's figures, with what is open on it ``now``.

    What ran on it took ``children_ns``, and ``children_less_ns`` without recording's cost: which is
    a mean, so that little can be left of a node with very many calls; but never less than that.
    ``inner_ns`` and ``below_ns`` are recording's cost in its spans and in what ran during them,
    ``own_cost_ns`` is that in its own time.
    """
    calls, total_ns, least_ns, longest_ns = node.calls, node.total_ns, node.min_ns, node.max_ns
    self_ns = total_ns + node.credit_ns - node.debit_ns - children_ns
    if now is not NONE_OPEN:
        calls += now.spans
        total_ns += now.total_ns
        self_ns += now.total_ns + now.credit_ns - now.debit_ns
        least_ns = min(least_ns, now.shortest_ns)
        longest_ns = max(longest_ns, now.longest_ns)
    within_ns = inner_ns + below_ns
    per_call_ns = within_ns / calls if calls else 0.0
    # Less recording's cost; where there was work there is never a zero. Written out four times,
    # as this runs for each path of each test.
    total_less_ns = total_ns - int(within_ns + 0.5)
    self_less_ns = self_ns - int(own_cost_ns + 0.5)
    longest_less_ns = longest_ns - int(per_call_ns + 0.5)
    is_limited = total_less_ns < children_less_ns
    if is_limited:
        total_less_ns = children_less_ns if children_less_ns < total_ns else total_ns
    if is_limited and calls == 1:
        least_ns = longest_less_ns = total_less_ns
    elif least_ns != NO_MINIMUM:
        shared_ns = least_ns * (within_ns / total_ns) if below_ns and total_ns > 0 else least_ns
        raw_ns = least_ns
        least_ns -= int((per_call_ns if per_call_ns < shared_ns else shared_ns) + 0.5)
        if least_ns <= 0:
            least_ns = 1 if raw_ns > 0 else 0
    return (
        calls + node.counted,
        node.errors,
        now.spans,
        (total_less_ns if total_less_ns > 0 else 1 if total_ns > 0 else 0) + estimated_ns,
        (self_less_ns if self_less_ns > 0 else 1 if self_ns > 0 else 0) + estimated_ns,
        least_ns,
        longest_less_ns if longest_less_ns > 0 else 1 if longest_ns > 0 else 0,
        node.suspended_ns,
        node.counted if estimated_ns else 0,
        0 if estimated_ns else node.counted,
    )


def _has_more(node: Node) -> bool:
    """Did anything happen on ``node`` but plain calls, all of them timed?"""
    return bool(
        node.slow
        or node.resumes
        or node.plain_folds_in
        or node.plain_folds_out
        or node.folded_out
        or node.counted
    )


def _estimate(node: Node, own_ns: float) -> int:
    """The time of the node's calls that were counted and not timed, if any of them is."""
    thinned = node.site.thinned
    if thinned is None or thinned.rate is None:
        return 0
    return round(node.counted * thinned.mean_ns(node.calls, own_ns))
