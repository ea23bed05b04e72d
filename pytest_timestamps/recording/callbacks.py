"""What `sys.monitoring` calls: each event into one operation on spans.

The callbacks for start and return repeat the plain path of `spans` instead of calling it: a call
saved on each is a fifth of their cost. None of them lets an exception of its own out, since it
would rise in the program that is being observed.
"""

from __future__ import annotations

import sys
from _thread import get_ident

from .activation import Paused, forget_wait
from .between_spans import followed_by
from .compiled import CALLER
from .delegation import Delegation
from .scope import ORIGIN
from .sites import SUSPENDABLE, Site
from .slow_ends import SlowEnds
from .tree import NOWHERE, THIN

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType
    from typing import Any, TypeAlias

    from .engine import Engine
    from .marks import Mark
    from .thinned import Thinned
    from .tree import Node

    Marks: TypeAlias = dict[int, Mark]

__all__ = ["build_callbacks"]


def build_callbacks(
    engine: Engine, marks: Marks, delegation: Delegation, caller: int = CALLER
) -> dict[str, Callable[..., Any]]:
    """A callback for each event name, over the engine's lanes and the marked codes.

    ``caller`` is the depth at which they find the program's frame.
    """
    on_return, on_unwind = _build_ends(engine, marks, delegation, caller)
    if engine.chore is not None:
        on_return = followed_by(on_return, engine.chore, engine.clock)
    return {
        "PY_START": _build_start(engine, marks, caller),
        "PY_RETURN": on_return,
        "PY_UNWIND": on_unwind,
        "PY_YIELD": _build_suspension(engine, marks, delegation, caller),
        "PY_RESUME": _build_resumption(engine, delegation, caller),
        "PY_THROW": _build_throw(engine, marks, delegation),
    }


def _build_start(engine: Engine, marks: Marks, caller: int) -> Callable[..., None]:
    here = engine.lanes.here
    clock = engine.clock
    # the locals of a frame are no dict since Python 3.13, which compiled code would insist on
    getframe: Callable[[int], Any] = sys._getframe
    origin_here = ORIGIN.get
    thread_here = get_ident

    def on_start(code: CodeType, offset: int) -> None:
        try:
            origin = origin_here()
            lane = origin.lane
            if lane is None:
                pass
            elif lane.thread != thread_here():
                lane = None
            elif (top := lane.top).origin is origin:
                child = top.recent
                if child.key is not code:
                    child = top.children.get(id(code), NOWHERE)
                    top.recent = child
                    top.misses += 1
                key = child.latch.key
                if key is code:
                    lane.top = child
                    child.start_ns = clock()
                    return
                if key is THIN:
                    counted = child.counted + 1
                    if counted < child.due:
                        child.counted = counted
                    else:
                        thinned: Thinned = child.site.thinned  # type: ignore[assignment]
                        thinned.time(lane, child)
                    return
            mark = marks.get(id(code))
            if isinstance(mark, Site):
                if mark.thinned is None:
                    (lane or here()).open(code, mark)
                else:
                    mark.thinned.begin(lane or here())
            elif mark is not None:
                mark.begin(getframe(caller).f_locals)
        except Exception:
            engine.note_fault()

    return on_start


def _build_ends(
    engine: Engine, marks: Marks, delegation: Delegation, caller: int
) -> tuple[Callable[..., None], Callable[..., None]]:
    clock = engine.clock
    getframe = sys._getframe
    origin_here = ORIGIN.get
    thinning = engine.thinning
    ends = SlowEnds(engine, marks)

    def on_return(code: CodeType, offset: int, value: object) -> None:
        try:
            now_ns = clock()
            lane = origin_here().lane
            if lane is None:
                ends.end(code, now_ns, False)
                return
            node = lane.top
            if node.latch.key is not code:
                # who is thinned has to know that its span has ended
                plain = lane.folds and node.site.thinned is None
                if not (plain and lane.close_folded(code, now_ns, False)):
                    ends.end(code, now_ns, False)
                return
            active_ns = now_ns - node.start_ns
            node.calls += 1
            node.total_ns += active_ns
            if active_ns < node.min_ns:
                node.min_ns = active_ns
            if active_ns > node.max_ns:
                node.max_ns = active_ns
            lane.top = node.parent
            if now_ns > thinning.due_ns:
                thinning.look(now_ns)
        except Exception:
            engine.note_fault()

    def on_unwind(code: CodeType, offset: int, error: BaseException) -> None:
        if id(code) not in marks:
            return
        try:
            # a generator that is closed ends by GeneratorExit, which is no failure
            closed = code.co_flags & SUSPENDABLE and isinstance(error, GeneratorExit)
            ends.end(code, clock(), not closed)
            if delegation.ahead:
                delegation.unwound(id(getframe(caller)))
        except Exception:
            engine.note_fault()

    return on_return, on_unwind


