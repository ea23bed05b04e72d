"""The fast ways to find a call's captures give the stack walk's answer, whatever the program does.

The definition, and with it the reference here: a call belongs to each running capture that one
of the frames on its stack entered (`entries_on_stack`), to each that a frame which is gone entered
and that covers this thread, or the task, and to those of the work that it descends from.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from contextvars import Context, copy_context
from random import Random
from types import FrameType, SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pytest_timestamps.recording import Capture, timestamp
from pytest_timestamps.recording.engine import ENGINE
from pytest_timestamps.recording.lookup import (
    Entry,
    entered_in_task,
    entries_on_stack,
    entry_to_leave,
)

DEEP = 230
"""Frames between a capture and a call: more than any cap on a walk that loses calls."""

KINDS = ("call", "with", "stack", "deep", "suspend", "resume", "copied", "thread", "coroutine")


@timestamp(name="probe")
def probe() -> None:
    """What is looked up: a call like any other."""


class World:
    """Captures, suspended generators and coroutines, and what each call should belong to."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.captures = [Capture(str(number)) for number in range(4)]
        self.suspended: list[Iterator[None]] = []
        self.older = [_older(self) for _ in range(2)]
        self.inherited: frozenset[Capture] = frozenset()
        self.task_covers: list[Capture] = []
        self.expected = dict.fromkeys(self.captures, 0)

    def check(self) -> None:
        """Call, and count the call for each capture that the definition names."""
        lane = ENGINE.lanes.here()
        on_stack = {entry.capture for entry in entries_on_stack(ENGINE.entries)}
        covering = {e.capture for e in ENGINE.entries if e.lane is lane and not e.in_task}
        inherited = {capture for capture in self.inherited if capture.running}
        for capture in on_stack | covering | inherited | set(self.task_covers):
            self.expected[capture] += 1
        probe()

    def run(self, size: int) -> None:
        """A random program of about ``size`` operations."""
        while size > 0:
            part = self.random.randint(1, size)
            size -= part
            getattr(self, f"do_{self.random.choice(KINDS)}")(part - 1)
            self.check()

    def idle(self) -> Capture | None:
        """A capture that isn't running: those have one entering frame each."""
        free = [capture for capture in self.captures if not capture.running]
        return self.random.choice(free) if free else None

    def do_call(self, size: int) -> None:
        self.check()

    def do_with(self, size: int) -> None:
        capture = self.idle()
        if capture is not None:
            with capture:
                self.run(size)

    def do_stack(self, size: int) -> None:
        capture = self.idle()
        if capture is not None:
            with ExitStack() as stack:
                _enter_from_elsewhere(stack, capture)
                if _in_coroutine():
                    self.task_covers.append(capture)
                self.run(size)
                self.task_covers = [c for c in self.task_covers if c is not capture]

    def do_deep(self, size: int) -> None:
        if len(_frames()) < DEEP:
            _descend(DEEP, lambda: self.run(size))

    def do_suspend(self, size: int) -> None:
        """A generator that is suspended inside of its ``with``, as a yield fixture is."""
        capture = self.idle()
        if capture is not None and not self.inherited and not _in_coroutine():
            generator = _fixture(self, capture, size // 2)
            next(generator)
            self.suspended.append(generator)

    def do_resume(self, size: int) -> None:
        if self.suspended and not self.inherited and not _in_coroutine():
            generator = self.suspended.pop(self.random.randrange(len(self.suspended)))
            with suppress(StopIteration):
                next(generator)

    def do_copied(self, size: int) -> None:
        """A context that was copied here, run in this thread."""
        copy_context().run(self.run, min(size, 3))

    def do_thread(self, size: int) -> None:
        """A thread that is started here; its work belongs to whom this belongs to."""
        if self.inherited or _in_coroutine():
            return
        lane = ENGINE.lanes.here()
        here = {e.capture for e in ENGINE.entries if e.lane is lane}
        self.inherited = frozenset(here)
        suspended, self.suspended = self.suspended, []
        size = min(size, 4)
        thread = threading.Thread(target=self.run, args=(size,), daemon=True)
        thread.start()
        thread.join()
        self.inherited = frozenset()
        self.suspended = suspended

    def do_coroutine(self, size: int) -> None:
        """A coroutine of a context older than all captures, driven from here."""
        if self.older and not self.inherited:
            context, coroutine = self.older.pop()
            outer, self.task_covers = self.task_covers, []
            with suppress(StopIteration):
                context.run(coroutine.send, size)
            self.task_covers = outer
            coroutine.close()


def _older(world: World) -> tuple[Context, Any]:
    async def work() -> None:
        size = await _Given()
        capture = world.idle()
        if capture is None:
            world.run(size)
            return
        with capture:
            # work of a context that knows nothing of this capture, on top of it
            Context().run(world.run, min(size, 4))

    context, coroutine = Context(), work()
    context.run(coroutine.send, None)
    return context, coroutine


class _Given:
    """Awaited, it is what is sent."""

    def __await__(self) -> Any:
        return (yield)


def _fixture(world: World, capture: Capture, size: int) -> Iterator[None]:
    with capture:
        world.run(size)
        yield


def _enter_from_elsewhere(stack: ExitStack, capture: Capture) -> None:
    """The frame that enters it is gone when it is used."""
    stack.enter_context(capture)


def _frames() -> list[Any]:
    frames: list[Any] = []
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        frames.append(frame)
        frame = frame.f_back
    return frames


def _in_coroutine() -> bool:
    return entered_in_task(sys._getframe(1))


def _descend(depth: int, then: Callable[[], None]) -> None:
    if depth:
        _descend(depth - 1, then)
    else:
        then()


@settings(
    max_examples=300,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(st.randoms(use_true_random=True), st.integers(5, 40))
@example(Random(0), 400)
def test_fast_paths_give_the_walks_answer(random: Random, size: int) -> None:
    """Each call is in the captures that the definition names, and in no other."""
    clock, calibrates = ENGINE.clock, ENGINE.calibrates
    ENGINE.use_clock(lambda: 0)
    world = World(random)
    faults = ENGINE.faults
    try:
        world.run(size)
        while world.suspended:
            world.do_resume(0)
    finally:
        for _, coroutine in world.older:
            coroutine.close()
        ENGINE.use_clock(clock, calibrates)
    assert ENGINE.faults == faults
    counted = {c: sum(row.calls for row in c.recording().paths) for c in world.captures}
    assert counted == world.expected


def test_the_walk_is_as_deep_as_the_stack() -> None:
    """An entering frame is found from any depth, the nearest first."""
    found: list[Entry] = []
    outer, inner = Capture("outer"), Capture("inner")
    with outer, inner:
        _descend(DEEP, lambda: found.extend(entries_on_stack(ENGINE.entries)))
    assert [entry.capture for entry in found] == [inner, outer]


def test_the_walk_asks_the_frames_that_it_is_given() -> None:
    """A frame counts by its identity and its code: an address that is used again is another's."""

    class Frame:
        def __init__(self, code: Any, back: Frame | None) -> None:
            self.f_code = code
            self.f_back = back

    code, other = _descend.__code__, _frames.__code__
    bottom = Frame(code, None)
    top = Frame(other, bottom)

    def entry(frame: Frame, code: Any) -> Any:
        made = Entry.__new__(Entry)
        made.frame_id, made.code = id(frame), code
        return made

    mine, reused = entry(bottom, code), entry(top, code)
    walk: Any = lambda depth: top  # noqa: E731  # stands for sys._getframe
    assert entries_on_stack([mine, reused], getframe=walk) == [mine]


@pytest.mark.parametrize("deep", [False, True])
def test_an_older_task_driven_from_inside(deep: bool) -> None:
    """Work of a context that a collector never reached is found by its stack alone."""
    capture = Capture()
    older = copy_context()

    async def driver() -> None:
        with capture:
            _descend(DEEP if deep else 1, lambda: older.run(probe))

    with suppress(StopIteration):
        driver().send(None)
    assert [row.name for row in capture.recording().paths] == ["probe"]


HERE, ELSEWHERE = "here", "elsewhere"
OURS, THEIRS = object(), object()


@pytest.mark.parametrize(
    ("entries", "left", "still_here"),
    [
        ([(HERE, OURS, True), (HERE, THEIRS, True)], 0, False),
        ([(HERE, OURS, True), (HERE, OURS, True), (HERE, THEIRS, True)], 1, True),
        ([(HERE, OURS, True), (HERE, THEIRS, False)], 0, True),
        ([(HERE, THEIRS, True), (HERE, THEIRS, True), (ELSEWHERE, OURS, False)], 1, False),
        ([(HERE, THEIRS, False), (HERE, THEIRS, True), (ELSEWHERE, OURS, False)], 1, True),
        ([(ELSEWHERE, THEIRS, True), (ELSEWHERE, OURS, False)], 1, False),
    ],
)
def test_the_nearest_entry_is_left(
    entries: list[tuple[Any, object, bool]], left: int, still_here: bool
) -> None:
    """The latest of the context, else of the lane, else of all.

    The capture stays entered where the context has another entry, or one outside of any task has
    covered the lane.
    """
    own: list[Any] = [
        SimpleNamespace(lane=lane, mark=mark, in_task=in_task) for lane, mark, in_task in entries
    ]
    lane: Any = HERE
    assert entry_to_leave(own, lane, {id(OURS)}) == (own[left], still_here)
