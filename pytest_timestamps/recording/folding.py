"""Recursion on a plain lane: the calls above it stay plain calls.

A span whose name is open already folds into that name's node, and what it calls hangs below that
node again. A node holds one running span, and a name is open once: so the latches of all names
that are open at that moment are shut until the recursive call returns. A call or a return that
concerns one of them finds its way here, and every other one takes the plain path.

Whatever else happens meanwhile (another context, a suspension out of turn, an end that was lost)
has the lane `expand`: it becomes guarded, as if it had been so from the first recursive call on.
"""

from __future__ import annotations

from .activation import GUARD, Activation, Paused
from .scope import ORIGIN
from .stack import Stack, nodes_above, refresh
from .tree import SHUT, Node, PartSite

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

    from .sites import Site

__all__ = ["Fold", "FoldingStack", "is_simple"]

_NONE: Final[list[Node]] = []  # never written

_origin_here: Final = ORIGIN.get


class Fold:
    """One recursive call: a span of ``key`` on ``node``, called from ``top``.

    ``shut`` are the nodes whose names it shuts: those opened since the fold before it.
    ``active_ns`` is how long the span was active before it was suspended, if it ``was_resumed``.
    """

    __slots__ = ("active_ns", "key", "node", "shut", "start_ns", "top", "was_resumed")

    def __init__(self, key: Any, node: Node, top: Node, shut: list[Node]) -> None:
        self.key = key
        self.node = node
        self.top = top
        self.shut = shut
        self.start_ns = 0
        self.active_ns = 0
        self.was_resumed = False


