"""What ``import pytest_timestamps`` adds to an empty interpreter."""

import importlib.util
from collections.abc import Iterator
from statistics import median

from benchmarks.children import compiling, in_child
from benchmarks.results import Row
from benchmarks.targets import IMPORT_MS

__all__ = ["imports"]

TIMED_IMPORT = """
import sys
from time import perf_counter_ns
before = set(sys.modules)
start = perf_counter_ns()
__import__(sys.argv[1])
elapsed = perf_counter_ns() - start
added = len(set(sys.modules) - before)
print([elapsed, added])
"""

DECORATES = """
import json
from pytest_timestamps import timestamp
def function(): pass
print(json.dumps(timestamp(function) is function))
"""

PEERS = {
    "osbot-utils": "osbot_utils.helpers.timestamp_capture.decorators.timestamp",
    "line_profiler": "line_profiler",
    "OpenTelemetry API": "opentelemetry.trace",
    "viztracer": "viztracer",
    "yappi": "yappi",
}


def imports(quick: bool) -> Iterator[Row]:
    """The import alone, timed inside fresh processes in turn."""
    modules = {"pytest_timestamps": "pytest_timestamps"} | {
        label: module
        for label, module in PEERS.items()
        if importlib.util.find_spec(module.partition(".")[0])
    }
    compiled = compiling()
    for module in modules.values():
        in_child(TIMED_IMPORT, module, environment=compiled)
    elapsed_ms: dict[str, list[float]] = {label: [] for label in modules}
    count: dict[str, int] = {}
    for _ in range(5 if quick else 25):
        for label, module in modules.items():
            elapsed_ns, count[label] = in_child(TIMED_IMPORT, module, environment=compiled)
            elapsed_ms[label].append(elapsed_ns / 1e6)
    for label, figures in elapsed_ms.items():
        limit = IMPORT_MS if label == "pytest_timestamps" else None
        detail = f"{count[label]} modules"
        yield Row("import", label, median(figures), "ms", limit, detail=detail)
    same = in_child(DECORATES, environment=compiling(PYTEST_TIMESTAMPS_DISABLED="1"))
    label = "PYTEST_TIMESTAMPS_DISABLED=1: functions replaced"
    yield Row("import", label, 0 if same else 1, "", 0)
