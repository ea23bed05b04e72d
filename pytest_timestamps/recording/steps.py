"""Blocks in undecorated coroutines, on Python 3.11: suspended when their task's step ends.

Python 3.12 tells of each suspension. Before it nothing does for a coroutine that nobody
decorated, but asyncio runs a task in steps, each by one handle, in the context of the task: what
a step leaves open is suspended until the next handle of the same context.
An undecorated generator that isn't driven by a loop stays out of sight.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from contextvars import Context
    from typing import Any

    from .engine import Engine
    from .lane import Lane
    from .tree import Node

__all__ = ["Steps"]


class Steps:
    """Follows the steps of asyncio's tasks while the engine is armed."""

    def __init__(self) -> None:
        self._handle: Any = None
        self._original: Callable[[Any], None] | None = None
        self._wrapper: Callable[[Any], None] | None = None

    def arm(self, engine: Engine) -> None:
        """Follow the steps, if the program has imported asyncio."""
        events = sys.modules.get("asyncio.events")
        if events is None or self._wrapper is not None:
            return
        self._handle = events.Handle
        self._original = self._handle._run
        self._wrapper = self._handle._run = _stepwise(engine, self._original)

    def refresh(self, engine: Engine) -> None:
        """Follow them now, if asyncio was imported since."""
        self.arm(engine)

    def disarm(self, engine: Engine) -> None:
        """Let the steps alone again."""
        # another tool may have put its own wrapper on top meanwhile: then ours stays, idle
        if self._wrapper is not None and self._handle._run is self._wrapper:
            self._handle._run = self._original
        self._wrapper = None


def _stepwise(engine: Engine, run: Callable[[Any], None]) -> Callable[[Any], None]:
    contexts: dict[int, Context] = {}

    def _run(handle: Any) -> None:
        if not engine.armed:
            return run(handle)
        context: Context = handle._context
        lane = engine.lanes.here()
        depth = len(lane.stack)
        floor = lane.floor()
        if contexts.pop(id(context), None) is not None:
            blocks = engine.lanes.paused.pop(id(context), None)
            if blocks:
                context.run(engine.spans.resume, blocks)
        run(handle)
        if len(lane.stack) > depth or lane.floor().frame:
            context.run(pause, lane, depth, floor, context)

    def pause(lane: Lane, depth: int, floor: Node, context: Context) -> None:
        try:
            blocks = lane.pause_blocks(depth, floor, engine.clock())
            if blocks:
                # kept so that its id stays its own
                contexts[id(context)] = context
                engine.lanes.paused[id(context)] = blocks
        except Exception:
            engine.note_fault()

    return _run
