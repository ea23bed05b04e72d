"""Work that a span starts elsewhere: tasks, threads, executor jobs.

While one of these functions runs, the context says that work begins under the running span; a
new thread and an executor's job are told so when they begin.
On Python 3.12 and later their code objects are marked, and nothing about them changes; on 3.11
they are wrapped while recording is armed.
"""

from __future__ import annotations

import sys

from .scope import ORIGIN, Origin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType
    from typing import Any

    from .engine import Engine
    from .marks import Marks

__all__ = ["Starter", "Starters"]

_KEPT = "_pytest_timestamps_origin"
"""The attribute of a thread or of an executor's job that holds where its work began."""


class Starter:
    """What happens while one function of the standard library runs.

    ``begin`` gets its arguments by name and returns the origin that the context had before,
    None where it leaves the context alone.
    """

    def __init__(
        self, engine: Engine, owner: Any, attribute: str, begin: Callable[..., Origin | None]
    ) -> None:
        self.owner = owner
        self.attribute = attribute
        self._engine = engine
        self._begin = begin

    def begin(self, arguments: Any) -> None:
        """The function begins."""
        previous = None
        try:
            previous = self._begin(self._engine, arguments)
        except Exception:
            self._engine.note_fault()
        self._engine.lanes.here().starting.append((self, previous))

    def end(self) -> None:
        """It ends, or is suspended."""
        starting = self._engine.lanes.here().starting
        if starting and starting[-1][0] is self:
            _, previous = starting.pop()
            if previous is not None:
                ORIGIN.set(previous)


def _carry(engine: Engine, arguments: Any) -> Origin | None:
    """What copies the context now begins under the running span."""
    origin = engine.starting_origin()
    previous = ORIGIN.get()
    if origin is None or origin is previous:
        return None
    ORIGIN.set(origin)
    return previous


def _keep(engine: Engine, arguments: Any) -> Origin | None:
    """Give the thread or job its origin to take along."""
    origin = engine.starting_origin()
    if origin is not None:
        setattr(arguments["self"], _KEPT, origin)
    return None


def _take(engine: Engine, arguments: Any) -> Origin | None:
    """The thread or job begins: its context is that of the span that started it."""
    origin = arguments["self"].__dict__.pop(_KEPT, None)
    previous = ORIGIN.get()
    if origin is None:
        return None
    ORIGIN.set(origin)
    return previous


class Starters:
    """All starters of work: followed while the engine is armed."""

    def __init__(self, marks: Marks | None) -> None:
        self._marks = marks
        self._pending = list(_WANTED)
        self._starters: list[Starter] = []
        self._originals: list[tuple[Starter, Any, Any]] = []

    def arm(self, engine: Engine) -> None:
        """Follow the starters of the modules that the program has imported."""
        self._find(engine)
        if self._marks is None:
            for starter in self._starters:
                self._wrap(starter)

    def refresh(self, engine: Engine) -> None:
        """Follow those of modules that were imported since, too."""
        # asked before each test
        for wanted in self._pending:
            if wanted[0] in sys.modules:
                break
        else:
            return
        for starter in self._find(engine):
            if self._marks is None:
                self._wrap(starter)

    def disarm(self, engine: Engine) -> None:
        """Leave the starters alone again."""
        while self._originals:
            starter, original, wrapper = self._originals.pop()
            # another tool may have put its own wrapper on top meanwhile: then ours stays, idle
            if vars(starter.owner).get(starter.attribute) is wrapper:
                setattr(starter.owner, starter.attribute, original)

    def _find(self, engine: Engine) -> list[Starter]:
        found = []
        for wanted in list(self._pending):
            module_name, class_name, attribute, begin = wanted
            module = sys.modules.get(module_name)
            if module is None:
                continue
            self._pending.remove(wanted)
            owner = getattr(module, class_name, None) if class_name else module
            code = getattr(vars(owner).get(attribute), "__code__", None) if owner else None
            if code is None:
                continue  # a private name that is gone: its work belongs under no span
            starter = Starter(engine, owner, attribute, begin)
            found.append(starter)
            if self._marks is not None:
                self._marks.mark(code, starter)
        self._starters += found
        return found

    def _wrap(self, starter: Starter) -> None:
        original = vars(starter.owner)[starter.attribute]
        wrapper = _wrapped(starter, original)
        self._originals.append((starter, original, wrapper))
        setattr(starter.owner, starter.attribute, wrapper)


_WANTED: tuple[tuple[str, str, str, Callable[..., Origin | None]], ...] = (
    ("asyncio.base_events", "BaseEventLoop", "create_task", _carry),
    ("asyncio.threads", "", "to_thread", _carry),
    ("asyncio", "", "to_thread", _carry),
    ("threading", "Thread", "start", _keep),
    ("threading", "Thread", "_bootstrap_inner", _take),
    ("concurrent.futures.thread", "_WorkItem", "__init__", _keep),
    ("concurrent.futures.thread", "_WorkItem", "run", _take),
)
"""Module, class, function, and what to do; followed once the program has imported the module."""


def _wrapped(starter: Starter, original: Any) -> Any:
    import functools

    # Somebody else's wrapper, or our own of an earlier time, may take ``*args``.
    innermost = original
    while hasattr(innermost, "__wrapped__"):
        innermost = innermost.__wrapped__
    names = _parameter_names(innermost.__code__)

    if original.__code__.co_flags & 0x80:

        @functools.wraps(original)
        async def started(*args: Any, **kwargs: Any) -> Any:
            starter.begin(dict(zip(names, args, strict=False)))
            steps = original(*args, **kwargs).__await__()
            try:
                first = steps.send(None)
            except StopIteration as stop:
                return stop.value
            finally:
                starter.end()
            return await _Rest(steps, first)
    else:

        @functools.wraps(original)
        def started(*args: Any, **kwargs: Any) -> Any:
            starter.begin(dict(zip(names, args, strict=False)))
            try:
                return original(*args, **kwargs)
            finally:
                starter.end()

    return started


def _parameter_names(code: CodeType) -> tuple[str, ...]:
    return code.co_varnames[: code.co_argcount]


class _Rest:
    """The rest of a coroutine whose first step was taken already."""

    def __init__(self, steps: Any, first: Any) -> None:
        self._steps = steps
        self._first = first

    def __await__(self) -> Any:
        item = self._first
        argument: Any
        while True:
            try:
                sent = yield item
            except GeneratorExit:
                self._steps.close()
                raise
            except BaseException as error:
                step, argument = self._steps.throw, error
            else:
                step, argument = self._steps.send, sent
            try:
                item = step(argument)
            except StopIteration as stop:
                return stop.value
            finally:
                # an exception that was thrown in would otherwise hold this frame, and this it
                argument = None