class FoldingStack(Stack):
    """A stack that may be folded: its spans are those below each of ``folds``, and of `top`."""

    __slots__ = ()

    def _fold(self, key: Any, frame: int, paused: Paused | None, node: Node, began_ns: int) -> bool:
        """Open a recursive call of ``node``'s name, or go on with a ``paused`` one that is simple.

        What recording has done for it since ``began_ns`` is nobody's time. False, and nothing
        done, if it can't be done plainly.
        """
        top, folds = self.top, self.folds
        if frame or node.root is not top.root:
            return False
        base = folds[-1].node if folds else top.root
        shut: list[Node] = _NONE
        if top is not base:
            shut = nodes_above(top, base)
            if not self._shut(shut):
                return False
        fold = Fold(key, node, top, shut)
        folds.append(fold)
        self.top = node
        now_ns = fold.start_ns = self.clock()
        _exempt(top, now_ns - began_ns)
        if paused is not None:
            fold.was_resumed = True
            fold.active_ns = paused.active_ns
            node.resumes += 1
            node.suspended_ns += now_ns - paused.paused_ns
        return True

    def _shut(self, opened: list[Node]) -> bool:
        """Shut the names of what was opened; False, and nothing done, if it can't be.

        Names that are open below the root are noted too: a call of such a name is no plain fold.
        """
        for node in opened:
            if type(node.site) is PartSite:
                return False
        if not self.folds:
            self.shut_names = {}
            if opened[-1].root.under is not None:
                for node in self._plain_nodes():
                    self.shut_names[node.site.name] = None
        shut_names = self.shut_names
        for node in opened:
            shut_names[node.site.name] = node
            for latch in node.latch.namesakes:
                latch.key = SHUT
        return True

    def _open_direct(self, key: Any, frame: int, paused: Paused | None, began_ns: int) -> bool:
        """Open a call of the innermost open name, if it can be plain recursion."""
        top = self.top
        return (
            top.origin is _origin_here()
            and type(top.site) is not PartSite
            and (paused is None or is_simple(paused, top))
            and self._fold(key, frame, paused, top, began_ns)
        )

    def _open_folded(
        self, key: Any, site: Site, frame: int, paused: Paused | None, began_ns: int
    ) -> bool:
        """Open a span on a folded stack, or go on with a ``paused`` one, if it can be plain."""
        top = self.top
        if top.origin is not _origin_here() or not (paused is None or is_simple(paused, top)):
            return False
        name = site.name
        if name in self.shut_names:
            known = self.shut_names[name]
            return known is not None and self._fold(key, frame, paused, known, began_ns)
        node = self._open_above(name)
        if node is not None:
            return self._fold(key, frame, paused, node, began_ns)
        child = top.child(key, site) or top.add(key, site)
        if child is None:
            return False
        self.top = child
        child.frame = frame
        self._start_plain(child, paused, began_ns)
        return True

    def _open_above(self, name: str) -> Node | None:
        """The node of that name which was opened since the innermost recursive call."""
        node, base = self.top, self.folds[-1].node
        while node is not base:
            if node.site.name == name:
                return node
            node = node.parent
        return None

    def close_folded(self, key: Any, now_ns: int, failed: bool) -> bool:
        """Close the innermost span of a folded stack, if it is one of ``key``."""
        node, fold = self.top, self.folds[-1]
        if node is not fold.node:
            if node.key is not key:
                return False
            active_ns = now_ns - node.start_ns
            node.total_ns += active_ns
            self.top = node.parent
            node.finish(active_ns, failed)
            return True
        if fold.key is not key:
            return False
        node.finish(self._leave_fold(fold, now_ns), failed)
        _exempt(fold.top, self.clock() - now_ns)
        return True

    def pause_folded(self, key: Any, now_ns: int) -> Paused | None:
        """Suspend the innermost span of a folded stack, if it is one of ``key``."""
        node, fold = self.top, self.folds[-1]
        if node is not fold.node:
            if node.key is not key:
                return None
            return self._suspend_plain(node, now_ns)
        if fold.key is not key:
            return None
        paused = Paused(key, node.site, node, self._leave_fold(fold, now_ns), now_ns)
        _exempt(fold.top, self.clock() - now_ns)
        return paused

    def _suspend_plain(self, node: Node, now_ns: int) -> Paused:
        active_ns = now_ns - node.start_ns
        node.total_ns += active_ns
        self.top = node.parent
        paused = Paused(node.key, node.site, node, active_ns, now_ns)
        paused.frame = node.frame
        return paused

    def _leave_fold(self, fold: Fold, now_ns: int) -> int:
        """Take the innermost recursive call off; returns how long it was active in all."""
        self.folds.pop()
        node, caller = fold.node, fold.top
        self.top = caller
        if fold.shut:
            self._open_again(fold)
        if fold.was_resumed:
            node.resumed_folds_in += 1
            caller.resumed_folds_out += 1
        stretch_ns = now_ns - fold.start_ns
        node.credit_ns += stretch_ns
        node.plain_folds_in += 1
        caller.debit_ns += stretch_ns
        caller.plain_folds_out += 1
        return fold.active_ns + stretch_ns

    def reset(self) -> None:
        """Forget all open spans: their ends won't be seen."""
        self._unfold()
        super().reset()

    def look_anew(self) -> None:
        """Find out at the next span where it belongs: who gathers on this thread has changed."""
        self.expand()
        super().look_anew()

    def settle(self) -> Node | None:
        """The node under which a span of the running context belongs; None if none gathers it."""
        self.expand()
        return super().settle()

    def _open_again(self, fold: Fold) -> None:
        for node in fold.shut:
            del self.shut_names[node.site.name]
            for latch in node.latch.namesakes:
                latch.key = latch.usual

    def expand(self) -> None:
        """Make a folded lane a guarded one, with the same spans open."""
        if not self.folds:
            return
        folds = self._unfold()
        tops = [fold.top for fold in folds[1:]] + [self.top]
        self.below, self.top = folds[0].top, GUARD
        for fold, top in zip(folds, tops, strict=True):
            span = self._activate(fold.key, fold.node, fold.top, fold.start_ns)
            span.caller = span.beneath
            span.active_ns = fold.active_ns
            for node in reversed(nodes_above(top, fold.node)):
                self._activate(node.key, node, node.parent, node.start_ns).frame = node.frame

    def _unfold(self) -> list[Fold]:
        folds, self.folds = self.folds, []
        for fold in reversed(folds):
            self._open_again(fold)
        return folds

    def _start_plain(self, node: Node, paused: Paused | None, began_ns: int) -> None:
        """Start a span, or go on, after what recording has done since ``began_ns``.

        Finding its path took longer than a plain call is known to cost, so that is measured, and
        nobody's time.
        """
        refresh(node)
        if paused is None:
            node.start_ns = self.clock()
            node.parent.exempt(node.start_ns - began_ns)
            return
        now_ns = self.clock()
        node.parent.exempt(now_ns - began_ns)
        node.resumes += 1
        node.suspended_ns += now_ns - paused.paused_ns
        node.total_ns -= paused.active_ns
        node.start_ns = now_ns - paused.active_ns

    def _activate(self, key: Any, node: Node, place: Node, start_ns: int) -> Activation:
        refresh(node)
        span = Activation(key, node.site, place, node.origin)
        span.node = span.place = node
        span.start_ns = span.began_ns = start_ns
        self._append(span)
        return span


def _exempt(node: Node, spent_ns: int) -> None:
    """Take what recording has just spent out of ``node``, and of all that encloses it.

    This is `Node.exempt` of a node that is no root.
    """
    node.debit_ns += spent_ns
    node.settled_ns += spent_ns
    node.root.scope.spent_ns += spent_ns


def is_simple(paused: Paused, node: Node) -> bool:
    """Is ``paused`` a span that all see alike who see ``node``, and not about to end?"""
    root = paused.node.root
    return (
        type(paused.site) is not PartSite and root.scope is node.root.scope and not paused.closing
    )