def _build_suspension(
    engine: Engine, marks: Marks, delegation: Delegation, caller: int
) -> Callable[..., None]:
    ahead = delegation.ahead
    clock = engine.clock
    suspended = engine.lanes.paused
    getframe = sys._getframe
    origin_here = ORIGIN.get
    ends = SlowEnds(engine, marks)

    def on_yield(code: CodeType, offset: int, value: object) -> None:
        try:
            now_ns = clock()
            frame_id = id(getframe(caller))
            lane = origin_here().lane
            node = NOWHERE if lane is None else lane.top
            plain = node.latch.key is code or _is_sampled(node, code, frame_id)
            if lane is None or not plain or frame_id in suspended:
                ends.suspend(code, offset, frame_id, lane, now_ns)
            else:
                active_ns = now_ns - node.start_ns
                node.total_ns += active_ns
                lane.top = node.parent
                paused = node.parked
                if paused is None:
                    paused = [Paused(code, node.site, node, active_ns, now_ns)]
                    one = paused[0]
                else:
                    node.parked = None
                    one = paused[0]
                    one.active_ns = active_ns
                    one.paused_ns = now_ns
                    one.began_ns = now_ns - active_ns
                    one.suspended_ns = 0
                one.code = code
                one.offset = offset
                suspended[frame_id] = paused
            if ahead:
                delegation.pause_after(getframe(caller))
        except Exception:
            engine.note_fault()

    return on_yield


def _build_resumption(engine: Engine, delegation: Delegation, caller: int) -> Callable[..., None]:
    suspended = engine.lanes.paused
    clock = engine.clock
    getframe = sys._getframe
    origin_here = ORIGIN.get
    resume = engine.spans.resume

    def on_resume(code: CodeType, offset: int) -> None:
        try:
            paused = suspended.pop(id(getframe(caller)), None)
            if paused is None:
                delegation.resume_unseen(code, getframe(caller))
                return
            origin = origin_here()
            lane = origin.lane
            if lane is None or lane.thread != get_ident():
                resume(paused)
                return
            one = paused[0]
            node = one.node
            top = lane.top
            if (
                node.parent is top
                # one of a sample, as it was suspended
                and (node.latch.key is code or (node.latch.key is THIN and node.key is code))
                and top.origin is origin
                and len(paused) == 1
                and not one.frame
            ):
                lane.top = node
                node.resumes += 1
                now_ns = clock()
                node.suspended_ns += now_ns - one.paused_ns
                node.total_ns -= one.active_ns
                node.start_ns = now_ns - one.active_ns
                node.parked = paused
                return
            if len(paused) == 1:
                lane.open(one.key, one.site, one.frame, one)
            else:
                resume(paused)
        except Exception:
            engine.note_fault()

    return on_resume


def _build_throw(engine: Engine, marks: Marks, delegation: Delegation) -> Callable[..., None]:
    suspended = engine.lanes.paused
    clock = engine.clock
    getframe = sys._getframe
    resume = engine.spans.resume

    def on_throw(code: CodeType, offset: int, error: BaseException) -> None:
        marked = id(code) in marks
        if not (marked or suspended):
            return
        try:
            frame = getframe(CALLER)
            paused = suspended.pop(id(frame), None)
            # being closed is no resumption: Python 3.13 does it without telling
            closed_ns = clock() if isinstance(error, GeneratorExit) else None
            delegation.resume_before(frame, paused, closed_ns)
            if paused is not None:
                if closed_ns is not None:
                    forget_wait(paused, closed_ns)
                resume(paused)
            elif marked:
                delegation.resume_unseen(code, frame)
        except Exception:
            engine.note_fault()

    return on_throw


def _is_sampled(node: Node, code: CodeType, frame_id: int) -> bool:
    """Is the call of ``code`` in that frame one of a sample, and the top span is its?"""
    if node.latch.key is not THIN or node.key is not code:
        return False
    thinned = node.site.thinned
    return thinned is not None and thinned.frames is not None and frame_id in thinned.frames
