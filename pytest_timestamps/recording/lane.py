"""One thread's stack of open spans, and all that is not a plain call or return.

The callbacks in `spans` do the common thing themselves: the next span is a child of the top one.
Whatever doesn't fit comes here: another context than the last time, recursion, a span that
outlives its caller, a generator resumed somewhere else.

A lane has two forms. Plain: `top` is the innermost node, its parents are the rest of the stack.
Guarded: `top` is `GUARD`, which matches nothing, so that every event comes here, and `stack`
holds an `Activation` for each span above `below`. Guarded is exact in all cases, and slower.
"""

from __future__ import annotations

from .activation import GUARD, Activation, Paused, ground, is_whole
from .scope import ORIGIN, Origin
from .sites import ANY_FRAME
from .tree import NOWHERE, Node, PartSite, Root, is_seen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .scope import Scope
    from .sites import Site

    FindScope = Callable[["Lane", Origin, Node], Scope | None]

    OpenSpan = tuple[Node, int, int, Node | None, bool]
    """The node, this stretch and the span's time in all, who doesn't have it in its own time, and
    whether recursion folded it."""

__all__ = ["Lane"]


class Lane:
    """The open spans of one thread, written by that thread alone."""

    __slots__ = (
        "__weakref__",
        "below",
        "clock",
        "covers",
        "find_scope",
        "named",
        "named_below",
        "stack",
        "starting",
        "thread",
        "top",
    )

    def __init__(self, clock: Callable[[], int], find_scope: FindScope) -> None:
        self.clock = clock
        self.find_scope = find_scope
        self.thread = 0
        self.top: Node = NOWHERE
        self.below: Node = NOWHERE
        self.stack: list[Activation] = []
        self.named: dict[str, list[Node]] = {}
        self.named_below: tuple[Node, dict[str, list[Node]]] | None = None
        self.covers: list[Any] = []
        self.starting: list[Any] = []

    def reset(self) -> None:
        """Forget all open spans: their ends won't be seen."""
        self.top = NOWHERE
        self.below = NOWHERE
        self.stack.clear()
        self.named.clear()
        self.named_below = None
        self.covers.clear()
        self.starting.clear()

    def exempt(self, spent_ns: int) -> None:
        """Take ``spent_ns``, just now, out of the innermost open span and all that encloses it."""
        node = ground(self.place())
        node.debit_ns += spent_ns
        node.settled_ns += spent_ns

    # Where the next span belongs

    def place(self) -> Node:
        """The innermost node, an idle root included; `NOWHERE` where there is none."""
        return self.stack[-1].place if self.stack else self.top

    def busy_place(self) -> Node:
        """The innermost node that is open; `NOWHERE` where there is none."""
        node = ground(self.place())
        return NOWHERE if isinstance(node, Root) else node

    def look_anew(self) -> None:
        """Find out at the next span where it belongs: who gathers on this thread has changed."""
        self.named_below = None
        while self.stack and self.stack[-1].key is None:
            self.stack.pop()
        if not self.stack:
            if self.top is GUARD:
                self._unguard()
            while type(self.top) is Root:
                self.top = self.top.under or NOWHERE

    def settle(self) -> Node | None:
        """The node under which a span of the running context belongs; None if none gathers it."""
        current = ORIGIN.get()
        origin = current.on(self)
        place = self._settle(origin)
        if origin is not current and place is not None:
            ORIGIN.set(origin)
        return place

    def _settle(self, origin: Origin) -> Node | None:
        if self.stack:
            return self._settle_guarded(origin)
        top = self.top
        while top.origin is not origin and type(top) is Root:
            top = top.under or NOWHERE
        self.top = top
        if top.origin is origin:
            return top
        scope = self.find_scope(self, origin, top)
        if scope is None:
            return None
        if top is NOWHERE:
            root = scope.root_for(origin, None, self)
        else:
            root = scope.root_for(origin, top, self, top.origin.flow)
        self.top = root
        if scope.timelines:
            # each span's start is needed: none may take the plain path
            self._guard()
            self.stack.append(Activation(None, None, root, origin))
        return root

    def _settle_guarded(self, origin: Origin) -> Node | None:
        while self.stack[-1].key is None:
            last = self.stack[-1]
            if last.origin is origin and last.place.origin is origin:
                return last.place
            # an idle change of context: what ran there is over
            self.stack.pop()
            if not self.stack:
                self._unguard()
                return self._settle(origin)
        last = self.stack[-1]
        place = last.place
        if last.origin is origin:
            return place
        scope = self.find_scope(self, origin, place)
        if scope is None:
            return None
        root = scope.root_for(
            origin, place, self, last.origin.flow, self._is_beneath_recursion(origin.node)
        )
        self.stack.append(Activation(None, None, root, origin))
        return root

    def _is_beneath_recursion(self, node: Node | None) -> bool:
        """Is ``node`` open where its place in the tree doesn't show it, as recursion is on top?"""
        if node is None or all(span.caller is None for span in self.stack):
            return False
        return any(span.node is node for span in self.stack) or node in self._plain_nodes()

    # Opening

    def open(self, key: Any, site: Site, frame: int = 0, paused: Paused | None = None) -> None:
        """Open a span here and now, or go on with a ``paused`` one."""
        if self.stack and paused is None and self._open_known(key, site, frame):
            return
        place = self.settle()
        if place is None:
            return
        scope = place.root.scope
        foreign = paused is not None and self._is_foreign(paused, place)
        if not (self.stack or foreign or scope.timelines):
            child = None if paused is not None else place.child(key, site)
            if child is None:
                child = self._find_child(place, key, site, paused)[0]
            if child is not None:
                self.top = child
                child.frame = frame
                self._start_plain(child, paused)
                return
        self._push(place, key, site, frame, paused, foreign)

    def _open_known(self, key: Any, site: Site, frame: int) -> bool:
        """Open a span on a guarded lane whose path is known and which is no recursion, if it is."""
        last = self.stack[-1]
        place = last.place
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

    def _start_plain(self, node: Node, paused: Paused | None) -> None:
        if paused is None:
            node.start_ns = self.clock()
            return
        now_ns = self.clock()
        node.resumes += 1
        node.suspended_ns += now_ns - paused.paused_ns
        node.total_ns -= paused.active_ns
        node.start_ns = now_ns - paused.active_ns

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

    def open_unseen(self, key: Any) -> None:
        """Open a span whose start was not seen: it counts for nothing and hides nothing."""
        place = self.settle()
        if place is None:
            return
        self._guard()
        self.stack.append(Activation(key, None, place, ORIGIN.get()))

    def _append(self, span: Activation) -> None:
        self.stack.append(span)
        if span.node is not None:
            self.named.setdefault(span.node.site.name, []).append(span.node)

    def _pop(self) -> Activation:
        span = self.stack.pop()
        if span.node is not None:
            name = span.node.site.name
            nodes = self.named[name]
            nodes.pop()
            if not nodes:
                del self.named[name]
        return span

    def _named_below(self) -> dict[str, list[Node]]:
        """By name the open nodes below the guarded part, innermost first.

        A node's place never changes, so what was found beneath it stays right.
        """
        known = self.named_below
        if known is not None and known[0] is self.below:
            return known[1]
        found: dict[str, list[Node]] = {}
        for node in self._plain_nodes():
            found.setdefault(node.site.name, []).append(node)
        self.named_below = (self.below, found)
        return found

    def _guard(self) -> None:
        if not self.stack:
            self.below = self.top
            self.top = GUARD

    def _unguard(self) -> None:
        self.top = self.below
        self.below = NOWHERE

    def _open_nodes(self, name: str, scope: Scope) -> list[Node]:
        """The nodes on this stack that carry ``name``, innermost first.

        None further out than the first that all captures of ``scope`` see alike.
        """
        found: list[Node] = []
        below = self._named_below() if self.top is GUARD else None
        for node in reversed(self.named.get(name, ())):
            if node not in found:
                found.append(node)
                if is_whole(node, scope):
                    return found
        for node in self._plain_nodes() if below is None else below.get(name, ()):
            if node.site.name == name and node not in found:
                found.append(node)
                if is_whole(node, scope):
                    break
        return found

    def _plain_nodes(self) -> list[Node]:
        """The open nodes below the guarded part, innermost first."""
        nodes = []
        node = self.below if self.top is GUARD else self.top
        while node is not NOWHERE:
            if type(node) is Root:
                node = node.under or NOWHERE
            else:
                nodes.append(node)
                node = node.parent
        return nodes

    def open_spans(self, now_ns: int) -> list[OpenSpan]:
        """All open spans, outermost first, as `_book` would book them if they ended now."""
        spans: list[OpenSpan] = [
            (node, now_ns - node.start_ns, now_ns - node.start_ns, None, False)
            for node in reversed(self._plain_nodes())
        ]
        for span in list(self.stack):
            if span.node is not None:
                stretch_ns = now_ns - span.start_ns
                folded = span.caller is not None
                debtor = span.beneath if folded or span.foreign else None
                active_ns = span.active_ns + stretch_ns
                spans.append((span.node, stretch_ns, active_ns, debtor, folded))
        return spans

    # Closing

    def close(self, key: Any, now_ns: int, failed: bool = False) -> None:
        """Close the innermost open span of ``key``; nothing where none is open.

        Blocks above it outlive it and go on under what is beneath; other spans above it have
        lost their ends, and end now.
        """
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
        paused = []
        while len(self.stack) > depth and (self.stack[-1].frame or self.stack[-1].key is None):
            paused.append(self._suspend(self._pop(), now_ns))
            self._leave_guard()
        if not self.stack:
            while (node := ground(self.top)) is not floor and node.frame:
                paused.append(self._suspend_plain(node, now_ns))
        return [p for p in paused if p is not None]

    def floor(self) -> Node:
        """The innermost open node of a plain lane; the bottom root where there is none."""
        return ground(self.top)

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

    def _suspend_plain(self, node: Node, now_ns: int) -> Paused:
        active_ns = now_ns - node.start_ns
        node.total_ns += active_ns
        self.top = node.parent
        paused = Paused(node.key, node.site, node, active_ns, now_ns)
        paused.frame = node.frame
        return paused

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
            if not is_seen(span.node, capture):
                continue
            capture.add_to_timeline(span.site.name, span.node.root.section, span.began_ns, now_ns)

    def _leave_guard(self) -> None:
        """Drop idle changes of context; with no span left, become plain again."""
        while (
            self.stack
            and self.stack[-1].key is None
            and not self.stack[-1].place.root.scope.timelines
        ):
            self.stack.pop()
        if not self.stack:
            self._unguard()
