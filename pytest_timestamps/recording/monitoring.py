"""Recording without a wrapper: `sys.monitoring`, on Python 3.12 and later.

A decorated function stays the same object; its code object is marked. While nothing is armed no
event is on, so an idle call is an undecorated call.
`PY_UNWIND` and `PY_THROW` can't be set for one code object, only for all: they are on while the
engine is armed, and each exception that leaves any Python frame then costs one short call.
"""

from __future__ import annotations

import os
import sys

from .callbacks import build_callbacks
from .compiled import CALLER
from .delegation import Delegation
from .sites import SUSPENDABLE, Site

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any

    from .engine import Engine
    from .in_place import Callbacks
    from .marks import Mark, Marks

__all__ = ["Monitor"]

_MONITORING: Any = getattr(sys, "monitoring", None)

_TOOL_IDS = (4, 3, 2, 0)
"""Tried in this order: 1 is coverage's, 2 the profilers' (cProfile insists on it), 0 debuggers'."""

_TOOL_NAME = "pytest_timestamps"

_PACKAGE = os.path.dirname(os.path.dirname(__file__))
"""Where a warning is not to be reported: its cause is further up."""

_EVENTS = ("PY_START", "PY_RETURN", "PY_UNWIND", "PY_YIELD", "PY_RESUME", "PY_THROW")


class Monitor:
    """Switches the events of the marked codes on while the engine is armed."""

    def __init__(self, marks: Marks) -> None:
        self._marks = marks
        self._tool: int | None = None

    def arm(self, engine: Engine) -> None:
        """Take a tool id and switch the events of all marked codes on."""
        tool = next((i for i in _TOOL_IDS if _MONITORING.get_tool(i) is None), None)
        if tool is None:
            _warn_of_taken_ids()
            return
        _MONITORING.use_tool_id(tool, _TOOL_NAME)
        self._tool = tool
        marks = self._marks.by_id
        delegation = Delegation(engine, marks, self._marks.watch)
        callbacks = build_callbacks(engine, marks, delegation)
        self._set_callbacks(callbacks)
        engine.in_place.arm(
            callbacks,
            lambda: build_callbacks(engine, marks, delegation, CALLER + 1),
            self._set_callbacks,
        )
        self._marks.on_mark = self._switch_on
        for code, mark in self._marks.all():
            self._switch_on(code, mark)
        events = _MONITORING.events
        _MONITORING.set_events(tool, events.PY_UNWIND | events.PY_THROW)

    def refresh(self, engine: Engine) -> None:
        """Nothing: a code that is marked while armed is switched on at once."""

    def disarm(self, engine: Engine) -> None:
        """Switch all events off and give the tool id back."""
        tool = self._tool
        if tool is None:
            return
        engine.in_place.disarm()
        self._marks.on_mark = None
        _MONITORING.set_events(tool, 0)
        for code, _ in self._marks.all():
            _MONITORING.set_local_events(tool, code, 0)
        for event in _EVENTS:
            _MONITORING.register_callback(tool, getattr(_MONITORING.events, event), None)
        _MONITORING.free_tool_id(tool)
        self._tool = None

    def _set_callbacks(self, callbacks: Callbacks) -> None:
        for event, callback in callbacks.items():
            _MONITORING.register_callback(self._tool, getattr(_MONITORING.events, event), callback)

    def _switch_on(self, code: CodeType, mark: Mark) -> None:
        events = _MONITORING.events
        wanted = 0
        if mark is not None:
            wanted = events.PY_START | events.PY_RETURN
        thinned = mark.thinned if isinstance(mark, Site) else None
        if thinned is not None and not thinned.open:
            wanted = 0 if thinned.left_out else events.PY_START
        if code.co_flags & SUSPENDABLE and id(code) in self._marks.told:
            wanted |= events.PY_YIELD | events.PY_RESUME
        _MONITORING.set_local_events(self._tool, code, wanted)

    def set_returns(self, code: CodeType, wanted: bool) -> None:
        """Have the returns of a function told, besides its calls, or not.

        Without them its suspensions aren't told either.
        """
        events = _MONITORING.events
        told = events.PY_START
        if wanted:
            told |= events.PY_RETURN
            if code.co_flags & SUSPENDABLE:
                told |= events.PY_YIELD | events.PY_RESUME
        self._tell(code, told, wanted)

    def set_calls(self, code: CodeType, wanted: bool) -> None:
        """Have the calls of a function whose returns aren't told be told, or not.

        Its own events alone are set: those of other tools, and of other functions, stay.
        """
        self._tell(code, _MONITORING.events.PY_START if wanted else 0, False)

    def _tell(self, code: CodeType, events: int, suspensions: bool) -> None:
        """Switch to these events now, or, for its suspensions, as soon as this is armed."""
        if suspensions:
            self._marks.told.add(id(code))
        else:
            self._marks.told.discard(id(code))
        if self._tool is not None:
            _MONITORING.set_local_events(self._tool, code, events)


def _warn_of_taken_ids() -> None:
    import warnings

    warn: Any = warnings.warn
    warn(
        "every sys.monitoring tool id is taken: calls of @timestamp functions are not "
        "recorded (blocks and templated names are); free one of the ids 0, 2, 3, 4",
        RuntimeWarning,
        skip_file_prefixes=(_PACKAGE,),
    )
