"""Where the work of a span or a capture belongs: what the engine asks of contexts and scopes."""

from __future__ import annotations

from .scope import ABSENT, Origin
from .tree import NOWHERE, Node, Root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .capture import Capture
    from .scope import Scope

__all__ = ["has_all", "marks_of", "only_open", "origin_of_work", "without"]


def origin_of_work(node: Node) -> Origin | None:
    """The origin of work that the span of ``node`` starts; None where nothing gathers."""
    if node is NOWHERE or node.root.scope.closed:
        return None
    if isinstance(node, Root):
        if node.starting is None:
            started_by: Node | None = node
            while isinstance(started_by, Root):
                started_by = started_by.logical
            node.starting = _started_by(started_by, node)
        return node.starting
    node = _first_of_its_name(node)
    if node.starting is None:
        node.starting = _started_by(node, node.root)
    return node.starting


def only_open(one: Scope | None, other: Scope | None) -> Scope | None:
    """The one of both that is open, or both if they are one; None if there are two, or none."""
    if one is not None and one.closed:
        one = None
    if other is None or other.closed or other is one:
        return one
    return other if one is None else None


def has_all(members: Sequence[Capture], wanted: Iterable[Capture]) -> bool:
    """Are all that are wanted among the members?"""
    # asked at the first span of each test, and in each of its phases
    for capture in wanted:  # noqa: SIM110
        if capture not in members:
            return False
    return True


def without(origin: Origin, capture: Capture) -> Origin:
    """``origin`` as if ``capture`` had not been entered; the same where it wasn't."""
    if origin.capture is None:
        return origin
    outer = origin.outer or ABSENT
    if origin.capture is capture:
        return outer
    return origin.within(without(outer, capture))


def _started_by(node: Node | None, root: Root) -> Origin:
    """The origin of work that ``node`` starts, which is below ``root`` where there is one."""
    scope = root.scope
    started_in = dict(zip(scope.members, root.sections, strict=False))
    return Origin(scope, node=node, started_in=started_in)


def marks_of(origin: Origin | None) -> set[int]:
    """The ids of the marks of ``origin`` and all outside it."""
    marks = set()
    while origin is not None:
        marks.add(id(origin.mark))
        origin = origin.outer
    return marks


def _first_of_its_name(node: Node) -> Node:
    """The outermost node of this name from which ``node``'s work descends.

    A task that starts its like again and again would otherwise make an endless call path.
    One that not all the same captures see is another.
    """
    first = node
    seen_by = getattr(node.site, "seen_by", None)
    current: Node | None = node
    while current is not None:
        if isinstance(current, Root):
            current = current.logical
            continue
        same = current.site.name == node.site.name and type(current.site) is type(node.site)
        same = same and getattr(current.site, "seen_by", None) == seen_by
        if same and current.root.scope is node.root.scope:
            first = current
        current = current.parent
    return first
