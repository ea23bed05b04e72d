"""From live trees to a table of call paths."""

from __future__ import annotations

from .layout import NOBODY, Layout, nodes_below
from .places import Places, seen_above
from .pricing import Pricing
from .rows import PathColumns, path_rows
from .tree import NO_MINIMUM, Node, PartSite, Root, is_seen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from .capture import Capture
    from .open_spans import OpenSpans
    from .overhead import SpanCosts
    from .paths import PathTable
    from .results import PathStats
    from .rows import Rows
    from .scope import Scope

__all__ = ["add_scopes", "idle", "settle_over"]


def add_scopes(
    table: PathTable,
    capture: Capture,
    scopes: Iterable[Scope],
    opened: OpenSpans,
    costs: SpanCosts,
) -> tuple[float, list[Node]]:
    """Add what ``scopes`` recorded to ``table``, as ``capture`` sees it.

    A node's place is the path of names up to the first node that ``capture`` doesn't see.
    Returns what recording it cost, and the nodes that it is from.
    """
    scopes = list(scopes)
    roots = [root for scope in scopes for root in list(scope.roots)]
    if not roots:
        return 0.0, []
    layout = Layout(roots, capture.recycles, opened)
    pricing = Pricing(layout, opened, costs)
    if capture.recycles and not table and _are_plain(scopes, capture, roots, layout):
        rows = _rows(layout, capture, pricing)
        if rows is not None:
            table.give(rows)
            return sum(pricing.overhead_ns), layout.nodes
    return _add_one_by_one(table, capture, roots, layout, pricing), layout.nodes


def _are_plain(scopes: list[Scope], capture: Capture, roots: list[Root], layout: Layout) -> bool:
    """Are these trees the call tree itself, with a section for each root?"""
    return (
        len(layout.ranges) == len(roots)
        and len(roots) == len({root.section_of(capture) for root in roots})
        # generators are dearer than lists
        and not [root for root in roots if root.under is not None or root.logical is not None]
        and not [scope for scope in scopes if scope.parts]
    )


def _rows(layout: Layout, capture: Capture, pricing: Pricing) -> Rows[PathStats] | None:
    """A row for each node of trees that are plain; None where siblings have the same name."""
    above, names = tuple(layout.above), tuple([node.site.name for node in layout.nodes])
    if layout.has_namesakes and len(set(zip(above, names, strict=True))) < len(names):
        return None
    sections = [""] * len(names)
    for i, position in enumerate(above):
        if position == NOBODY:
            sections[i] = layout.nodes[i].root.section_of(capture)
    min_ns = pricing.min_ns
    if NO_MINIMUM in min_ns:
        pricing.min_ns = [0 if one_ns == NO_MINIMUM else one_ns for one_ns in min_ns]
    detached = (False,) * len(names)
    figures = map(tuple, pricing.columns())
    return path_rows(PathColumns(above, names, tuple(sections), detached, *figures))


def _add_one_by_one(
    table: PathTable, capture: Capture, roots: list[Root], layout: Layout, pricing: Pricing
) -> float:
    places = Places(table, capture)
    rows = list(zip(*pricing.columns(), strict=True))
    overhead_ns = 0.0
    for root in roots:
        for i in layout.ranges[id(root)]:
            node, figures = layout.nodes[i], rows[i]
            overhead_ns += pricing.overhead_ns[i]
            if type(node.site) is PartSite and not is_seen(node, capture):
                above, _ = seen_above(node, capture)
                if above is None:
                    continue
                node, figures = above, (0, 0, 0, 0, figures[4], NO_MINIMUM, 0, 0, 0, 0)
            table.add(places.locate(node), figures)
    return overhead_ns


def idle(scope: Scope, opened: OpenSpans) -> bool:
    """Whether nothing is open in ``scope``."""
    return not opened or not any(id(n) in opened for r in scope.roots for n in nodes_below(r))


def settle_over(scope: Scope, costs: SpanCosts) -> None:
    """Book what ran on top of other scopes' nodes into those nodes; ``scope`` is about to go."""
    over = [root for root in scope.roots if root.under is not None]
    if not over:
        return
    layout = Layout(scope.roots)
    pricing = Pricing(layout, {}, costs)
    for root in over:
        under = root.under
        if under is None or under.over is None:
            continue
        for i in layout.ranges[id(root)]:
            if layout.nodes[i].parent is root:
                under.debit_ns += pricing.active_ns[i] + round(pricing.outer_ns[i])
                under.settled_ns += pricing.full_ns[i]
        under.over.remove(root)
