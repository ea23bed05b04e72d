"""The live call tree: what recording writes while a program runs.

A node is a call path and, while a span runs on it, that span's place on its thread's stack as
well: a plain call moves a pointer and adds to integers, and allocates nothing.
That works because no name is open twice on one stack: `lane` sends recursion another way.
"""

from __future__ import annotations

from itertools import count

from .sites import Site

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

    from .activation import Paused
    from .capture import Capture
    from .scope import Origin, Scope

__all__ = [
    "NEVER_NS",
    "NOWHERE",
    "NO_MINIMUM",
    "SHUT",
    "THIN",
    "Latch",
    "Node",
    "PartSite",
    "Root",
    "is_seen",
]

NO_MINIMUM: Final = 1 << 61
"""Larger than any duration: the minimum of no spans."""

NEVER_NS: Final = -1
"""The start of a node on which no span has started plainly."""

_NO_CHILDREN: Final[dict[int, Node]] = {}
"""Shared by all leaves, never written: most nodes are leaves."""


class PartSite(Site):
    """The site of spans that are not the same to all captures that gather them.

    ``seen_by`` count them, None where all do; for the others they began too early, and their time
    belongs to whoever resumed them. A capture that sees one of ``onto``, nodes of the same name
    that are open beneath, takes them for recursion.
    """

    __slots__ = ("onto", "seen_by", "whole")

    def __init__(
        self, whole: Site, seen_by: frozenset[Capture] | None, onto: tuple[Node, ...]
    ) -> None:
        super().__init__(whole.name, whole.kind)
        self.whole = whole
        self.seen_by = seen_by
        self.onto = onto


SHUT: Final = object()
"""The key of a latch whose name is open below a recursive call: it is no code's."""


THIN: Final = object()
"""The key of a latch whose nodes' calls are counted and, but for a few, not timed."""


class Latch:
    """What opens and closes the nodes of one name and ``own`` key below one root.

    ``key`` is that key, or `SHUT` where none of them may be opened plainly; `THIN` is the
    ``usual`` one where most calls are only counted. ``namesakes`` are the latches of that name,
    itself included: functions can share one.
    """

    __slots__ = ("key", "namesakes", "own", "usual")

    def __init__(self, key: Any, usual: Any, namesakes: list[Latch]) -> None:
        self.own = key
        self.key = self.usual = usual
        self.namesakes = namesakes

    def use(self, key: Any) -> None:
        """Have calls be as `THIN` says from now on, or with the ``own`` key as before."""
        self.usual = key
        if self.key is not SHUT:
            self.key = key


_ROOT_LATCH = Latch(None, None, [])
_ROOT_SITE = Site("", "root")
_SERIALS = count()


