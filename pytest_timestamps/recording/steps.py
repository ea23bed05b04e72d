"""Blocks in undecorated coroutines, on Python 3.11: suspended when their task's step ends.

Python 3.12 tells of each suspension. Before it nothing does for a coroutine that nobody
decorated, but asyncio runs a task in steps, each by one handle, in the context of the task: what
a step leaves open is suspended until the next handle of the same context.
An undecorated generator that isn't driven by a loop stays out of sight.
"""

from __future__ import annotations

import sys

from .tree import NOWHERE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Context
    from types import FrameType
    from typing import Any

    from .engine import Engine
    from .lane import Lane
    from .tree import Node

__all__ = ["Steps"]


class Steps:
    """Follows the steps of asyncio's tasks while the engine is armed.

    ``_kept`` holds the contexts of steps that left blocks open, by their ids, which so stay
    theirs; ``_begun`` those of steps that had begun when the engine was armed, by their lanes.
    """

    def __init__(self) -> None:
        self._handle: Any = None
        self._original: Callable[[Any], None] | None = None
        self._wrapper: Callable[[Any], None] | None = None
        self._kept: dict[int, Context] = {}
        self._begun: dict[Lane, Context] = {}

    def arm(self, engine: Engine) -> None:
        """Follow the steps, if the program has imported asyncio."""
        events = sys.modules.get("asyncio.events")
        if events is None or self._wrapper is not None:
            return
        self._handle = events.Handle
        self._original = self._handle._run
        self._wrapper = self._handle._run = self._stepwise(engine, self._original)
        try:
            self._join_running_step(engine, events._get_running_loop())
        except Exception:
            engine.note_fault()

    def refresh(self, engine: Engine) -> None:
        """Follow them now, if asyncio was imported since."""
        self.arm(engine)

    def disarm(self, engine: Engine) -> None:
        """Let the steps alone again."""
        # another tool may have put its own wrapper on top meanwhile: then ours stays, idle
        if self._wrapper is not None and self._handle._run is self._wrapper:
            self._handle._run = self._original
        self._wrapper = None
        self._kept.clear()
        self._begun.clear()

    def _join_running_step(self, engine: Engine, loop: Any) -> None:
        """Have the step that is running now end when the next one begins, which is at once."""
        if loop is None or loop.is_closed():
            return
        run = getattr(self._original, "__code__", None)
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and frame.f_code is not run:
            frame = frame.f_back
        if frame is not None:
            self._begun[engine.lanes.here()] = frame.f_locals["self"]._context
            # nobody sees this step's end: without another one the loop's wait would belong to it
            loop.call_soon(_nothing)

    def _stepwise(self, engine: Engine, run: Callable[[Any], None]) -> Callable[[Any], None]:
        kept, begun = self._kept, self._begun

        def _run(handle: Any) -> None:
            if not engine.armed:
                return run(handle)
            context: Context = handle._context
            lane = engine.lanes.here()
            if begun and lane in begun:
                suspend(lane, 0, NOWHERE, begun.pop(lane))
            lane.expand()
            depth = len(lane.stack)
            floor = lane.floor()
            if kept.pop(id(context), None) is not None:
                blocks = engine.lanes.paused.pop(id(context), None)
                if blocks:
                    context.run(engine.spans.resume, blocks)
            run(handle)
            suspend(lane, depth, floor, context)

        def suspend(lane: Lane, depth: int, floor: Node, context: Context) -> None:
            lane.expand()
            if len(lane.stack) > depth or lane.floor().frame:
                try:
                    context.run(pause, lane, depth, floor, context)
                except Exception:
                    engine.note_fault()

        def pause(lane: Lane, depth: int, floor: Node, context: Context) -> None:
            blocks = lane.pause_blocks(depth, floor, engine.clock())
            if blocks:
                kept[id(context)] = context
                engine.lanes.paused[id(context)] = blocks

        return _run


def _nothing() -> None:
    """A step in which nothing happens."""
