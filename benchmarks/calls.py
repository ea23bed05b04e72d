"""What a decorated call costs: idle, recorded, deep in the stack, as a block, as a coroutine."""

from collections.abc import Callable, Iterator
from time import perf_counter_ns
from typing import Any

from benchmarks.loops import (
    UNROLL,
    at_depth,
    make_async_loop,
    make_coroutine_function,
    make_function,
    make_loop,
    warmed,
)
from benchmarks.peers import CALL, active_peers, call_subject, idle_peers, pass_through
from benchmarks.results import Row
from benchmarks.rounds import Rounds, Subject, interleave
from benchmarks.targets import (
    ACTIVE_OF_TWO_CLOCK_READS,
    BLOCK_OF_FUNCTION,
    DEEP_OF_SHALLOW,
    IDLE_OF_UNDECORATED,
    IDLE_OF_WRAPPER,
)
from pytest_timestamps import Collector, timestamp, timestamp_block

__all__ = ["active", "coroutines", "idle"]

BARE = "undecorated call"
BARE_AGAIN = "undecorated call, again (the noise)"
WRAPPER = "pass-through wrapper"
CLOCK = "two bare clock reads"
OURS = "@timestamp"
OURS_DEEP = "@timestamp, depth 200"
OURS_RECORDED = "@timestamp, depth 5"


def idle(quick: bool) -> Iterator[Row]:
    """A decorated call while nothing records, after a collector has come and gone."""
    ours = timestamp(make_function())
    with Collector("bench"):
        ours()
    loop = make_loop(CALL, timestamp(make_function()))
    subjects = [
        call_subject(BARE, make_function()),
        call_subject(BARE_AGAIN, make_function()),
        call_subject(WRAPPER, pass_through(make_function())),
        call_subject(OURS, ours),
        Subject(OURS_DEEP, lambda n: at_depth(200, lambda: warmed(loop, n)), UNROLL),
        *idle_peers(),
    ]
    rounds = interleave(subjects, rounds=40 if quick else 300)
    section = "idle, × the undecorated call"
    for subject in subjects:
        limit = IDLE_OF_UNDECORATED if subject.name in (OURS, OURS_DEEP) else None
        yield _ratio_row(rounds, section, subject.name, BARE, limit)
    yield _ratio_row(rounds, "idle, × the pass-through wrapper", OURS, WRAPPER, IDLE_OF_WRAPPER)


def active(quick: bool) -> Iterator[Row]:
    """A decorated call while a collector records it; the figure is of the whole call."""
    subjects = [
        _clock_reads(),
        call_subject(BARE, make_function()),
        call_subject(WRAPPER, pass_through(make_function())),
        _recorded(OURS_RECORDED, 5),
        _recorded(OURS_DEEP, 200),
        _block(),
        Subject("collector, entered and left", _enter_and_leave),
        *active_peers(),
    ]
    rounds = interleave(subjects, rounds=40 if quick else 300)
    section = "recorded, × two bare clock reads"
    for subject in subjects:
        limit = ACTIVE_OF_TWO_CLOCK_READS if subject.name in (OURS_RECORDED, OURS_DEEP) else None
        yield _ratio_row(rounds, section, subject.name, CLOCK, limit)
    section = "recorded, × @timestamp at depth 5"
    yield _ratio_row(rounds, section, OURS_DEEP, OURS_RECORDED, DEEP_OF_SHALLOW)
    yield _ratio_row(rounds, section, "timestamp_block", OURS_RECORDED, BLOCK_OF_FUNCTION)


def coroutines(quick: bool) -> Iterator[Row]:
    """A decorated coroutine, awaited in a task that an event loop runs."""
    ours = timestamp(make_coroutine_function())
    loop, idle_loop, bare = (
        make_async_loop("await target()", function)
        for function in (ours, timestamp(make_coroutine_function()), make_coroutine_function())
    )

    def recorded(n: int) -> int:
        with Collector("bench"):
            return warmed(loop, n)

    subjects = [
        Subject("undecorated coroutine", lambda n: warmed(bare, n), UNROLL),
        Subject("@timestamp coroutine, idle", lambda n: warmed(idle_loop, n), UNROLL),
        Subject("@timestamp coroutine, recorded", recorded, UNROLL),
        _recorded(OURS_RECORDED, 5),
        _async_block(),
    ]
    rounds = interleave(subjects, rounds=40 if quick else 300)
    section = "coroutines, × @timestamp on a function"
    for subject in subjects:
        is_target = subject.name in ("@timestamp coroutine, recorded", "timestamp_block in async")
        limit = BLOCK_OF_FUNCTION if is_target else None
        yield _ratio_row(rounds, section, subject.name, OURS_RECORDED, limit)


def _ratio_row(rounds: Rounds, section: str, name: str, base: str, limit: float | None) -> Row:
    spread = rounds.ratio_spread(name, base)
    ratio = rounds.ratio(name, base)
    return Row(section, name, ratio, "×", limit, rounds.ns(name), f"± {spread:.3f}")


def _clock_reads() -> Subject:
    return Subject(CLOCK, make_loop("clock(); clock()"), UNROLL)


def _recorded(name: str, depth: int) -> Subject:
    loop = make_loop(CALL, timestamp(make_function()))

    def run(n: int) -> int:
        with Collector("bench"):
            return at_depth(depth, lambda: warmed(loop, n))

    return Subject(name, run, UNROLL)


def _block() -> Subject:
    loop = make_loop('with target("phase"):\n    pass', timestamp_block)
    return Subject("timestamp_block", _recording(loop), UNROLL)


def _async_block() -> Subject:
    loop = make_async_loop('with target("phase"):\n    pass', timestamp_block)
    return Subject("timestamp_block in async", _recording(loop), UNROLL)


def _recording(loop: Callable[[int], int]) -> Callable[[int], int]:
    def run(n: int) -> int:
        with Collector("bench"):
            return warmed(loop, n)

    return run


def _enter_and_leave(n: int, clock: Any = perf_counter_ns) -> int:
    start_ns: int = clock()
    for _ in range(n):
        with Collector("bench"):
            pass
    elapsed_ns: int = clock() - start_ns
    return elapsed_ns
