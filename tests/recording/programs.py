"""Random programs: what they are made of, and an interpreter that runs them for real.

Each operation is done by decorated code and told to the reference model at the same time.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from random import Random
from typing import Any, NamedTuple

from hypothesis import strategies as st

from pytest_timestamps.recording import Capture, timestamp, timestamp_block
from tests.recording.model import Model, Run, Span

NAMES = ("a", "b", "c")
SLOTS = 3
CAPTURES = 3


class Op(NamedTuple):
    """One operation: its kind, a number that says which or how long, and what happens inside."""

    kind: str
    number: int = 0
    body: tuple[Op, ...] = ()


Body = tuple[Op, ...]


class Boom(Exception):
    """What programs raise."""


class Machine:
    """Runs programs on decorated code, and tells ``model``; all but the last gather alike."""

    def __init__(self, model: Model, capture_type: type[Capture] = Capture) -> None:
        self.model = model
        self.capture_types = [*[capture_type] * (CAPTURES - 1), Capture]
        self.captures = [self.new_capture(number) for number in range(CAPTURES)]
        self.gathered: list[tuple[Capture, Run]] = []
        self.current: list[Run | None] = [None] * CAPTURES
        self.left_open: list[int] = []
        self.generators: list[_Slot | None] = [None] * SLOTS
        self.functions = [timestamp(_function(), name=name) for name in NAMES]
        self.makers = [timestamp(_generator(), name=name) for name in NAMES]
        self.coroutines = [timestamp(_coroutine(), name=name) for name in NAMES]
        self.tasks: list[asyncio.Task[None]] = []

    def new_capture(self, number: int) -> Capture:
        return self.capture_types[number](f"capture {number}")

    def execute(self, body: Body) -> None:
        """Run the whole program, and stop what it left running."""
        with suppress(Boom):
            self.run(body)
        while self.left_open:
            self.stop(self.left_open[-1])
        # what is still suspended ends now, when nobody gathers any more
        for number, slot in enumerate(self.generators):
            if slot is not None:
                slot.drive("close")
                self.generators[number] = None

    # Operations that are the same in functions, generators and coroutines

    def run(self, body: Body) -> None:
        """Do ``body`` in a plain function."""
        for op in body:
            if op.kind == "block":
                with timestamp_block(NAMES[op.number]), self.span(NAMES[op.number]):
                    self.run(op.body)
            elif op.kind == "guard":
                with suppress(Boom):
                    self.run(op.body)
            elif op.kind == "collect":
                self.note_enter(op.number)
                try:
                    with self.captures[op.number]:
                        self.run(op.body)
                finally:
                    self.note_leave(op.number)
            else:
                self.do(op)

    def steps(self, body: Body, owner: Span) -> Generator[None, None, None]:
        """Do ``body`` in a generator."""
        for op in body:
            if op.kind == "yield":
                yield
            elif op.kind == "delegate":
                yield from self.makers[op.number](self, NAMES[op.number], op.body)
            elif op.kind == "block" and self.may_suspend(owner):
                with timestamp_block(NAMES[op.number]), self.span(NAMES[op.number]):
                    yield from self.steps(op.body, owner)
            elif op.kind == "guard":
                with suppress(Boom):
                    yield from self.steps(op.body, owner)
            elif op.kind == "collect":
                self.run((op,))
            else:
                self.do(op)

    async def astep(self, body: Body, owner: Span | None) -> None:
        """Do ``body`` in a coroutine."""
        for op in body:
            if op.kind == "sleep":
                await self.sleep()
            elif op.kind == "await":
                await self.coroutines[op.number](self, NAMES[op.number], op.body)
            elif op.kind == "spawn":
                flow = self.model.new_flow()
                flow.base = self.model.flow.base
                self.tasks.append(asyncio.create_task(self.task(flow, op.body)))
            elif op.kind == "block":
                with timestamp_block(NAMES[op.number]), self.span(NAMES[op.number]):
                    await self.astep(op.body, owner)
            elif op.kind == "managed":
                with self.managed(op.number):
                    await self.astep(op.body, owner)
            elif op.kind == "amanaged":
                async with self.amanaged(op.number):
                    await self.astep(op.body, owner)
            elif op.kind == "cancel":
                self.cancel(op.number)
            elif op.kind == "guard":
                with suppress(Boom):
                    await self.astep(op.body, owner)
            elif op.kind == "collect":
                self.note_enter(op.number, True)
                try:
                    with self.captures[op.number]:
                        await self.astep(op.body, owner)
                finally:
                    self.note_leave(op.number, True)
            else:
                self.do(op)

    async def sleep(self) -> None:
        """Wait for one turn of the loop; may be cancelled meanwhile."""
        flow = self.model.flow
        above = self.model.suspend(flow.base)
        try:
            await asyncio.sleep(0)
        finally:
            self.model.flow = flow
            self.model.resume(above)

    def cancel(self, number: int) -> None:
        """Cancel a task that was spawned and not waited for yet."""
        if self.tasks:
            self.tasks[number % len(self.tasks)].cancel()

    @contextmanager
    def managed(self, number: int) -> Iterator[None]:
        """A block in a context manager made of a generator, which covers the caller's body."""
        with timestamp_block(NAMES[number]), self.span(NAMES[number]):
            yield

    @asynccontextmanager
    async def amanaged(self, number: int) -> AsyncIterator[None]:
        """The same, made of an asynchronous generator that waits itself, too."""
        with timestamp_block(NAMES[number]), self.span(NAMES[number]):
            if number:
                await self.sleep()
            yield
            if number > 1:
                await self.sleep()

    def may_suspend(self, owner: Span | None) -> bool:
        """Can a block be recorded truly in a generator, that of ``owner``?

        On Python 3.11 nothing tells of a suspension but the wrapper around a recorded one.
        """
        if sys.version_info >= (3, 12):
            return True
        return owner is not None and any(run in self.model.running for run in owner.seen_by)

    def do(self, op: Op) -> None:
        """Do what suspends nothing."""
        in_task = self.in_task
        match op.kind:
            case "tick":
                self.model.tick(op.number)
            case "raise":
                raise Boom
            case "call":
                self.functions[op.number](self, NAMES[op.number], op.body)
            case "start" if not in_task:
                self.start(op.number)
            case "stop" if not in_task and op.number in self.left_open:
                self.stop(op.number)
            case "make":
                slot, which = divmod(op.number, len(NAMES))
                if self.generators[slot] is None:
                    self.generators[slot] = _Slot(self, which, op.body)
            case "next" | "throw" | "close" | "drop":
                self.drive(op)
            case "loop" if not in_task:
                self.loop(op.body)

    # Collectors

    def start(self, number: int) -> None:
        self.note_enter(number)
        self.captures[number].start()
        self.left_open.append(number)

    def stop(self, number: int) -> None:
        self.captures[number].stop()
        self.left_open.remove(number)
        self.note_leave(number)

    def note_enter(self, number: int, in_task: bool = False) -> None:
        run = self.current[number]
        if run is None or not run.entered:
            # one collector for each run, so that its figures are the run's alone
            self.captures[number] = self.new_capture(number)
            run = self.current[number] = Run(number, self.model.now_ns)
            self.gathered.append((self.captures[number], run))
        self.model.enter(run, in_task or self.in_task)

    def note_leave(self, number: int, in_task: bool = False) -> None:
        run = self.current[number]
        assert run is not None
        self.model.leave(run, in_task or self.in_task)

    # Generators

    def drive(self, op: Op) -> None:
        slot = self.generators[op.number]
        if slot is not None and slot.idle and self.may_drive(slot, op.kind):
            try:
                if slot.drive(op.kind):
                    return
            except BaseException:
                self.generators[op.number] = None
                raise
            self.generators[op.number] = None

    def may_drive(self, slot: _Slot, kind: str) -> bool:
        """Can what ``kind`` does to ``slot`` be recorded truly?

        A known limit of Python 3.12 and later: nothing tells a generator that delegates to what
        is closed, or thrown into by a task, from one that drove it last and was suspended since.
        """
        if kind == "next":
            return True
        sure = kind == "throw" and not self.in_task
        told_apart = sure or sys.version_info < (3, 12) or not slot.driven_by_generator
        return told_apart and (kind == "throw" or not slot.delegates)

    # Tasks

    in_task = False

    def loop(self, body: Body) -> None:
        model = self.model
        outer, base = model.flow, len(model.stack)
        flow = model.new_flow()
        flow.base = base
        self.in_task = True
        tasks, self.tasks = self.tasks, []

        async def main() -> None:
            await self.task(flow, body)
            while self.tasks:
                with suppress(asyncio.CancelledError):
                    await self.tasks.pop()
            model.flow = outer

        try:
            asyncio.run(main())
        finally:
            self.in_task = False
            model.flow = outer
            self.tasks = tasks

    async def task(self, flow: Any, body: Body) -> None:
        """One task: its spans lie on what the loop runs on."""
        self.model.flow = flow
        with suppress(Boom):
            await self.astep(body, None)

    # Spans

    def span(self, name: str) -> _Telling:
        return _Telling(self.model, name)


