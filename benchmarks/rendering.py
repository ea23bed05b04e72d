"""Merging and rendering a large session: 2,000 tests, 50 functions in each."""

import gc
from collections.abc import Callable, Iterator
from statistics import median
from time import perf_counter_ns
from typing import TypeVar

from benchmarks.results import Row
from benchmarks.targets import RENDER_S
from pytest_timestamps.recording.results import Overhead, PathStats, Recording
from pytest_timestamps.report.build import SessionFacts, build_report
from pytest_timestamps.report.json_writer import render_json
from pytest_timestamps.report.machine import describe_machine
from pytest_timestamps.report.outcomes import CaseTally
from pytest_timestamps.report.records import CaseRecord, read_lines, to_line
from pytest_timestamps.report.terminal import render_terminal

__all__ = ["rendering"]

T = TypeVar("T")

TESTS = 2_000
FUNCTIONS = 50


def rendering(quick: bool) -> Iterator[Row]:
    """From the records to the terminal's tables, and to JSON; each step on its own besides."""
    shard = "".join(to_line(_record(number)) for number in range(TESTS))
    facts = SessionFacts("id", 0.0, 10**9, 0, "0", "0", describe_machine("id"))
    tallies: dict[str, CaseTally] = {}
    steps: dict[str, list[float]] = {}

    def timed(label: str, step: Callable[[], T]) -> T:
        # as a session does it: see the plugin's reporting
        gc.disable()
        start_ns = perf_counter_ns()
        result = step()
        steps.setdefault(label, []).append((perf_counter_ns() - start_ns) / 1e9)
        gc.enable()
        return result

    merge = "merged into a session report"
    draw = "rendered for the terminal"
    write = "rendered as JSON"
    for _ in range(3 if quick else 11):
        records = timed("read from xdist workers' shard files", lambda: list(read_lines(shard)))
        report = timed(merge, lambda: build_report(facts, tallies, records))  # noqa: B023
        timed(draw, lambda: render_terminal(report))  # noqa: B023
        timed(write, lambda: render_json(report))  # noqa: B023
    section = f"a session of {TESTS:,} tests × {FUNCTIONS} functions"
    for label, seconds in steps.items():
        yield Row(section, label, median(seconds), "s")
    for label, rendered in (("the terminal", draw), ("JSON", write)):
        both = [sum(pair) for pair in zip(steps[merge], steps[rendered], strict=True)]
        yield Row(section, f"merged and rendered for {label}", median(both), "s", RENDER_S)


def _record(number: int) -> CaseRecord:
    rows = [
        PathStats(
            parent=place // 3 - 1,
            name=f"shop.module_{place % 7}.function_{place}",
            section="call" if place < 3 else "",
            detached=False,
            calls=number + place + 1,
            errors=0,
            open=0,
            total_ns=1_000_000 - place * 1_000,
            self_ns=300_000,
            min_ns=100,
            max_ns=9_000,
            suspended_ns=0,
        )
        for place in range(FUNCTIONS)
    ]
    recording = Recording("test", 2_000_000, 1_900_000, Overhead(400, 20, 100_000), tuple(rows))
    nodeid = f"tests/test_file_{number // 50}.py::test_{number}"
    return CaseRecord(nodeid, number * 2_000_000, 1_000, 2_000_000, 1_000, 33, recording)
