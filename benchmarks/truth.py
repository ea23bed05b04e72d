"""Whether what a collector reports is what the undecorated program takes.

A parent calls a small leaf thousands of times.
Its undecorated twin is timed in the same rounds; the reported totals must be as long per call,
although recording every leaf costs about as much as the leaf itself.
"""

from collections.abc import Callable, Iterator
from statistics import median
from time import perf_counter_ns
from typing import Any

from benchmarks.results import Row
from benchmarks.targets import TRUTH_NS
from pytest_timestamps import Collector, timestamp

__all__ = ["truth"]

LEAF_NS = 500
CALLS = 4_000


def truth(quick: bool) -> Iterator[Row]:
    """The reported less the true time, per leaf call: the median over interleaved rounds."""
    steps = _steps_for(LEAF_NS)
    bare_parent = _program(steps)
    empty_parent = _program_without_leaf()
    parent = _program(steps, decorate=timestamp)
    errors: dict[str, list[float]] = {"parent, total": [], "parent, self": [], "leaf, total": []}
    true_leaf: list[float] = []
    zeros = 0
    for _ in range(60 if quick else 400):
        total_ns = _timed(bare_parent)
        loop_ns = _timed(empty_parent)
        with Collector("bench") as collector:
            parent(CALLS)
        timings = collector.timings()
        reported_parent, reported_leaf = timings["bench.parent"], timings["bench.leaf"]
        true_leaf.append((total_ns - loop_ns) / CALLS)
        errors["parent, total"].append((reported_parent.total_ns - total_ns) / CALLS)
        errors["parent, self"].append((reported_parent.self_ns - loop_ns) / CALLS)
        errors["leaf, total"].append((reported_leaf.total_ns - total_ns + loop_ns) / CALLS)
        zeros += not (reported_leaf.total_ns > 0 and reported_parent.self_ns > 0)
    section = "reported less true time, ns a call"
    leaf_ns = median(true_leaf)
    for label, differences in errors.items():
        error_ns = median(differences)
        detail = f"{error_ns:+.0f} ns; the leaf takes {leaf_ns:.0f} ns"
        yield Row(section, label, abs(error_ns), "ns", TRUTH_NS, detail=detail)
    yield Row(section, "rounds that report a zero", zeros, "", 0)


def _timed(parent: Callable[[int], None]) -> int:
    start_ns = perf_counter_ns()
    parent(CALLS)
    return perf_counter_ns() - start_ns


def _program(
    steps: int, decorate: Callable[[Any], Any] = lambda function: function
) -> Callable[[int], None]:
    """A parent that calls its leaf, module-level functions of their own each time."""
    namespace: dict[str, Any] = {"__name__": "bench", "decorate": decorate}
    source = (
        "@decorate\n"
        "def leaf():\n"
        f"    for _ in range({steps}):\n"
        "        pass\n"
        "@decorate\n"
        "def parent(calls):\n"
        "    for _ in range(calls):\n"
        "        leaf()\n"
    )
    exec(compile(source, "<benchmark>", "exec"), namespace)
    parent: Callable[[int], None] = namespace["parent"]
    return parent


def _program_without_leaf() -> Callable[[int], None]:
    namespace: dict[str, Any] = {}
    exec("def parent(calls):\n    for _ in range(calls):\n        pass\n", namespace)
    parent: Callable[[int], None] = namespace["parent"]
    return parent


def _steps_for(goal_ns: int) -> int:
    """How many turns of an empty loop make the leaf about this long, its call included."""
    few, many = 10, 110
    few_ns, many_ns = (_fastest(_program(steps)) for steps in (few, many))
    ns_per_step = (many_ns - few_ns) / (many - few)
    return max(1, round(few + (goal_ns - few_ns) / ns_per_step))


def _fastest(parent: Callable[[int], None]) -> float:
    return min(_timed(parent) for _ in range(7)) / CALLS