class Node:
    """One call path below one root.

    ``key`` is what closes the span: the code object or the `Site`, compared by identity;
    ``latch`` has it too, while the node may be opened and closed plainly.
    ``children`` maps ``id(key)`` to a child, or its site's id where that is a `PartSite`; the
    child keeps both alive, so the id holds.
    ``origin`` is its root's; in a tree that is used again it may be `STALE`, until the root's new
    one comes by here.
    ``start_ns`` is the start of the running or latest span, moved later by what it spent suspended.
    ``credit_ns`` and ``debit_ns`` move folded recursion from the caller's self time to the
    called name's; ``folded_in`` and ``folded_out`` count those calls on a guarded lane,
    ``plain_folds_in`` and ``plain_folds_out`` on a folded one; of these, ``resumed_folds_in`` and
    ``resumed_folds_out`` began with a resumption.
    ``settled_ns`` is what recording cost on top of it in scopes that are gone.
    ``recent`` is the child that was opened last, tried before ``children``: it saves a third of
    finding it. ``misses`` counts where it was another one.
    ``over`` lists the roots that ran on top of this node on the same stack.
    ``parked`` is what its span was kept in while it was last suspended, for the next time.
    ``frame`` is the id of the suspendable frame in which the running block was entered, else 0.
    ``counted`` calls were not timed; the next to be timed is the one that is ``due``, 0 where that
    isn't settled yet. ``sampled`` counts those that were timed among them.
    """

    __slots__ = (
        "calls",
        "children",
        "counted",
        "credit_ns",
        "debit_ns",
        "due",
        "errors",
        "folded_in",
        "folded_out",
        "frame",
        "key",
        "latch",
        "max_ns",
        "min_ns",
        "misses",
        "origin",
        "over",
        "parent",
        "parked",
        "plain_folds_in",
        "plain_folds_out",
        "recent",
        "resumed_folds_in",
        "resumed_folds_out",
        "resumes",
        "root",
        "sampled",
        "settled_ns",
        "site",
        "slow",
        "start_ns",
        "starting",
        "suspended_ns",
        "total_ns",
    )

    def __init__(
        self, key: Any, site: Site, parent: Node, root: Root, origin: Any, latch: Latch
    ) -> None:
        self.key = key
        self.latch = latch
        self.site = site
        self.parent = parent
        self.root = root
        self.origin = origin
        self.children = _NO_CHILDREN
        # a root's key is no call's
        self.recent: Node = root
        self.frame = 0
        self.due = 0
        self.counted = 0
        self.over: list[Root] | None = None
        self.starting: Origin | None = None
        self.parked: list[Paused] | None = None
        self.reset()

    def reset(self) -> None:
        """Forget all figures; which counted call is to be timed next stays settled."""
        if self.due:
            self.due -= self.counted
        self.counted = 0
        self.sampled = 0
        self.misses = 0
        self.start_ns = NEVER_NS
        self.calls = 0
        self.errors = 0
        self.total_ns = 0
        self.min_ns = NO_MINIMUM
        self.max_ns = 0
        self.suspended_ns = 0
        self.resumes = 0
        self.slow = 0
        self.folded_in = 0
        self.folded_out = 0
        self.plain_folds_in = 0
        self.plain_folds_out = 0
        self.resumed_folds_in = 0
        self.resumed_folds_out = 0
        self.credit_ns = 0
        self.debit_ns = 0
        self.settled_ns = 0.0

    @property
    def was_used(self) -> bool:
        """Has any span been opened or counted here since the last `reset`?"""
        return self.start_ns != NEVER_NS or self.slow > 0 or self.counted > 0 or self.calls > 0

    def exempt(self, spent_ns: int) -> None:
        """Take what recording spent on a call that is made here out of all that is going on."""
        node = self
        while isinstance(node, Root) and node.under is not None:
            node = node.under
        node.debit_ns += spent_ns
        node.settled_ns += spent_ns
        self.root.scope.spent_ns += spent_ns

    def add(self, key: Any, site: Site) -> Node | None:
        """The new child for ``key``, or None where the scope has no room for more paths."""
        root = self.root
        if not root.scope.claim_path():
            return None
        root.size += 1
        child = Node(key, site, self, root, root.origin, root.latch_for(key, site))
        if self.children is _NO_CHILDREN:
            self.children = {}
        self.children[id(site if type(site) is PartSite else key)] = child
        return child

    def child(self, key: Any, site: Site) -> Node | None:
        """The child for ``key``; None where there is none yet."""
        return self.children.get(id(site if type(site) is PartSite else key))

    def finish(self, active_ns: int, failed: bool) -> None:
        """Count a finished span that was active for ``active_ns`` in all."""
        self.calls += 1
        if failed:
            self.errors += 1
        if active_ns < self.min_ns:
            self.min_ns = active_ns
        if active_ns > self.max_ns:
            self.max_ns = active_ns


def is_seen(node: Node, capture: Capture) -> bool:
    """Does ``capture``, which gathers in the node's scope, count the node's spans?"""
    site = node.site
    return type(site) is not PartSite or site.seen_by is None or capture in site.seen_by


class Root(Node):
    """Where spans of one origin begin on one stack.

    ``under`` is the node that it physically runs on top of (None at a thread's bottom),
    ``logical`` the node whose child its spans are in the call tree.
    ``origin`` is what a context needs for its spans to begin here, ``owner`` the same still
    where none may begin any more.
    ``sections`` has for each member of the scope the section that it is in here.
    ``serial`` orders roots by age: a root is younger than what it runs on.
    ``latches`` are those of all nodes below it, by name, ``has_namesakes`` says whether a name has
    several; ``size`` is how many nodes there are.
    """

    __slots__ = (
        "detached",
        "has_namesakes",
        "latches",
        "logical",
        "owner",
        "scope",
        "sections",
        "serial",
        "size",
        "under",
    )

    def __init__(
        self,
        origin: Any,
        scope: Scope | None,
        under: Node | None,
        logical: Node | None,
        sections: tuple[str, ...],
        detached: bool,
    ) -> None:
        self.owner = origin
        if scope is not None:
            self.scope = scope
        self.under = under
        self.logical = logical
        self.sections = sections
        self.detached = detached
        self.serial = next(_SERIALS)
        self.size = 0
        self.has_namesakes = False
        self.latches: dict[str, list[Latch]] = {}
        super().__init__(None, _ROOT_SITE, self, self, origin, _ROOT_LATCH)

    def section_of(self, capture: Capture) -> str:
        """The section that ``capture`` is in here; empty where it is no member of the scope.

        As where another thread asks while the tree is left to the next capture.
        """
        members = self.scope.members
        return self.sections[members.index(capture)] if capture in members else ""

    def latch_for(self, key: Any, site: Site) -> Latch:
        """The latch of the nodes of this key and the site's name; made where there is none."""
        namesakes = self.latches.setdefault(site.name, [])
        for latch in namesakes:
            if latch.own is key:
                return latch
        whole = site.whole if type(site) is PartSite else site
        latch = Latch(key, key if whole.thinned is None else THIN, namesakes)
        self.has_namesakes = self.has_namesakes or bool(namesakes)
        namesakes.append(latch)
        return latch


class _Nowhere(Root):
    """The top of a stack on which nothing is recorded: it matches no context and no code."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(object(), None, None, None, (), False)


NOWHERE: Final[Node] = _Nowhere()
