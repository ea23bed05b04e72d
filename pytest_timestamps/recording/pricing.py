"""What each call path has for itself: its callees' time and recording's own cost taken out."""

from __future__ import annotations

from operator import sub

from .tree import NO_MINIMUM, Node

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .layout import Layout
    from .open_spans import OpenAt, OpenSpans
    from .overhead import Cost, SpanCosts

__all__ = ["Pricing"]


class Pricing:
    """The figures of all nodes of a layout at one moment: each column is in the layout's order.

    ``calls`` to ``untimed`` are those of `PathStats`, but for a minimum of `NO_MINIMUM` where there
    is none. ``overhead_ns`` is what recording all calls of a node cost, ``active_ns`` its time with
    what is estimated, ``outer_ns`` recording's cost around its spans, and ``full_ns`` that in them
    and around them, whatever ran there.
    """

    def __init__(self, layout: Layout, opened: OpenSpans, costs: SpanCosts) -> None:
        self._nodes = nodes = layout.nodes
        self._above = layout.above
        self._opened = opened
        self._costs = costs
        count = len(nodes)
        # As measured, to begin with: a column at a time is the cheapest, and it is done for each
        # path of each test.
        self.calls = [node.calls for node in nodes]
        self.errors = [node.errors for node in nodes]
        self.open = [0] * count
        self.self_ns = [node.total_ns + node.credit_ns - node.debit_ns for node in nodes]
        self.min_ns = [node.min_ns for node in nodes]
        self.max_ns = [node.max_ns for node in nodes]
        self.suspended_ns = [node.suspended_ns for node in nodes]
        self.estimated = [0] * count
        self.untimed = [0] * count
        self.overhead_ns = [0.0] * count
        self.active_ns = [node.total_ns for node in nodes]
        self.outer_ns = [0.0] * count
        self.full_ns = [0.0] * count
        # Of all that ran on a node: its time, that less recording's cost, that cost in it and
        # around it, and the part around it, which lies within the node's own time. One place more
        # is that of `NOBODY`.
        self._children_ns = [0] * (count + 1)
        self._children_less_ns = [0] * (count + 1)
        self._children_estimated_ns = [0] * (count + 1)
        self._below_ns = [0.0] * (count + 1)
        self._around_ns = [0.0] * (count + 1)
        # recording's cost in the node's time, and in its own
        self._within_ns = [0.0] * count
        self._own_cost_ns = [0.0] * count
        self._estimated_ns = [0] * count
        self._longest_ns = self.max_ns
        self._has_more = _has_more(nodes, opened)
        self._folded: list[int] = []
        self._many: list[int] = []
        self.total_ns = [0] * count
        # by how much estimates below a node are too long
        self._limits: dict[int, float] = {}
        self._price()

    def _price(self) -> None:
        """Take recording's cost out of what was measured."""
        self._add_up()
        if self._limits:
            self._limit_estimates()
        self._take_out_of_self()
        self._take_out_of_extremes()
        for position in self._folded:
            self._limit_longest(position)
        # those that were not timed count, but for what is told of those that were
        for position in self._many:
            self.calls[position] += self.estimated[position] + self.untimed[position]

    def columns(self) -> tuple[list[int], ...]:
        """All that a row of `PathStats` has from its calls on."""
        return (
            self.calls, self.errors, self.open, self.total_ns, self.self_ns, self.min_ns,
            self.max_ns, self.suspended_ns, self.estimated, self.untimed,
        )  # fmt: skip

    def _add_up(self) -> None:
        """Go through all nodes, children first: what lies beneath a node is complete then.

        This loop runs once for each path of each test, hence no calls in it for most of them.
        """
        nodes, above, has_more = self._nodes, self._above, self._has_more
        children, children_less, children_estimated = (
            self._children_ns, self._children_less_ns, self._children_estimated_ns,
        )  # fmt: skip
        below, around = self._below_ns, self._around_ns
        missed_ns, kinds = self._costs.missed_ns, self._costs.kinds
        for i in range(len(nodes) - 1, -1, -1):
            node = nodes[i]
            missed = node.misses * missed_ns if node.misses else 0.0
            below[i] = below[i] + missed + node.settled_ns
            around[i] += missed
            cost = kinds[node.site.kind]
            inner_ns, outer_ns, folded_ns = cost.inner_ns, cost.outer_ns, 0.0
            if has_more[i]:
                inner_ns, outer_ns, folded_ns = self._add_more(i, node)
                self._many.append(i)
            elif node.calls != 1:
                inner_ns *= node.calls
                outer_ns *= node.calls
                self._many.append(i)
            self._own_cost_ns[i] = inner_ns + folded_ns + around[i]
            within_ns = self._within_ns[i] = inner_ns + below[i]
            total_ns, estimated_ns = self.active_ns[i], self._estimated_ns[i]
            if children_estimated[i]:
                self._find_limit(i, total_ns - estimated_ns)
            less_ns = total_ns - estimated_ns - int(within_ns + 0.5)
            if less_ns < children_less[i]:
                less_ns = min(children_less[i], total_ns - estimated_ns)
            if less_ns <= 0:
                less_ns = 1 if total_ns > estimated_ns else 0
            less_ns += estimated_ns
            self.total_ns[i] = less_ns
            self.outer_ns[i] = outer_ns
            self.overhead_ns[i] += inner_ns + outer_ns + missed
            full_ns = self.full_ns[i] = inner_ns + outer_ns + below[i]
            caller = above[i]
            children[caller] += total_ns
            children_less[caller] += less_ns
            if estimated_ns:
                children_estimated[caller] += estimated_ns
            below[caller] += full_ns
            around[caller] += outer_ns

    def _add_more(self, i: int, node: Node) -> tuple[float, float, float]:
        """Count in what is open on a node, folded into it or not timed.

        Returns recording's cost in its own spans and around them, and that within calls that were
        folded into it: these are charged to the node that made them.
        """
        now = self._opened.get(id(node))
        if now is not None:
            self._add_open(i, now)
        costs, calls, folded_ns = self._costs, self.calls[i], 0.0
        inner_ns = outer_ns = 0.0
        if calls or node.slow or node.resumes:
            inner_ns, outer_ns = self._cost_of_stretches(node, calls)
        if node.plain_folds_in or node.plain_folds_out:
            resumed_in, resumed_out = node.resumed_folds_in, node.resumed_folds_out
            calls_in = node.plain_folds_in - resumed_in
            calls_out = node.plain_folds_out - resumed_out
            folded_ns += self._charge_folds(i, costs.fold, calls_in, calls_out)
            folded_ns += self._charge_folds(i, costs.resumed_fold, resumed_in, resumed_out)
        if node.folded_in or node.folded_out:
            calls_in, calls_out = node.folded_in, node.folded_out
            folded_ns += self._charge_folds(i, costs.guarded_fold, calls_in, calls_out)
        if node.sampled:
            sampled_inner_ns, sampled_outer_ns = self._cost_of_sample(node, calls)
            inner_ns += sampled_inner_ns
            outer_ns += sampled_outer_ns
        if node.counted:
            outer_ns += node.counted * costs.counted_ns
            own_ns = node.total_ns - self._children_ns[i] - inner_ns - self._around_ns[i]
            self._add_counted(i, node, own_ns if own_ns > 0.0 else 0.0)
        return inner_ns, outer_ns, folded_ns

    def _add_open(self, i: int, now: OpenAt) -> None:
        spans = now.spans
        if spans:
            # another thread may have ended some since: these have been counted
            spans -= self._nodes[i].calls - now.calls
            if spans <= 0:
                return
        self.calls[i] += spans
        self.open[i] = spans
        self.active_ns[i] += now.total_ns
        self.self_ns[i] += now.total_ns + now.credit_ns - now.debit_ns
        self.min_ns[i] = min(self.min_ns[i], now.shortest_ns)
        self.max_ns[i] = max(self.max_ns[i], now.longest_ns)

    def _add_counted(self, i: int, node: Node, own_ns: float) -> None:
        """Estimate the time of the calls that were not timed, if any of the function's is."""
        thinned = node.site.thinned
        estimated_ns = 0
        if thinned is not None and thinned.rate is not None:
            estimated_ns = round(node.counted * thinned.mean_ns(node.calls, own_ns))
            suspended_ns = thinned.mean_suspended_ns(node.calls, node.suspended_ns)
            self.suspended_ns[i] += round(node.counted * suspended_ns)
        (self.estimated if estimated_ns else self.untimed)[i] = node.counted
        self._estimated_ns[i] = estimated_ns
        self.active_ns[i] += estimated_ns

    def _find_limit(self, i: int, time_ns: int) -> None:
        """What is estimated below a node took no longer than the ``time_ns`` that it was timed."""
        estimated_ns = self._children_estimated_ns[i]
        room_ns = max(time_ns - (self._children_less_ns[i] - estimated_ns), 0)
        if estimated_ns > room_ns:
            self._limits[i] = room_ns / estimated_ns

    def _limit_estimates(self) -> None:
        """A sample can be unlucky, as where other work has interrupted it, and counts for many."""
        for i in self._many:
            estimated_ns = self._estimated_ns[i]
            if estimated_ns and self._above[i] in self._limits:
                cut_ns = estimated_ns - max(int(estimated_ns * self._limits[self._above[i]]), 1)
                self._estimated_ns[i] -= cut_ns
                self.active_ns[i] -= cut_ns
                self.total_ns[i] -= cut_ns

    def _cost_of_stretches(self, node: Node, spans: int) -> tuple[float, float]:
        """Recording's cost in the node's spans, each as often as it ran, and around them."""
        costs = self._costs
        cost = costs.kinds[node.site.kind]
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

    def _cost_of_sample(self, node: Node, spans: int) -> tuple[float, float]:
        """What the sample's spans and resumptions cost more than others, inside and around."""
        call, resumption = self._costs.sampled, self._costs.sampled_resumption
        resumed = node.resumes * min(node.sampled / spans, 1.0) if spans else 0.0
        return (
            node.sampled * call.inner_ns + resumed * resumption.inner_ns,
            node.sampled * call.outer_ns + resumed * resumption.outer_ns,
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

    def _take_out_of_self(self) -> None:
        """Take recording's cost out of self times; where there was work there is never a zero."""
        own = map(sub, self.self_ns, self._children_ns)
        self.self_ns = [
            (less_ns if (less_ns := own_ns - int(cost_ns + 0.5)) > 0 else 1 if own_ns > 0 else 0)
            + estimated_ns
            for own_ns, cost_ns, estimated_ns in zip(
                own, self._own_cost_ns, self._estimated_ns, strict=True
            )
        ]

    def _take_out_of_extremes(self) -> None:
        """Take what a call cost on average out of the shortest and the longest of several."""
        shortest, longest, below = self.min_ns, self._longest_ns, self._below_ns
        # a single call's are its total
        self.min_ns, self.max_ns = self.total_ns.copy(), self.total_ns.copy()
        for i in self._many:
            calls, least_ns, longest_ns = self.calls[i], shortest[i], longest[i]
            if calls:
                within_ns = self._within_ns[i]
                total_ns = self.active_ns[i] - self._estimated_ns[i]
                if calls == 1 and total_ns - int(within_ns + 0.5) < self._children_less_ns[i]:
                    # no less than what it called
                    self.min_ns[i] = self.max_ns[i] = self._less_ns(i)
                    continue
                taken_ns = within_ns / calls
                longest_ns -= int(taken_ns + 0.5)
                if longest_ns <= 0:
                    longest_ns = 1 if longest[i] > 0 else 0
                if least_ns != NO_MINIMUM:
                    # a short call has called little: it has no more of the cost than of the time
                    share_ns = float(least_ns)
                    if below[i] and total_ns > 0:
                        share_ns *= within_ns / total_ns
                    least_ns -= int((taken_ns if taken_ns < share_ns else share_ns) + 0.5)
                    if least_ns <= 0:
                        least_ns = 1 if shortest[i] > 0 else 0
            self.min_ns[i] = least_ns
            self.max_ns[i] = longest_ns

    def _limit_longest(self, i: int) -> None:
        """Let no call of a node that was called in recursion be longer than all of them.

        The outermost one holds most of the cost; a generator's that began elsewhere may be longer.
        """
        less_ns, longest_ns = self._less_ns(i), self._longest_ns[i]
        if self.max_ns[i] > less_ns and longest_ns <= self.active_ns[i] - self._estimated_ns[i]:
            self.max_ns[i] = less_ns

    def _less_ns(self, i: int) -> int:
        """The time of a node, recording's cost taken out, without what is estimated."""
        return self.total_ns[i] - self._estimated_ns[i]


def _has_more(nodes: list[Node], opened: OpenSpans) -> list[bool]:
    """On which of ``nodes`` did anything happen but plain calls, all of them timed?"""
    found = [
        bool(
            node.slow
            or node.resumes
            or node.plain_folds_in
            or node.plain_folds_out
            or node.folded_out
            or node.counted
            or node.sampled
        )
        for node in nodes
    ]
    if opened:
        for i, node in enumerate(nodes):
            found[i] = found[i] or id(node) in opened
    return found
