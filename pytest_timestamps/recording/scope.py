"""Who gathers: the captures that see a span, and what a context says of its origin.

A `Scope` is a set of captures that are active together; a span is written once, into the
scope's tree, and every capture of the scope reads it from there, however many there are.
An `Origin` is what the context variable holds: it says where the work of this context began.
"""

from __future__ import annotations

from contextvars import ContextVar

from .tree import Node, PartSite, Root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any, Final

    from .capture import Capture
    from .lane import Lane
    from .sites import Site
    from .stack import Stack

__all__ = [
    "ABSENT",
    "ORIGIN",
    "PATHS_LIMIT",
    "STALE",
    "Origin",
    "Scope",
    "ScopeTable",
]

PATHS_LIMIT = 50_000
"""Distinct call paths that one scope keeps; a span on a further one counts for its parent."""

_NO_SECTIONS: Mapping[Capture, str] = {}


class Scope:
    """Captures that are active together, innermost last, and the trees that they share.

    ``hidden`` are captures that must not see this scope's spans although they cover its code.
    ``spent_ns`` is what it took to find the paths of calls that weren't plain.
    """

    __slots__ = (
        "closed",
        "dropped",
        "hidden",
        "members",
        "parts",
        "paths",
        "roots",
        "spent_ns",
        "table",
        "timelines",
    )

    def __init__(self, members: tuple[Capture, ...], hidden: frozenset[Capture]) -> None:
        self.members = members
        self.hidden = hidden
        self.closed = False
        self.roots: list[Root] = []
        self.table: dict[tuple[int, int, bool, bool], Root] = {}
        self.parts: dict[Any, PartSite] = {}
        self.paths = 0
        self.dropped = 0
        self.spent_ns = 0
        self.timelines = tuple([m for m in members if m.wants_timeline])

    def claim_path(self) -> bool:
        """Room for one more distinct path?"""
        if self.paths >= PATHS_LIMIT:
            return False
        self.paths += 1
        return True

    def seen_here(self, site: Site, other: Scope) -> frozenset[Capture] | None:
        """The members that saw a span begin which ``other`` holds as ``site``.

        None where one that saw it, and still waits for it, is no member.
        """
        seen_by = site.seen_by if type(site) is PartSite else None
        if seen_by is None:
            seen_by = frozenset(other.members)
        here = seen_by.intersection(self.members)
        return None if any(member.running for member in seen_by - here) else here

    def part_of(
        self, site: Site, seen_by: frozenset[Capture] | None, onto: tuple[Node, ...]
    ) -> Site:
        """The site for spans of ``site`` that only some members see, or take for recursion."""
        whole = site.whole if type(site) is PartSite else site
        if seen_by is not None and len(seen_by) == len(self.members):
            seen_by = None
        if seen_by is None and not onto:
            return whole
        # a part holds what is known here by its id, so that the id stays its own
        key = (id(whole), seen_by, *map(id, onto))
        part = self.parts.get(key)
        if part is None:
            part = self.parts[key] = PartSite(whole, seen_by, onto)
        return part

    def root_for(
        self,
        origin: Origin,
        under: Node | None,
        lane: Stack,
        flow: Origin | None = None,
        within: bool = False,
    ) -> Root:
        """The root for work of ``origin`` that runs on ``lane``, on top of ``under``.

        ``flow`` is that of the span on top there; ``within`` says that the starting span is known
        to be open there. Keyed by all of these, so that the names open beneath a root are the
        same each time: a fold decided when a path was first seen stays right.
        """
        while isinstance(under, Root):
            # an idle root: it tells nothing about what is open beneath
            under = under.under
        own = under is not None and flow is origin.flow
        key = (id(origin), id(lane if under is None else under), own, within)
        root = self.table.get(key)
        # an id says who it is only while its owner lives, and the root keeps its owner alive
        if root is not None and root.origin is origin:
            return root
        root = lane.kept.take(self, origin) if under is None else None
        if root is None:
            logical = under if own or origin.node is None else origin.node
            sections = tuple([self._section_of(member, origin) for member in self.members])
            root = Root(origin, self, under, logical, sections, logical is not under and not within)
        self.table[key] = root
        self.roots.append(root)
        if under is not None:
            if under.over is None:
                under.over = []
            under.over.append(root)
        return root

    def _section_of(self, member: Capture, origin: Origin) -> str:
        section = origin.section_of(member)
        return member.section_name if section is None else section

    def retire(self, member: Capture) -> None:
        """Let work whose origin doesn't know ``member`` begin at new roots from now on."""
        for root in self.roots:
            if root.origin.section_of(member) is None:
                root.origin = _CLOSED

    def close(self) -> None:
        """No span begins here any more: each thread looks anew for where it belongs."""
        self.closed = True
        for root in self.roots:
            root.origin = _CLOSED


