"""Trees that are used again: a test calls mostly what the tests before it have called.

Making a node takes longer than several plain calls do, and a test has hundreds of them. So a
capture that ``recycles`` leaves its trees to the next such capture, with all figures forgotten.
That one finds the paths of all captures before it, and uses some of them; the others are not in
its figures, and as siblings are taken by name, nobody can tell that they are there.

A tree is kept only if nothing else refers to its nodes any more, but for those that have started
work elsewhere: these are taken out of it. It stays on its lane, and begins again with an origin
that is bound to that lane, in the section that it had. No context that an
earlier capture has left behind finds its place there: until the new origin comes by, the origin
of a node that was used is `STALE`, which no context has.
"""

from __future__ import annotations

from .marks import MARKS
from .scope import STALE, Scope
from .tree import NOWHERE, Root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from .open_spans import OpenSpans
    from .scope import Origin
    from .stack import Stack
    from .tree import Node

__all__ = ["SIZE_LIMIT", "KeptTrees"]

SIZE_LIMIT = 10_000
"""The nodes of the largest tree that is kept; they don't count towards `PATHS_LIMIT` again."""

_NOBODYS = Scope((), frozenset())
_NOBODYS.close()


class KeptTrees:
    """The roots that are to be used again on ``lane``, by section; for its thread alone."""

    def __init__(self, lane: Stack) -> None:
        self._lane = lane
        self._roots: dict[str, Root] = {}
        self._replaced = 0

    def roots(self) -> list[Root]:
        """All that are kept at present."""
        return list(self._roots.values())

    def forget(self) -> None:
        """Keep nothing of what is kept at present."""
        self._roots.clear()

    def take(self, scope: Scope, origin: Origin) -> Root | None:
        """A root for work of ``origin`` in ``scope`` whose tree was used before; None without."""
        if not (self._roots and _may_recycle(scope) and self._is_own(origin, scope)):
            return None
        if MARKS is not None and self._replaced != MARKS.replaced:
            # nodes may have got another name since
            self._roots.clear()
        root = self._roots.pop(origin.section, None)
        if root is not None:
            root.scope = scope
            root.origin = root.owner = origin
        return root

    def keep(self, scope: Scope, used: Iterable[Node], opened: OpenSpans) -> None:
        """Keep what can be kept of ``scope``, whose capture has stopped and has its figures.

        ``used`` are all nodes that have any figures, ``opened`` those that were open.
        """
        lane = self._lane
        if not _may_recycle(scope) or lane.top is not NOWHERE or lane.stack:
            return
        roots = {
            root: None
            for root in scope.roots
            if root.under is None and root.logical is None and root.size <= SIZE_LIMIT
            if self._is_own(root.owner, scope)
        }
        for node in [node for node in used if node.over or (opened and id(node) in opened)]:
            roots.pop(node.root, None)
        for node in used:
            if node.root in roots:
                if node.starting is not None:
                    _cut_off(node)
                node.reset()
                node.origin = STALE
        for root in roots:
            self._keep_root(root)

    def _keep_root(self, root: Root) -> None:
        root.starting = None
        root.scope = _NOBODYS
        root.owner = STALE
        if MARKS is not None:
            self._replaced = MARKS.replaced
        self._roots[root.sections[0]] = root

    def _is_own(self, origin: Origin, scope: Scope) -> bool:
        """Is ``origin`` that of the scope's only capture, started by no span, on this lane?"""
        return (
            origin.lane is self._lane
            and origin.base is origin
            and origin.node is None
            and scope.members == (origin.capture,)
        )


def _cut_off(node: Node) -> None:
    """Take out of its tree a node to which work that it has started refers, and all below it."""
    parent, root = node.parent, node.root
    del parent.children[id(node.key)]
    if parent.recent is node:
        parent.recent = root
    node.parent = gone = Root(STALE, _NOBODYS, None, None, (), False)
    below = [node]
    for one in below:
        one.root = gone
        root.size -= 1
        below += one.children.values()


def _may_recycle(scope: Scope) -> bool:
    """Does the innermost capture of ``scope``, if any, recycle, and are all spans just its own?"""
    members = scope.members
    if not members or not members[-1].recycles:
        return False
    return not (scope.parts or scope.timelines)
