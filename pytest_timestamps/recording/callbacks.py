"""What `sys.monitoring` calls: each event into one operation on spans.

The callbacks for start and return repeat the plain path of `spans` instead of calling it: a call
saved on each is a fifth of their cost. None of them lets an exception of its own out, since it
would rise in the program that is being observed.
"""

from __future__ import annotations

import sys
from _thread import get_ident

from .lane import Paused
from .scope import ORIGIN
from .tree import NOWHERE, Site

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType, FrameType
    from typing import Any

    from .engine import Engine
    from .starters import Starter

    Marks = dict[int, Site | Starter | None]

__all__ = ["SUSPENDABLE", "build_callbacks"]

SUSPENDABLE = 0x20 | 0x80 | 0x100 | 0x200
"""Code flags of generators, coroutines, iterable coroutines and asynchronous generators."""


def build_callbacks(
    engine: Engine, marks: Marks, watch: Callable[[CodeType], None]
) -> dict[str, Callable[..., Any]]:
    """A callback for each event name, over the engine's lanes and the marked codes.

    ``watch`` makes a code's suspensions heard.
    """
    on_return, on_unwind = _build_ends(engine, marks)
    thrown = _Thrown()
    on_resume, on_throw = _build_resumptions(engine, marks, thrown, watch)
    return {
        "PY_START": _build_start(engine, marks),
        "PY_RETURN": on_return,
        "PY_UNWIND": on_unwind,
        "PY_YIELD": _build_suspension(engine, marks, thrown),
        "PY_RESUME": on_resume,
        "PY_THROW": on_throw,
    }


def _build_start(engine: Engine, marks: Marks) -> Callable[..., None]:
    here = engine.lanes.here
    clock = engine.clock
    getframe = sys._getframe
    origin_here = ORIGIN.get
    thread_here = get_ident

    def on_start(code: CodeType, offset: int) -> None:
        try:
            origin = origin_here()
            lane: Any = origin.lane
            top = lane.top
            if top.origin is origin and lane.thread == thread_here():
                child = top.recent
                if child.key is not code:
                    child = top.children.get(id(code), NOWHERE)
                    top.recent = child
                if child is not NOWHERE:
                    lane.top = child
                    child.start_ns = clock()
                    return
            mark = marks.get(id(code))
            if isinstance(mark, Site):
                here().open(code, mark)
            elif mark is not None:
                mark.begin(getframe(1).f_locals)
        except Exception:
            engine.faults += 1

    return on_start


def _build_ends(engine: Engine, marks: Marks) -> tuple[Callable[..., None], Callable[..., None]]:
    here = engine.lanes.here
    clock = engine.clock
    origin_here = ORIGIN.get

    def on_return(code: CodeType, offset: int, value: object) -> None:
        try:
            now_ns = clock()
            lane: Any = origin_here().lane
            node = lane.top
            if node.key is not code:
                end_slowly(code, now_ns, False)
                return
            active_ns = now_ns - node.start_ns
            node.calls += 1
            node.total_ns += active_ns
            if active_ns < node.min_ns:
                node.min_ns = active_ns
            if active_ns > node.max_ns:
                node.max_ns = active_ns
            lane.top = node.parent
        except Exception:
            engine.faults += 1

    def on_unwind(code: CodeType, offset: int, error: BaseException) -> None:
        if id(code) not in marks:
            return
        try:
            # a generator that is closed ends by GeneratorExit, which is no failure
            closed = code.co_flags & SUSPENDABLE and isinstance(error, GeneratorExit)
            end_slowly(code, clock(), not closed)
        except Exception:
            engine.faults += 1

    def end_slowly(code: CodeType, now_ns: int, failed: bool) -> None:
        mark = marks.get(id(code))
        if isinstance(mark, Site):
            here().close(code, now_ns, failed)
        elif mark is not None:
            mark.end()

    return on_return, on_unwind


class _Thrown:
    """Frames that are resumed already, although their own event is still to come.

    What is thrown into a generator or a coroutine reaches the innermost one that it delegates to
    first; those outside it go on only when that one has ended, and would miss its time.
    ``outside`` maps a frame to the next one outwards, ``inside`` the other way; both by id.
    """

    __slots__ = ("inside", "outside")

    def __init__(self) -> None:
        self.inside: dict[int, int] = {}
        self.outside: dict[int, tuple[int, CodeType]] = {}

    def link(self, inner: int, outer: int, code: CodeType) -> None:
        """``outer``, of ``code``, delegates to ``inner`` and was resumed with it."""
        self.outside[inner] = outer, code
        self.inside[outer] = inner

    def arrives_at(self, outer: int) -> bool:
        """``outer``'s own event has come; was it resumed before?"""
        inner = self.inside.pop(outer, None)
        return inner is not None and self.outside.pop(inner, None) is not None