class _Telling:
    """Tells the model of a span's beginning and end."""

    def __init__(self, model: Model, name: str) -> None:
        self.model = model
        self.name = name

    def __enter__(self) -> Span:
        self.span = self.model.begin(self.name)
        return self.span

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: object) -> None:
        self.model.end(self.span, kind is not None and kind is not GeneratorExit)


class _Slot:
    """A generator of the program, and its spans while it is suspended."""

    def __init__(self, machine: Machine, which: int, body: Body) -> None:
        self.machine = machine
        self.generator = machine.makers[which](machine, NAMES[which], body)
        self.spans: list[Span] = []
        self.idle = True
        self.driven_by_generator = False

    @property
    def delegates(self) -> bool:
        """Is it suspended inside another decorated generator?"""
        return sum(span.generator for span in self.spans) > 1

    def drive(self, kind: str) -> bool:
        """Run it a stretch; False where it came to its end, or was given up."""
        model = self.machine.model
        base = len(model.stack)
        spans, self.spans = self.spans, []
        if kind in ("close", "drop"):
            # being closed is no resumption: what ends, ends where it was suspended
            model.stack += spans
            if kind == "close":
                self.generator.close()
            self.generator = iter(())
            return False
        if kind == "throw" and not spans:
            return True
        model.resume(spans)
        self.idle = False
        self.driven_by_generator = any(span.generator for span in model.stack[:base])
        try:
            if kind == "throw":
                self.generator.throw(Boom())
            else:
                next(self.generator)
        except StopIteration:
            return False
        finally:
            self.idle = True
            self.spans = model.suspend(base)
        return True


