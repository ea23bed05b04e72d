"""What a guarded lane keeps of a span: while it is open, and between suspension and resumption."""

from __future__ import annotations

from .tree import Node, PartSite, Root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any, Final

    from .scope import Scope
    from .sites import Site

__all__ = [
    "GUARD",
    "Activation",
    "Paused",
    "drop_abandoned",
    "forget_wait",
    "ground",
    "is_whole",
]


class _Guard(Root):
    """The top of a guarded lane."""

    __slots__ = ()

    def __init__(self) -> None:
        super().__init__(object(), None, None, None, (), False)


GUARD: Final = _Guard()


class Activation:
    """One open span of a guarded lane; with ``key`` None, a change of context between spans.

    ``node`` is the path that it counts for, None where it counts for none (its start was not
    seen, or there is no room for its path).
    ``place`` is where spans below it hang, ``beneath`` what it runs on.
    ``caller`` is set where recursion is folded.
    ``frame`` is the id of the suspendable frame that a block was entered in, else 0.
    """

    __slots__ = (
        "active_ns",
        "began_ns",
        "beneath",
        "caller",
        "foreign",
        "frame",
        "key",
        "node",
        "origin",
        "place",
        "site",
        "start_ns",
        "suspended_ns",
    )

    def __init__(self, key: Any, site: Site | None, place: Node, origin: Any) -> None:
        self.key = key
        self.site = site
        self.node: Node | None = None
        self.place = place
        self.beneath = ground(place)
        self.origin = origin
        self.caller: Node | None = None
        self.foreign = False
        self.frame = 0
        self.began_ns = 0
        self.start_ns = 0
        self.active_ns = 0
        self.suspended_ns = 0


def is_whole(node: Node, scope: Scope) -> bool:
    """Do all captures of ``scope`` see the spans of ``node``, in the same tree?"""
    return node.root.scope is scope and not (
        type(node.site) is PartSite and node.site.seen_by is not None
    )


def ground(place: Node) -> Node:
    """The node that a span at ``place`` physically runs on, whatever its context."""
    while isinstance(place, Root) and place.under is not None:
        place = place.under
    return place


class Paused:
    """A span between suspension and resumption, off every stack.

    ``closing``: it is resumed only to end, and so counts where it was suspended.
    ``code`` and ``offset`` are of the instruction that suspended its frame, where
    `sys.monitoring` told of it.
    """

    __slots__ = (
        "active_ns",
        "began_ns",
        "closing",
        "code",
        "frame",
        "key",
        "node",
        "offset",
        "paused_ns",
        "site",
        "suspended_ns",
    )

    def __init__(self, key: Any, site: Site, node: Node, active_ns: int, paused_ns: int) -> None:
        self.key = key
        self.site = site
        self.node = node
        self.active_ns = active_ns
        self.paused_ns = paused_ns
        self.suspended_ns = 0
        self.began_ns = paused_ns - active_ns
        self.frame = 0
        self.closing = False
        self.code: CodeType | None = None
        self.offset = 0

    def forget(self, frame_id: int) -> None:
        """It won't go on: where it is one of a sample, that has one less."""
        site = self.site
        whole = site.whole if type(site) is PartSite else site
        if whole.thinned is not None:
            whole.thinned.forget(frame_id)


def forget_wait(paused: list[Paused], now_ns: int) -> None:
    """These spans are being closed: the wait since their suspension counts for nothing."""
    for one in paused:
        one.paused_ns = now_ns
        one.closing = True


def drop_abandoned(suspended: dict[int, list[Paused]], frame_id: int, forget: bool) -> None:
    """End what was suspended in that frame: its generator died without an event.

    With ``forget`` the frame is none of a sample any more; not where one of it has that address.
    """
    # another thread may have done it
    for one in suspended.pop(frame_id, ()):
        one.node.finish(one.active_ns, False)
        if forget:
            one.forget(frame_id)
