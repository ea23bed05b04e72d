"""Trees laid out flat at one moment, so that a single pass adds up what lies beneath each node."""

from __future__ import annotations

from operator import attrgetter

from .tree import NEVER_NS, Node, Root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

__all__ = ["NOBODY", "Layout", "nodes_below"]

NOBODY = -1
"""The position above nodes that ran on nothing which is laid out: in a list of sums that has one
place more than there are nodes it is that one, so that adding up asks for no exceptions.
"""

_NAME = attrgetter("site.name")


class Layout:
    """All nodes below ``roots`` and below what ran on top of them, parents first.

    ``above`` has for each of ``nodes`` the position of the node that it ran on: of its caller,
    or of what its root ran on top of; `NOBODY` where that isn't laid out.
    ``ranges`` has for each root, by its id, where its nodes are; ``has_namesakes`` says whether
    siblings may have the same name.
    With ``in_order`` only nodes that were used, or are ``opened``, are laid out, and siblings by
    their names: in a tree that is used again, all others are of earlier captures.
    """

    __slots__ = ("above", "has_namesakes", "nodes", "ranges")

    def __init__(
        self,
        roots: Iterable[Root],
        in_order: bool = False,
        opened: Collection[int] = (),
    ) -> None:
        self.nodes: list[Node] = []
        self.above: list[int] = []
        self.ranges: dict[int, range] = {}
        self.has_namesakes = False
        trees = _find_trees(roots, in_order, opened)
        if len(trees) > 1:
            # a root is younger than the node that it runs on
            trees.sort(key=lambda tree: tree.root.serial)
        positions: dict[int, int] = {}
        on_top = len(trees) > 1 and bool([tree for tree in trees if tree.root.under is not None])
        for tree in trees:
            self._append(tree, positions.get(id(tree.root.under), NOBODY) if on_top else NOBODY)
            if on_top:
                positions.update((id(self.nodes[i]), i) for i in self.ranges[id(tree.root)])

    def _append(self, tree: _Tree, base: int) -> None:
        start = len(self.nodes)
        self.ranges[id(tree.root)] = range(start, start + len(tree.nodes))
        self.nodes += tree.nodes
        self.has_namesakes = self.has_namesakes or tree.root.has_namesakes
        if start or base != NOBODY:
            self.above += [base if above < 0 else above + start for above in tree.above]
        else:
            self.above = tree.above


class _Tree:
    """The nodes below one root, with the positions of their parents, and what ran on top."""

    __slots__ = ("above", "nodes", "on_top", "root")

    def __init__(self, root: Root, in_order: bool = False, opened: Collection[int] = ()) -> None:
        self.root = root
        self.nodes = nodes = _below(root, in_order, opened)
        self.above = above = [NOBODY] * len(nodes)
        self.on_top: list[Root] = []
        # the list grows while it is gone through
        for position, node in enumerate(nodes):
            if node.children:
                children = _below(node, in_order, opened)
                nodes += children
                above += [position] * len(children)
            if node.over:
                self.on_top += node.over


def _find_trees(roots: Iterable[Root], in_order: bool, opened: Collection[int]) -> list[_Tree]:
    """The trees of ``roots``, and of those that ran on top of their nodes."""
    wanted = list(roots)
    known = {id(root) for root in wanted}
    trees = []
    for root in wanted:
        tree = _Tree(root, in_order, opened)
        trees.append(tree)
        for other in tree.on_top:
            if id(other) not in known:
                known.add(id(other))
                wanted.append(other)
    return trees


def _below(node: Node, in_order: bool, opened: Collection[int]) -> list[Node]:
    """A node's children; ``in_order`` those that were used, or whose ids are in ``opened``."""
    children = list(node.children.values())
    if not in_order:
        return children
    # written out: it is done for each path of each test
    used = [
        child
        for child in children
        if child.start_ns != NEVER_NS
        or child.slow
        or child.counted
        or child.calls
        or (opened and id(child) in opened)
    ]
    if len(used) > 1:
        used.sort(key=_NAME)
    return used


def nodes_below(root: Root) -> list[Node]:
    """All nodes below ``root``, parents first."""
    return _Tree(root).nodes