class Origin:
    """Where the work of a context began: an entered capture, or a span that started it.

    ``node`` is the span that started the context's work, None where none did; ``outer`` is the
    origin that an entered capture's context had before. Origins of one ``flow`` follow each other
    in one task or thread; those of one ``mark`` stem from one entering, or one start, of work.
    ``section`` is the one that ``capture`` is in, ``started_in`` those that each capture was in
    where a span started the work.
    An origin is bound to the ``lane`` of the thread that runs its context, None where nothing was
    recorded yet, so that the end of a span finds its lane without asking for the thread, which
    costs three times as much. A context that is copied into another thread is bound anew at its
    first span there, to a twin.
    """

    __slots__ = (
        "base",
        "capture",
        "flow",
        "lane",
        "mark",
        "node",
        "outer",
        "scope",
        "section",
        "sections",
        "started_in",
        "twins",
    )

    def __init__(
        self,
        scope: Scope | None,
        *,
        capture: Capture | None = None,
        outer: Origin | None = None,
        node: Node | None = None,
        section: str = "",
        started_in: Mapping[Capture, str] = _NO_SECTIONS,
        lane: Lane | None = None,
    ) -> None:
        self.scope = scope
        self.capture = capture
        self.outer = outer
        self.node = node
        self.section = section
        self.started_in = started_in
        self.lane = lane
        self.base = self
        self.mark: object = self
        self.flow: Origin = self if outer is None else outer.flow
        self.twins: dict[Lane, Origin] | None = None
        self.sections: dict[str, Origin] | None = None

    def on(self, lane: Lane) -> Origin:
        """This origin, bound to ``lane``."""
        if self.lane is lane:
            return self
        base = self.base
        # most origins have none
        twins = base.twins
        if twins is None:
            twins = base.twins = {}
        twin = twins.get(lane)
        if twin is None:
            twin = Origin(
                self.scope,
                capture=self.capture,
                outer=self.outer,
                node=self.node,
                section=self.section,
                started_in=self.started_in,
                lane=lane,
            )
            twin.base = base
            twin.mark = self.mark
            twin.flow = self.flow
            twins[lane] = twin
        return twin

    def section_of(self, capture: Capture) -> str | None:
        """The section that ``capture`` is in here; None where nothing here knows of it."""
        origin = self
        while origin.outer is not None:
            if origin.capture is capture:
                return origin.section
            origin = origin.outer
        return origin.started_in.get(capture)

    def told_apart(self, capture: Capture, section: str) -> Origin:
        """This origin with ``capture`` in ``section``; itself where that was not entered here."""
        if self.outer is None:
            return self
        if self.capture is not capture:
            return self.within(self.outer.told_apart(capture, section))
        # the same each time, for a capture's tests are many
        sections = self.sections
        if sections is None:
            sections = self.sections = {self.section: self}
        other = sections.get(section)
        if other is None:
            other = sections[section] = self._like(self.outer, section)
            other.sections = sections
        return other

    def within(self, outer: Origin) -> Origin:
        """This origin as if it had been entered in ``outer``; itself where it was."""
        return self if outer is self.outer else self._like(outer, self.section)

    def _like(self, outer: Origin, section: str) -> Origin:
        """Another origin of the same entering."""
        other = Origin(
            self.scope,
            capture=self.capture,
            outer=outer,
            node=self.node,
            section=section,
            lane=self.lane,
        )
        other.mark = self.mark
        return other


ABSENT: Final = Origin(None)
"""The origin of a context that no capture knows."""

_CLOSED: Final = Origin(None)
"""The origin of a root at which nothing begins any more: no context has it."""

STALE: Final = Origin(None)
"""The origin of nodes that an earlier capture has used, and not yet the one that has them now."""

ORIGIN: Final[ContextVar[Origin]] = ContextVar("pytest_timestamps_origin", default=ABSENT)


class ScopeTable:
    """All open scopes, one for each set of captures."""

    def __init__(self) -> None:
        self._scopes: dict[tuple[tuple[Capture, ...], frozenset[Capture]], Scope] = {}

    def scope_of(self, members: tuple[Capture, ...], hidden: frozenset[Capture]) -> Scope:
        """The open scope of exactly these captures; made where there is none."""
        key = (members, hidden)
        scope = self._scopes.get(key)
        if scope is None:
            scope = self._scopes[key] = Scope(members, hidden)
            for member in members:
                member.scopes.append(scope)
        return scope

    def all(self) -> list[Scope]:
        """All open scopes."""
        return list(self._scopes.values())

    def close(self, scopes: Iterable[Scope]) -> None:
        """Close ``scopes``: their captures stopped, or their process is a copy."""
        for scope in scopes:
            scope.close()
            self._scopes.pop((scope.members, scope.hidden), None)
