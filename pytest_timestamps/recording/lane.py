"""All that is not a plain call or return.

The callbacks in `spans` do the common thing themselves: the next span is a child of the top one.
Whatever doesn't fit comes here: another context than the last time, recursion, a span that
outlives its caller, a generator resumed somewhere else.
"""

from __future__ import annotations

from .activation import Activation, Paused, ground, is_whole
from .folding import FoldingStack, is_simple
from .scope import ORIGIN
from .sites import ANY_FRAME
from .stack import refresh
from .tree import NOWHERE, THIN, Node, PartSite, Root, is_seen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .sites import Site

__all__ = ["Lane"]


class Lane(FoldingStack):
    """A thread's stack, and what opens, suspends and closes spans on it in every case."""

    __slots__ = ()

    # Opening

    def open(self, key: Any, site: Site, frame: int = 0, paused: Paused | None = None) -> None:
        """Open a span here and now, or go on with a ``paused`` one."""
        began_ns = self.clock()
        refresh(self.top)
        if self.top.site.name == site.name and self._open_direct(key, frame, paused, began_ns):
            return
        if self.folds:
            if self._open_folded(key, site, frame, paused, began_ns):
                return
            self.expand()
        if self.stack and paused is None and self._open_known(key, site, frame):
            return
        place = self.settle()
        if place is None:
            return
        scope = place.root.scope
        foreign = paused is not None and self._is_foreign(paused, place)
        if not (self.stack or foreign or scope.timelines):
            folded_into = None
            known = paused is None or is_simple(paused, place)
            child = place.child(key, site) if known else None
            if child is None:
                child, folded_into = self._find_child(place, key, site, paused)
            if folded_into is not None:
                simple = paused is None or is_simple(paused, folded_into)
                if simple and self._fold(key, frame, paused, folded_into, began_ns):
                    return
            elif child is not None:
                self.top = child
                child.frame = frame
                self._start_plain(child, paused, began_ns)
                return
        self._push(place, key, site, frame, paused, foreign)

    def _open_known(self, key: Any, site: Site, frame: int) -> bool:
        """Open a span on a guarded lane whose path is known and which is no recursion, if it is."""
        last = self.stack[-1]
        place = last.place
        refresh(place)
        origin = ORIGIN.get()
        if last.origin is not origin or place.origin is not origin:
            return False
        child = place.children.get(id(key))
        if child is None or site.name in self.named or site.name in self._named_below():
            return False
        span = Activation(key, child.site, place, origin)
        span.frame = frame
        span.node = span.place = child
        self._append(span)
        span.start_ns = span.began_ns = self.clock()
        return True

    def _is_foreign(self, paused: Paused, place: Node) -> bool:
        """Must ``paused`` go on counting where it was suspended, not at ``place``?"""
        if paused.closing:
            return paused.node.parent is not place
        scope, other = place.root.scope, paused.node.root.scope
        return scope is not other and scope.seen_here(paused.site, other) is None

    def _find_child(
        self, place: Node, key: Any, site: Site, paused: Paused | None
    ) -> tuple[Node | None, Node | None]:
        """The child of ``place`` for a span of ``site``, and the open node that it folds into.

        The child is made where there is none; None where there is no room, or where it folds.
        """
        scope = place.root.scope
        seen_by = None
        if paused is not None:
            seen_by = scope.seen_here(site, paused.node.root.scope)
        open_nodes = self._open_nodes(site.name, scope)
        if paused is not None and paused.closing and paused.node.key is key:
            own = paused.node
            # what closes it may have its name, and is no recursion all the same
            if own.parent is place and own not in open_nodes:
                return own, None
        is_part = seen_by is not None and len(seen_by) < len(scope.members)
        if len(open_nodes) == 1 and not is_part and is_whole(open_nodes[0], scope):
            return None, open_nodes[0]
        site = scope.part_of(site, seen_by, tuple(open_nodes))
        return place.child(key, site) or place.add(key, site), None

    def _push(
        self, place: Node, key: Any, site: Site, frame: int, paused: Paused | None, foreign: bool
    ) -> None:
        self._guard()
        span = Activation(key, site, place, ORIGIN.get())
        span.frame = frame
        if foreign:
            assert paused is not None
            span.foreign = True
            span.node = paused.node
            if paused.node.root.scope is place.root.scope:
                span.place = paused.node
        else:
            self._find_node(span, place, paused)
        self._append(span)
        now_ns = self.clock()
        span.start_ns = span.began_ns = now_ns
        if paused is not None:
            span.began_ns = paused.began_ns
            span.active_ns = paused.active_ns
            span.suspended_ns = paused.suspended_ns + now_ns - paused.paused_ns
            if span.node is not None:
                span.node.resumes += 1
                span.node.suspended_ns += now_ns - paused.paused_ns

    def _find_node(self, span: Activation, place: Node, paused: Paused | None) -> None:
        assert span.site is not None
        node, folded_into = self._find_child(place, span.key, span.site, paused)
        if folded_into is not None:
            span.caller = span.beneath
            node = folded_into
        if node is None:
            place.root.scope.dropped += 1
            return
        span.node = span.place = node
        if folded_into is None:
            span.site = node.site
        elif type(span.site) is PartSite:
            # whoever sees the node that it folds into sees all of it
            span.site = span.site.whole

    def counting_node(self, place: Node, key: Any, site: Site) -> Node | None:
        """The node for which a call at ``place`` counts that isn't timed.

        None for recursion, on a timeline, and where there is no room.
        """
        scope, name = place.root.scope, site.name
        if scope.timelines:
            return None
        node = place.children.get(id(key))
        if node is not None and not self.stack:
            # the latch of a name that is open below a recursion is shut
            return node if node.latch.key is THIN else None
        if self.folds:
            is_open = name in self.shut_names or self._open_above(name) is not None
        else:
            is_open = bool(self._open_nodes(name, scope))
        return None if is_open else node or place.add(key, site)

    def open_unseen(self, key: Any) -> None:
        """Open a span whose start was not seen: it counts for nothing and hides nothing."""
        place = self.settle()
        if place is None:
            return
        self._guard()
        self.stack.append(Activation(key, None, place, ORIGIN.get()))

    # Closing

    def close(self, key: Any, now_ns: int, failed: bool = False) -> None:
        """Close the innermost open span of ``key``; nothing where none is open.

        Blocks above it outlive it and go on under what is beneath; other spans above it have
        lost their ends, and end now.
        """
        if self.folds:
            if self.close_folded(key, now_ns, failed):
                return
            self.expand()
        if self.stack and self.stack[-1].key is key:
            self._finish(self._pop(), now_ns, failed)
            self._leave_guard()
            return
        above = self._take_above(key, now_ns)
        if above is None:
            return
        if self.stack:
            self._finish(self._pop(), now_ns, failed)
            self._leave_guard()
        else:
            node = self.top
            active_ns = now_ns - node.start_ns
            node.total_ns += active_ns
            node.finish(active_ns, failed)
            self.top = node.parent
        self._go_on(above)

    def pause(self, key: Any, now_ns: int, frame: int) -> list[Paused]:
        """Take the span of ``key`` and the blocks of its ``frame`` off the stack.

        Innermost first; empty where nothing of them is open here.
        """
        if self.folds:
            folded = self.pause_folded(key, now_ns)
            if folded is not None:
                return [folded]
            self.expand()
        paused = []
        while len(self.stack) > 1 and self.stack[-1].key is None:
            # an idle change of context: what ran there is over
            self.stack.pop()
        while self.stack and self.stack[-1].frame and frame in (self.stack[-1].frame, ANY_FRAME):
            paused.append(self._suspend(self._pop(), now_ns))
            self._leave_guard()
        if not self.stack:
            while (node := ground(self.top)).frame and frame in (node.frame, ANY_FRAME):
                paused.append(self._suspend_plain(node, now_ns))
        above = self._take_above(key, now_ns)
        if above is None:
            return [p for p in paused if p is not None]
        if self.stack:
            paused.append(self._suspend(self._pop(), now_ns))
            self._leave_guard()
        else:
            paused.append(self._suspend_plain(self.top, now_ns))
        # blocks of another frame stay open: their own code has not been suspended
        self._go_on(above)
        return [p for p in paused if p is not None]

    def pause_blocks(self, depth: int, floor: Node, now_ns: int) -> list[Paused]:
        """Take the blocks of suspendable frames off the stack, innermost first.

        Those above ``depth``, where the lane was guarded, and above ``floor``, where it wasn't.
        """
        self.expand()
        paused = []
        while len(self.stack) > depth and (self.stack[-1].frame or self.stack[-1].key is None):
            paused.append(self._suspend(self._pop(), now_ns))
            self._leave_guard()
        if not self.stack:
            while (node := ground(self.top)) is not floor and node.frame:
                paused.append(self._suspend_plain(node, now_ns))
        return [p for p in paused if p is not None]

    def _take_above(self, key: Any, now_ns: int) -> list[Paused] | None:
        """Make the innermost span of ``key`` the top; None where there is none.

        What was above it has ended, but for blocks, which are returned, outermost last.
        """
        if self.stack:
            if self.stack[-1].key is key:
                return []
            if not self._is_open(key):
                return None
        else:
            while type(self.top) is Root:
                # an idle root: what ran in its context is over
                self.top = self.top.under or NOWHERE
            if self.top.key is key:
                return []
            if not self._is_open(key):
                return None
        above: list[Paused] = []
        while self.stack and self.stack[-1].key is not key:
            self._displace(self._suspend(self._pop(), now_ns), above)
            self._leave_guard()
        while not self.stack and self.top.key is not key:
            if type(self.top) is Root:
                self.top = self.top.under or NOWHERE
            else:
                self._displace(self._suspend_plain(self.top, now_ns), above)
        return above

    def _is_open(self, key: Any) -> bool:
        if any(span.key is key for span in self.stack):
            return True
        return any(node.key is key for node in self._plain_nodes())

    def _displace(self, paused: Paused | None, above: list[Paused]) -> None:
        if paused is None:
            return
        if paused.site.kind == "block":
            above.append(paused)
        else:
            paused.node.finish(paused.active_ns, False)

    def _go_on(self, above: list[Paused]) -> None:
        for paused in reversed(above):
            self.open(paused.key, paused.site, paused.frame, paused)

    def _suspend(self, span: Activation, now_ns: int) -> Paused | None:
        if span.node is None or span.site is None:
            return None
        active_ns = self._book(span, now_ns)
        paused = Paused(span.key, span.site, span.node, active_ns, now_ns)
        paused.began_ns = span.began_ns
        paused.suspended_ns = span.suspended_ns
        paused.frame = span.frame
        return paused

    def _book(self, span: Activation, now_ns: int) -> int:
        """Add the stretch that ends now to its path; returns the span's active time in all."""
        stretch_ns = now_ns - span.start_ns
        node = span.node
        assert node is not None
        node.slow += 1
        if span.caller is not None:
            node.credit_ns += stretch_ns
            node.folded_in += 1
            span.caller.debit_ns += stretch_ns
            span.caller.folded_out += 1
        else:
            node.total_ns += stretch_ns
        if span.foreign:
            span.beneath.debit_ns += stretch_ns
        return span.active_ns + stretch_ns

    def _finish(self, span: Activation, now_ns: int, failed: bool) -> None:
        if span.node is None or span.site is None:
            return
        span.node.finish(self._book(span, now_ns), failed)
        for capture in span.node.root.scope.timelines:
            if is_seen(span.node, capture):
                section = span.node.root.section_of(capture)
                capture.add_to_timeline(span.site.name, section, span.began_ns, now_ns)