def _delegating(frame: FrameType | None, suspended: dict[int, Any]) -> list[FrameType]:
    """The suspended frames that delegate to ``frame``, innermost first."""
    found = []
    frame = frame and frame.f_back
    while frame is not None and frame.f_code.co_flags & SUSPENDABLE:
        if id(frame) in suspended:
            found.append(frame)
        frame = frame.f_back
    return found


def _build_suspension(engine: Engine, marks: Marks, thrown: _Thrown) -> Callable[..., Any]:
    suspended = engine.lanes.paused
    getframe = sys._getframe
    pause = engine.spans.pause
    outside = thrown.outside

    def on_yield(code: CodeType, offset: int, value: object) -> None:
        try:
            frame_id = id(getframe(1))
            paused = pause(code, frame_id)
            if outside:
                pause_outside(frame_id)
            if paused:
                # of a generator that died without an event, and whose address is used again
                for one in suspended.get(frame_id, ()):
                    one.node.finish(one.active_ns, False)
                suspended[frame_id] = paused
                return
            mark = marks.get(id(code))
            if mark is not None and not isinstance(mark, Site):
                mark.end()
        except Exception:
            engine.faults += 1

    def pause_outside(frame_id: int) -> None:
        following = outside.get(frame_id)
        while following is not None:
            outer, code = following
            thrown.arrives_at(outer)
            paused = pause(code, outer)
            if paused:
                suspended[outer] = paused
            following = outside.get(outer)

    return on_yield


def _build_resumptions(
    engine: Engine, marks: Marks, thrown: _Thrown, watch: Callable[[CodeType], None]
) -> tuple[Callable[..., None], Callable[..., None]]:
    here = engine.lanes.here
    suspended = engine.lanes.paused
    clock = engine.clock
    getframe = sys._getframe
    origin_here = ORIGIN.get
    resume = engine.spans.resume

    def on_resume(code: CodeType, offset: int) -> None:
        try:
            paused = suspended.pop(id(getframe(1)), None)
            if paused is None:
                resume_unseen(code, getframe(1))
                return
            origin = origin_here()
            lane: Any = origin.lane
            one = paused[0]
            node = one.node
            if (
                node.parent is lane.top
                and node.key is code
                and node.origin is origin
                and len(paused) == 1
                and not one.frame
                and lane.thread == get_ident()
            ):
                lane.top = node
                node.resumes += 1
                now_ns = clock()
                node.suspended_ns += now_ns - one.paused_ns
                node.total_ns -= one.active_ns
                node.start_ns = now_ns - one.active_ns
                return
            resume(paused)
        except Exception:
            engine.faults += 1

    def on_throw(code: CodeType, offset: int, error: BaseException) -> None:
        if not suspended and id(code) not in marks:
            return
        try:
            frame = getframe(1)
            paused = suspended.pop(id(frame), None)
            if paused is None and thrown.inside and thrown.arrives_at(id(frame)):
                return
            if isinstance(error, GeneratorExit):
                # being closed is no resumption: Python 3.13 does it without telling
                forget_wait(paused or [], clock())
            else:
                resume_outside(frame)
            if paused is not None:
                resume(paused)
            elif isinstance(marks.get(id(code)), Site):
                here().open_unseen(code)
        except Exception:
            engine.faults += 1

    def resume_outside(frame: FrameType) -> None:
        outer = _delegating(frame, suspended)
        if outer:
            watch(frame.f_code)
        for one in reversed(outer):
            resume(suspended.pop(id(one)))
        inner = frame
        for one in outer:
            thrown.link(id(inner), id(one), one.f_code)
            inner = one

    def resume_unseen(code: CodeType, frame: FrameType) -> None:
        if thrown.inside and thrown.arrives_at(id(frame)):
            return
        if isinstance(marks.get(id(code)), Site):
            here().open_unseen(code)

    return on_resume, on_throw


def forget_wait(paused: list[Paused], now_ns: int) -> None:
    """These spans are being closed: the wait since their suspension counts for nothing."""
    for one in paused:
        one.paused_ns = now_ns
        one.closing = True
