"""What is open at one moment: as if it ended now, but counted as open."""

from __future__ import annotations

from .tree import NO_MINIMUM, NOWHERE, Node

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from .activation import Paused
    from .lane import Lane

__all__ = ["NONE_OPEN", "OpenAt", "OpenSpans", "find_open_spans"]


class OpenAt:
    """What is open on one node, on which so many ``calls`` had ended by then."""

    __slots__ = ("calls", "credit_ns", "debit_ns", "longest_ns", "shortest_ns", "spans", "total_ns")

    def __init__(self) -> None:
        self.calls = 0
        self.total_ns = 0
        self.credit_ns = 0
        self.debit_ns = 0
        self.longest_ns = 0
        self.shortest_ns = NO_MINIMUM
        self.spans = 0


NONE_OPEN = OpenAt()

OpenSpans = dict[int, OpenAt]
"""By ``id(node)``: what is open on it at one moment."""


def find_open_spans(
    lanes: Iterable[Lane], paused: Iterable[list[Paused]], now_ns: int
) -> OpenSpans:
    """All spans that are open at ``now_ns``, suspended ones included, by node."""
    found: OpenSpans = {}
    for lane in list(lanes):
        if lane.top is NOWHERE:
            # as most are when a capture stops
            continue
        for node, stretch_ns, active_ns, debtor, folded in lane.open_spans(now_ns):
            there = _note(found, node, active_ns)
            if folded:
                there.credit_ns += stretch_ns
            else:
                there.total_ns += stretch_ns
            if debtor is not None:
                found.setdefault(id(debtor), OpenAt()).debit_ns += stretch_ns
    for group in list(paused):
        for one in group:
            _note(found, one.node, one.active_ns)
    return found


def _note(found: OpenSpans, node: Node, active_ns: int) -> OpenAt:
    there = found.setdefault(id(node), OpenAt())
    if not there.spans:
        there.calls = node.calls
    there.longest_ns = max(there.longest_ns, active_ns)
    there.shortest_ns = min(there.shortest_ns, active_ns)
    there.spans += 1
    return there
