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
    from typing import Any
    from collections.abc import Callable
    from types import CodeType

    from .engine import Engine
    from .starters import Starter

    Marks = dict[int, Site | Starter | None]

__all__ = ["SUSPENDABLE", "build_callbacks"]

SUSPENDABLE = 0x20 | 0x80 | 0x100 | 0x200
"""Code flags of generators, coroutines, iterable coroutines and asynchronous generators."""


def build_callbacks(engine: Engine, marks: Marks) -> dict[str, Callable[..., Any]]:
    """A callback for each event name, over the engine's lanes and the marked codes."""
    calls = _call_callbacks(engine, marks)
    return calls | _suspension_callbacks(engine, marks)


def _call_callbacks(engine: Engine, marks: Marks) -> dict[str, Callable[..., Any]]:
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
            if type(mark) is Site:
                here().open(code, mark)
            elif mark is not None:
                mark.begin(getframe(1).f_locals)  # type: ignore[union-attr]  # a Starter
        except Exception:
            engine.faults += 1

    def on_return(code: CodeType, offset: int, value: object) -> None:
        try:
            now_ns = clock()
            lane: Any = origin_here().lane
            node = lane.top
            if node.key is not code:
                mark = marks.get(id(code))
                if type(mark) is Site:
                    here().close(code, now_ns)
                elif mark is not None:
                    mark.end()  # type: ignore[union-attr]  # a Starter
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
        mark = marks.get(id(code))
        if mark is None:
            return
        try:
            if type(mark) is Site:
                # a generator that is closed ends by GeneratorExit, which is no failure
                closed = code.co_flags & SUSPENDABLE and isinstance(error, GeneratorExit)
                here().close(code, clock(), not closed)
            else:
                mark.end()  # type: ignore[union-attr]  # a Starter
        except Exception:
            engine.faults += 1

    return {"PY_START": on_start, "PY_RETURN": on_return, "PY_UNWIND": on_unwind}


def _suspension_callbacks(engine: Engine, marks: Marks) -> dict[str, Callable[..., Any]]:
    here = engine.lanes.here
    suspended = engine.lanes.paused
    clock = engine.clock
    getframe = sys._getframe
    origin_here = ORIGIN.get
    pause = engine.spans.pause
    resume = engine.spans.resume

    def on_yield(code: CodeType, offset: int, value: object) -> None:
        try:
            frame_id = id(getframe(1))
            paused = pause(code, frame_id)
            if paused:
                stale = suspended.get(frame_id)
                if stale is not None:
                    # its generator died without an event, and its frame's address is used again
                    for one in stale:
                        one.node.finish(one.active_ns, False)
                suspended[frame_id] = paused
            else:
                mark = marks.get(id(code))
                if mark is not None and type(mark) is not Site:
                    mark.end()
        except Exception:
            engine.faults += 1

    def on_resume(code: CodeType, offset: int) -> None:
        try:
            paused = suspended.pop(id(getframe(1)), None)
            if paused is None:
                unseen(code)
                return
            origin = origin_here()
            lane: Any = origin.lane
            top = lane.top
            if len(paused) == 1 and top.origin is origin and lane.thread == get_ident():
                one = paused[0]
                node = top.children.get(id(code))
                if node is not None and one.node is node and not one.frame:
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
        if id(code) not in marks:
            return
        try:
            paused = suspended.pop(id(getframe(1)), None)
            if paused is None:
                unseen(code)
                return
            if isinstance(error, GeneratorExit):
                # being closed is no resumption: Python 3.13 does it without telling
                forget_wait(paused, clock())
            resume(paused)
        except Exception:
            engine.faults += 1

    def unseen(code: CodeType) -> None:
        if type(marks.get(id(code))) is Site:
            here().open_unseen(code)

    return {"PY_YIELD": on_yield, "PY_RESUME": on_resume, "PY_THROW": on_throw}


def forget_wait(paused: list[Paused], now_ns: int) -> None:
    """Count no time between these spans' suspension and ``now_ns``."""
    for one in paused:
        one.paused_ns = now_ns
