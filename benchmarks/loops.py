"""Timed loops and functions to time, each compiled afresh.

CPython specialises a call site for what it sees there, and a code object for how it is watched.
So no two subjects share a loop or a function: what one does to its code object must not be
charged to another.
"""

import asyncio
from collections.abc import Callable, Coroutine
from itertools import count, repeat
from time import perf_counter_ns
from typing import Any

__all__ = [
    "UNROLL",
    "at_depth",
    "make_async_loop",
    "make_coroutine_function",
    "make_function",
    "make_loop",
    "warmed",
]

UNROLL = 10
"""Statements in a loop's body: enough for the loop's own cost to be small beside theirs."""

_numbers = count()

Loop = Callable[[int], int]


def make_function(body: str = "pass") -> Callable[..., Any]:
    """A new module-level function that does ``body``, with a code object of its own."""
    made: Callable[..., Any] = _make(f"def leaf_{next(_numbers)}():\n    {body}\n")
    return made


def make_coroutine_function(body: str = "pass") -> Callable[[], Coroutine[Any, Any, None]]:
    """The same as a coroutine function."""
    source = f"async def leaf_{next(_numbers)}():\n    {body}\n"
    made: Callable[[], Coroutine[Any, Any, None]] = _make(source)
    return made


def make_loop(statement: str, target: object = None) -> Loop:
    """``loop(n)`` runs the statement ``n * UNROLL`` times and returns the ns that it took.

    The statement may name ``target`` and ``clock``; both are locals, as quick as names get.
    """
    return _bind(f"def loop_{next(_numbers)}(n, target, clock):\n{_body(statement)}", target)


def make_async_loop(statement: str, target: object = None) -> Loop:
    """The same inside a task of an event loop that runs on from call to call."""
    make_coroutine = _make(
        f"async def loop_{next(_numbers)}(n, target, clock):\n{_body(statement)}"
    )
    runner = asyncio.Runner()

    def loop(n: int) -> int:
        elapsed_ns: int = runner.run(make_coroutine(n, target, perf_counter_ns))
        return elapsed_ns

    return loop


def warmed(loop: Loop, n: int) -> int:
    """Run the loop after a few turns that let CPython specialise what has just been changed."""
    loop(10)
    return loop(n)


def at_depth(depth: int, then: Callable[[], int]) -> int:
    """Call ``then`` with this many more frames on the stack."""
    return then() if depth <= 0 else at_depth(depth - 1, then)


def _body(statement: str) -> str:
    lines = statement.splitlines()
    unrolled = "".join(f"        {line}\n" for _ in range(UNROLL) for line in lines)
    return (
        f"    start_ns = clock()\n    for _ in repeat(None, n):\n{unrolled}"
        "    return clock() - start_ns\n"
    )


def _bind(source: str, target: object) -> Loop:
    timed = _make(source)

    def loop(n: int) -> int:
        elapsed_ns: int = timed(n, target, perf_counter_ns)
        return elapsed_ns

    return loop


def _make(source: str) -> Any:
    namespace: dict[str, Any] = {"__name__": "bench", "repeat": repeat}
    exec(compile(source, "<benchmark>", "exec"), namespace)
    return next(value for name, value in namespace.items() if name.startswith(("leaf_", "loop_")))