def _function() -> Any:
    def function(machine: Machine, name: str, body: Body) -> None:
        with machine.span(name):
            machine.run(body)

    return function


def _generator() -> Any:
    def generator(machine: Machine, name: str, body: Body) -> Generator[None, None, None]:
        with machine.span(name) as span:
            span.generator = True
            yield from machine.steps(body, span)

    return generator


def _coroutine() -> Any:
    async def coroutine(machine: Machine, name: str, body: Body) -> None:
        with machine.span(name) as span:
            await machine.astep(body, span)

    return coroutine


_ANYWHERE = (
    *("tick",) * 5, *("call",) * 3, "block", "guard", "raise", "collect", "start", "stop",
    "make", *("next",) * 3, "throw", "close", "drop",
)  # fmt: skip
_IN_COROUTINES = ("block", "managed", "amanaged", "cancel")
_KINDS = {
    "function": (*_ANYWHERE, "loop"),
    "generator": (*_ANYWHERE, *("yield",) * 4, "delegate"),
    "coroutine": (*_ANYWHERE, *("sleep",) * 4, *("await",) * 3, *("spawn",) * 2, *_IN_COROUTINES),
}
_INSIDE = {
    "call": "function",
    "make": "generator",
    "delegate": "generator",
    "loop": "coroutine",
    "await": "coroutine",
    "spawn": "coroutine",
}
"""What kind of code runs the body of an operation, where it isn't the code around it."""

_NUMBERS = {"make": len(NAMES) * SLOTS, "tick": 9, "start": CAPTURES, "stop": CAPTURES}
_HAVE_BODIES = {*_INSIDE, "block", "managed", "amanaged", "guard", "collect"}


def random_body(random: Random, inside: str = "function", size: int = 40) -> Body:
    """A body of about ``size`` operations for code of the kind ``inside``."""
    ops = []
    while size > 0:
        kind = random.choice(_KINDS[inside])
        number = random.randrange(_NUMBERS.get(kind, 3))
        body: Body = ()
        size -= 1
        if kind in _HAVE_BODIES:
            part = random.randint(1, max(1, size))
            body = random_body(random, _INSIDE.get(kind, inside), part)
            size -= part
        ops.append(Op(kind, number, body))
    return tuple(ops)


PROGRAMS = st.builds(random_body, st.randoms(use_true_random=True), size=st.integers(5, 40))
"""Truly random: drawn value by value, programs come out far too tame to find anything."""
