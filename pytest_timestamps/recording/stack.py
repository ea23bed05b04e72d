"""One thread's stack of open spans, and where on it the next one belongs.

It has three forms. Plain: `top` is the innermost node, its parents are the rest of the stack.
Folded: the same above each recursive call in ``folds``, see `folding`.
Guarded: `top` is `GUARD`, which matches nothing, so that every event goes to the `lane`, and
`stack` holds an `Activation` for each span above `below`. Guarded is exact in all cases, and
slower.
"""

from __future__ import annotations

from .activation import GUARD, Activation, ground, is_whole
from .recycling import KeptTrees
from .scope import ORIGIN, STALE, Origin
from .tree import NOWHERE, Node, Root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .folding import Fold
    from .scope import Scope

    FindScope = Callable[["Stack", Origin, Node], Scope | None]

    OpenSpan = tuple[Node, int, int, Node | None, bool]
    """The node, this stretch and the span's time in all, who doesn't have it in its own time, and
    whether recursion folded it."""

__all__ = ["Stack", "nodes_above", "refresh"]


_STATE = ("top", "below", "folds", "shut_names", "stack", "named", "named_below")
"""What says which spans are open."""


class Stack:
    """The open spans of one thread, written by that thread alone."""

    __slots__ = (
        "below",
        "clock",
        "covers",
        "find_scope",
        "folds",
        "kept",
        "named",
        "named_below",
        "shut_names",
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
        self.folds: list[Fold] = []
        self.shut_names: dict[str, Node | None] = {}
        self.stack: list[Activation] = []
        self.named: dict[str, list[Node]] = {}
        self.named_below: tuple[Node, dict[str, list[Node]]] | None = None
        self.covers: list[Any] = []
        self.starting: list[Any] = []
        self.kept = KeptTrees(self)

    def reset(self) -> None:
        """Forget all open spans: their ends won't be seen."""
        self.top = NOWHERE
        self.below = NOWHERE
        self.stack.clear()
        self.named.clear()
        self.named_below = None
        self.covers.clear()
        self.starting.clear()

    def put_aside(self) -> tuple[object, ...]:
        """Be as if nothing were open, until `take_back` is given what this returns."""
        state = tuple(getattr(self, name) for name in _STATE)
        self.top = self.below = NOWHERE
        self.folds, self.shut_names = [], {}
        self.stack, self.named, self.named_below = [], {}, None
        return state

    def take_back(self, state: tuple[object, ...]) -> None:
        """Have open again what was open before `put_aside`."""
        for name, value in zip(_STATE, state, strict=True):
            setattr(self, name, value)

    def exempt(self, spent_ns: int) -> None:
        """Take ``spent_ns``, just now, out of the innermost open span and all that encloses it."""
        node = ground(self.place())
        node.debit_ns += spent_ns
        node.settled_ns += spent_ns

    def exempt_ignored(self, spent_ns: float) -> None:
        """Take out what recording takes for an event that it ignores, as far as that is known."""
        place = self.place()
        if spent_ns and place is not NOWHERE:
            place.exempt(round(spent_ns))

    def innermost_frame(self) -> int:
        """The id of the suspendable frame in which the innermost open block was entered, else 0."""
        return self.stack[-1].frame if self.stack else ground(self.top).frame

    # Where the next span belongs

    def place(self) -> Node:
        """The innermost node, an idle root included; `NOWHERE` where there is none."""
        return self.stack[-1].place if self.stack else self.top

    def known_place(self) -> Node | None:
        """The node under which a span belongs, where that is plain to see, else None."""
        origin = ORIGIN.get()
        place = self.top
        if self.stack:
            place = self.stack[-1].place if self.stack[-1].origin is origin else NOWHERE
        refresh(place)
        return place if place.origin is origin else None

    def has_open(self, key: Any) -> bool:
        """Is a span of ``key`` open on this lane?"""
        return self.top.key is key or any(span[0].key is key for span in self.open_spans(0))

    def busy_place(self) -> Node:
        """The innermost node that is open; `NOWHERE` where there is none."""
        node = ground(self.place())
        return NOWHERE if isinstance(node, Root) else node

    def floor(self) -> Node:
        """The innermost open node of a plain lane; the bottom root where there is none."""
        return ground(self.top)

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
        origin = current.on(self)  # type: ignore[arg-type]  # every stack is a lane
        place = self._settle(origin)
        if origin is not current and place is not None:
            ORIGIN.set(origin)
        return place

    def _settle(self, origin: Origin) -> Node | None:
        if self.stack:
            return self._settle_guarded(origin)
        top = self.top
        refresh(top)
        while top.origin is not origin and type(top) is Root:
            top = top.under or NOWHERE
            refresh(top)
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

    # Its two forms

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

    # What is open

    def open_spans(self, now_ns: int) -> list[OpenSpan]:
        """All open spans, outermost first, as `_book` would book them if they ended now."""
        spans: list[OpenSpan] = [
            (node, now_ns - node.start_ns, now_ns - node.start_ns, None, False)
            for node in reversed(self._plain_nodes())
        ]
        # read once: another thread may ask while this one goes on
        folds, top = list(self.folds), self.top
        tops = [fold.top for fold in folds[1:]] + [top]
        for fold, above in zip(folds, tops, strict=False):
            stretch_ns = now_ns - fold.start_ns
            active_ns = fold.active_ns + stretch_ns
            spans.append((fold.node, stretch_ns, active_ns, fold.top, True))
            for node in reversed(nodes_above(above, fold.node)):
                stretch_ns = now_ns - node.start_ns
                spans.append((node, stretch_ns, stretch_ns, None, False))
        for span in list(self.stack):
            if span.node is not None:
                stretch_ns = now_ns - span.start_ns
                folded = span.caller is not None
                debtor = span.beneath if folded or span.foreign else None
                active_ns = span.active_ns + stretch_ns
                spans.append((span.node, stretch_ns, active_ns, debtor, folded))
        return spans

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
        for node in self._plain_nodes(name) if below is None else below.get(name, ()):
            if node not in found:
                found.append(node)
                if is_whole(node, scope):
                    break
        return found

    def _plain_nodes(self, name: str | None = None) -> list[Node]:
        """The open nodes below the guarded or the folded part, innermost first.

        Those called ``name`` alone, if it is given.
        """
        nodes = []
        # read once: another thread may ask while this one changes its form
        top, first = self.top, self.folds[:1]
        node = self.below if top is GUARD else first[0].top if first else top
        while node is not NOWHERE:
            if type(node) is Root:
                node = node.under or NOWHERE
            else:
                if name is None or node.site.name == name:
                    nodes.append(node)
                node = node.parent
        return nodes


def refresh(node: Node) -> None:
    """Let the new origin of a tree that is used again come by ``node``."""
    if node.origin is STALE:
        node.origin = node.root.owner


def nodes_above(top: Node, base: Node) -> list[Node]:
    """``top`` and its parents up to ``base``, without it, innermost first."""
    nodes = []
    # any root ends it, `GUARD` too: another thread may ask while the stack changes its form
    while top is not base and not isinstance(top, Root):
        nodes.append(top)
        top = top.parent
    return nodes
