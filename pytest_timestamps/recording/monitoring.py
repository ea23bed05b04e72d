"""Recording without a wrapper: `sys.monitoring`, on Python 3.12 and later.

A decorated function stays the same object; its code object is marked. While nothing is armed no
event is on, so an idle call is an undecorated call.
`PY_UNWIND` and `PY_THROW` can't be set for one code object, only for all: they are on while the
engine is armed, and each exception that leaves any Python frame then costs one short call.
"""

from __future__ import annotations

import sys
import warnings
import weakref

from .callbacks import SUSPENDABLE, build_callbacks
from .tree import Site

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType
    from typing import Any

    from .engine import Engine
    from .starters import Starter

__all__ = ["MONITOR", "Monitor"]

_MONITORING: Any = getattr(sys, "monitoring", None)

_TOOL_IDS = (4, 3, 2, 0)
"""Tried in this order: 1 is coverage's, 2 the profilers' (cProfile insists on it), 0 debuggers'."""

_TOOL_NAME = "pytest_timestamps"

_EVENTS = ("PY_START", "PY_RETURN", "PY_UNWIND", "PY_YIELD", "PY_RESUME", "PY_THROW")


class Monitor:
    """The marked code objects and, while armed, their events.

    Codes are known by id, since equal codes of different functions compare equal; a code that
    dies takes its mark with it.
    """

    def __init__(self) -> None:
        self._marks: dict[int, Site | Starter | None] = {}
        self._codes: dict[int, weakref.ref[CodeType]] = {}
        self._tool: int | None = None

    def mark(self, code: CodeType, mark: Site | Starter) -> None:
        """Record the calls of ``code`` as a site, or follow it as a starter of work."""
        self._remember(code, mark)

    def watch(self, code: CodeType) -> None:
        """Follow the suspensions of ``code``, in which a block was entered."""
        if id(code) not in self._marks:
            self._remember(code, None)

    def site_of(self, code: CodeType) -> Site | None:
        """What ``code`` is recorded as, if it is."""
        mark = self._marks.get(id(code))
        return mark if isinstance(mark, Site) else None

    def _remember(self, code: CodeType, mark: Site | Starter | None) -> None:
        key = id(code)
        self._marks[key] = mark

        def forget(_: object) -> None:
            self._marks.pop(key, None)
            self._codes.pop(key, None)

        self._codes[key] = weakref.ref(code, forget)
        if self._tool is not None:
            self._switch(code, mark, True)

    def _switch(self, code: CodeType, mark: Site | Starter | None, on: bool) -> None:
        monitoring = _MONITORING
        events = monitoring.events
        wanted = 0
        if on:
            if mark is not None:
                wanted = events.PY_START | events.PY_RETURN
            if code.co_flags & SUSPENDABLE:
                wanted |= events.PY_YIELD | events.PY_RESUME
        assert self._tool is not None
        monitoring.set_local_events(self._tool, code, wanted)

    def arm(self, engine: Engine) -> None:
        """Take a tool id and switch the events of all marked codes on."""
        monitoring = _MONITORING
        for tool in _TOOL_IDS:
            if monitoring.get_tool(tool) is None:
                monitoring.use_tool_id(tool, _TOOL_NAME)
                self._tool = tool
                break
        else:
            warnings.warn(
                "every sys.monitoring tool id is taken: calls of @timestamp functions are not "
                "recorded (blocks and templated names are); free one of the ids 0, 2, 3, 4",
                RuntimeWarning,
                stacklevel=4,
            )
            return
        events = monitoring.events
        for event, callback in build_callbacks(engine, self._marks, self.watch).items():
            monitoring.register_callback(tool, getattr(events, event), callback)
        for key, ref in list(self._codes.items()):
            code = ref()
            if code is not None:
                self._switch(code, self._marks.get(key), True)
        monitoring.set_events(tool, events.PY_UNWIND | events.PY_THROW)

    def refresh(self, engine: Engine) -> None:
        """Nothing: a code that is marked while armed is switched on at once."""

    def disarm(self, engine: Engine) -> None:
        """Switch all events off and give the tool id back."""
        if self._tool is None:
            return
        monitoring = _MONITORING
        monitoring.set_events(self._tool, 0)
        for ref in list(self._codes.values()):
            code = ref()
            if code is not None:
                self._switch(code, None, False)
        for event in _EVENTS:
            monitoring.register_callback(self._tool, getattr(monitoring.events, event), None)
        monitoring.free_tool_id(self._tool)
        self._tool = None


MONITOR = Monitor() if _MONITORING is not None else None
"""The process's monitor; None on Python 3.11, where wrappers record."""
