"""Who waits for what an exception is thrown into.

`sys.monitoring` tells of a throw into a chain of awaiting coroutines from the inside out:
CPython throws into the innermost first, and its callers hear of it only when it lets the
exception out or comes to its end. What the innermost does meanwhile, such as cleaning up after a
cancellation, is their time as well: so they are resumed here, ahead of their own events.
"""

from __future__ import annotations

from .activation import forget_wait
from .sites import NO_KEY, SUSPENDABLE, Site
from .tree import Root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType
    from typing import Any

    from .activation import Paused
    from .engine import Engine
    from .marks import Mark

    _Waiting = tuple[int, Any]
    """The id of a frame and the key of its span."""

__all__ = ["Delegation"]

_GENERATOR = 0x20
"""The code flag of a generator (see `inspect`)."""


class Delegation:
    """The suspended spans that were resumed ahead of their own events.

    ``ahead`` holds the ids of their frames, ``_beyond`` those that wait for a frame without
    being linked to it, by the id of that frame.
    """

    def __init__(
        self, engine: Engine, marks: dict[int, Mark], watch: Callable[[CodeType], None]
    ) -> None:
        self._lanes = engine.lanes
        self._spans = engine.spans
        self._marks = marks
        self._watch = watch
        self.ahead: set[int] = set()
        self._beyond: dict[int, list[_Waiting]] = {}

    def resume_before(
        self, frame: FrameType, paused: list[Paused] | None, closed_ns: int | None
    ) -> None:
        """Resume what waits for ``frame``, outermost first.

        ``paused`` are the frame's own spans; ``closed_ns`` says when, if it is being closed.
        """
        suspended = self._lanes.paused
        callers = _callers(frame)
        linked = [(id(c), c.f_code) for c in callers if id(c) in suspended]
        if linked or any(id(c) in self.ahead for c in callers):
            # it may be suspended again, and they with it
            self._watch(frame.f_code)
        outermost = linked[-1][0] if linked else id(frame)
        group = suspended[outermost] if linked else paused
        # what throws into a generator links it to whoever delegates to it
        sure = closed_ns is None and all(_is_generator(one.f_code) for one in (frame, *callers))
        beyond = self._above(group) if group and not sure else []
        if beyond:
            self._beyond[outermost] = beyond
        for frame_id, _ in (*reversed(beyond), *reversed(linked)):
            group = suspended.pop(frame_id)
            if closed_ns is not None:
                forget_wait(group, closed_ns)
            self._spans.resume(group)
            self.ahead.add(frame_id)

    def resume_unseen(self, code: CodeType, frame: FrameType) -> None:
        """``frame`` goes on without a suspended span: it was resumed ahead, or began unrecorded."""
        if id(frame) in self.ahead:
            self.ahead.discard(id(frame))
            return
        mark = self._marks.get(id(code))
        if isinstance(mark, Site) and mark.thinned is None:
            self._lanes.here().open_unseen(code)

    def pause_after(self, frame: FrameType) -> None:
        """``frame`` was suspended again: so are those that wait for it."""
        for caller in _callers(frame):
            if id(caller) in self.ahead:
                self._pause([(id(caller), caller.f_code)])
            elif id(caller.f_code) in self._marks:
                return  # it is suspended next, and tells so itself
        self.unwound(id(frame))

    def unwound(self, frame_id: int) -> None:
        """What was thrown into has ended: who waits for it, unlinked, is told next."""
        self._pause(self._beyond.pop(frame_id, []))

    def _pause(self, waiting: list[_Waiting]) -> None:
        for frame_id, key in waiting:
            if frame_id not in self.ahead:
                continue
            self.ahead.discard(frame_id)
            group = self._spans.pause(key, frame_id)
            if group:
                self._lanes.paused[frame_id] = group
            self._pause(self._beyond.pop(frame_id, []))

    def _above(self, paused: list[Paused]) -> list[_Waiting]:
        """Those that wait for ``paused`` by their place in the call tree, innermost first.

        Neither `close` nor an asynchronous generator links the frames of those that wait; which
        of several spans of one path it is makes no difference. One that has only driven a
        generator, and then yielded itself, waits for nothing.
        """
        found: list[_Waiting] = []
        opened = {id(span[0]) for span in self._lanes.here().open_spans(0)}
        node = paused[-1].node.parent
        while type(node) is not Root and id(node) not in opened:
            for frame_id, group in list(self._lanes.paused.items()):
                if group[0].node is node and _waits(group):
                    is_block = group[-1].site.kind == "block"
                    found.append((frame_id, NO_KEY if is_block else group[-1].key))
                    node = group[-1].node.parent
                    break
            else:
                break
        return found


def _waits(paused: list[Paused]) -> bool:
    """Was the frame of ``paused`` suspended by what it awaits or delegates to?

    The instruction after each suspension tells, by its lowest two bits: 1 after a plain yield.
    """
    code, offset = paused[-1].code, paused[-1].offset
    if code is None:
        return True
    return code.co_code[offset + 3] & 3 != 1


def _is_generator(code: CodeType) -> bool:
    return code.co_flags & SUSPENDABLE == _GENERATOR


def _callers(frame: FrameType) -> list[FrameType]:
    """The frames that may wait for ``frame``, innermost first."""
    callers = []
    caller = frame.f_back
    while caller is not None and caller.f_code.co_flags & SUSPENDABLE:
        callers.append(caller)
        caller = caller.f_back
    return callers
