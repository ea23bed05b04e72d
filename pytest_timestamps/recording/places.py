"""Which row of a table of call paths a node's spans belong to, as one capture sees them."""

from __future__ import annotations

from .tree import Node, PartSite, Root, is_seen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .capture import Capture
    from .paths import PathTable

__all__ = ["Places", "seen_above"]


class Places:
    """The places of nodes in ``table``: the row, and whether their total time counts there."""

    def __init__(self, table: PathTable, capture: Capture) -> None:
        self._table = table
        self._capture = capture
        self._known: dict[int, tuple[int, bool]] = {}

    def locate(self, node: Node) -> tuple[int, bool]:
        """The place of ``node``: the path of names up to the first that the capture can't see."""
        known = self._known
        parent = known.get(id(node.parent))
        if parent is not None and type(node.site) is not PartSite:
            place = known[id(node)] = self._below(parent[0], node, None)
            return place
        chain: list[tuple[Node, Root | None]] = []
        current: Node | None = node
        while current is not None and id(current) not in self._known:
            outer = _recursion_of(current, self._capture)
            if outer is not None:
                self._known[id(current)] = (self.locate(outer)[0], False)
                break
            above, root = seen_above(current, self._capture)
            chain.append((current, root))
            current = above
        place = self._known[id(current)] if current is not None else (-1, True)
        for one, root in reversed(chain):
            place = self._below(place[0], one, root)
            self._known[id(one)] = place
        return place

    def _below(self, row: int, node: Node, root: Root | None) -> tuple[int, bool]:
        """The place of ``node`` under ``row``, with ``root`` in between where one is."""
        section, detached = "", False
        if root is not None:
            detached = root.detached and row >= 0 and not self._is_beneath(root, row)
            section = root.section_of(self._capture) if row < 0 else ""
        place = self._table.locate(row, section, detached, node.site.name)
        if place[0] > row:
            return place
        # recursion: its time is in that row already, unless all of that has ended
        return place[0], not self._is_beneath(node.parent, place[0])

    def _is_beneath(self, under: Node | None, row: int) -> bool:
        """Is a span of ``row`` open on the stack whose top is ``under``?"""
        while under is not None:
            if isinstance(under, Root):
                started_within = not under.detached and under.logical is not under.under
                seen = under.logical if started_within else None
                above = under.under
            else:
                seen, above = under, under.parent
            if (
                seen is not None
                and self._capture in seen.root.scope.members
                and is_seen(seen, self._capture)
                and self.locate(seen)[0] == row
            ):
                return True
            under = above
        return False


def _recursion_of(node: Node, capture: Capture) -> Node | None:
    """The open node that the spans of ``node`` were recursions of, as ``capture`` sees it."""
    if type(node.site) is PartSite:
        for outer in node.site.onto:
            if capture in outer.root.scope.members and is_seen(outer, capture):
                return outer
    return None


def seen_above(node: Node, capture: Capture) -> tuple[Node | None, Root | None]:
    """The node above ``node`` that ``capture`` sees, and the first root between them."""
    first = None
    parent: Node | None = node.parent
    while parent is not None:
        if isinstance(parent, Root):
            first = first or parent
            parent = parent.logical
        elif capture not in parent.root.scope.members:
            return None, first
        elif is_seen(parent, capture):
            break
        else:
            parent = parent.parent
    return parent, first
