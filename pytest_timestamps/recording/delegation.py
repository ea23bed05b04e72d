"""Who waits for what an exception is thrown into.

`sys.monitoring` tells of a throw into a chain of awaiting coroutines from the inside out:
CPython throws into the innermost first, and its callers hear of it only when it lets the
exception out or comes to its end. What the innermost does meanwhile, such as cleaning up after a
cancellation, is their time as well: so they are resumed here, ahead of their own events.
"""

from __future__ import annotations

from .tree import Root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator
    from types import CodeType, FrameType
    from typing import Any

    from .engine import Engine
    from .lane import Paused

__all__ = ["SUSPENDABLE", "Delegation", "forget_wait"]

SUSPENDABLE = 0x20 | 0x80 | 0x100 | 0x200
"""Code flags of generators, coroutines, iterable coroutines and asynchronous generators."""

_NO_KEY = object()
"""A key that no span has."""


class Delegation:
    """The suspended spans that were resumed ahead of their own events.

    ``ahead`` holds the ids of their frames. ``closing`` maps the id of a generator that is being
    closed to those that wait for it.
    """

    def __init__(self, engine: Engine, watch: Callable[[CodeType], None]) -> None:
        self._watch = watch
        self._lanes = engine.lanes
        self._spans = engine.spans
        self.ahead: set[int] = set()
        self._closing: dict[int, list[tuple[int, Any]]] = {}

    def resume_before(
        self, frame: FrameType, paused: list[Paused] | None, closed_ns: int | None
    ) -> None:
        """Resume what waits for ``frame``, outermost first.

        ``paused`` are the frame's own spans; ``closed_ns`` says when, if it is being closed.
        """
        waiting = list(self._callers(frame, self._lanes.paused))
        if not waiting and paused and closed_ns is not None:
            waiting = self._by_path(paused)
            if waiting:
                self._closing[id(frame)] = waiting
        for frame_id, _ in reversed(waiting):
            group = self._lanes.paused.pop(frame_id)
            if closed_ns is not None:
                forget_wait(group, closed_ns)
            self._spans.resume(group)
            self.ahead.add(frame_id)
        if waiting:
            # it may be suspended again, and they with it
            self._watch(frame.f_code)

    def pause_after(self, frame: FrameType) -> None:
        """``frame`` was suspended again: so are those that wait for it."""
        self._pause(self._callers(frame, self.ahead))

    def unwound(self, frame_id: int) -> None:
        """A generator that was being closed has ended: who waits for it is told next."""
        self._pause(self._closing.pop(frame_id, ()))

    def _pause(self, waiting: Iterable[tuple[int, Any]]) -> None:
        for frame_id, key in list(waiting):
            self.ahead.discard(frame_id)
            group = self._spans.pause(key, frame_id)
            if group:
                self._lanes.paused[frame_id] = group

    def _callers(
        self, frame: FrameType, wanted: Container[int]
    ) -> Iterator[tuple[int, Any]]:
        """Those in ``wanted`` among the frames that may wait for ``frame``, innermost first."""
        caller = frame.f_back
        while caller is not None and caller.f_code.co_flags & SUSPENDABLE:
            if id(caller) in wanted:
                yield id(caller), caller.f_code
            caller = caller.f_back

    def _by_path(self, paused: list[Paused]) -> list[tuple[int, Any]]:
        """The suspended spans above ``paused`` in the call tree, innermost first.

        `close` doesn't link the frames of those that wait (it does on a throw); spans of one
        path are interchangeable here.
        """
        found: list[tuple[int, Any]] = []
        node = paused[-1].node.parent
        while type(node) is not Root:
            if self._lanes.here().place() is node:
                break
            for frame_id, group in list(self._lanes.paused.items()):
                if group[0].node is node:
                    site_is_block = group[-1].site.kind == "block"
                    found.append((frame_id, _NO_KEY if site_is_block else group[-1].key))
                    node = group[-1].node
                    break
            else:
                break
            node = node.parent
        return found


def forget_wait(paused: list[Paused], now_ns: int) -> None:
    """Count no time between these spans' suspension and ``now_ns``."""
    for one in paused:
        one.paused_ns = now_ns


