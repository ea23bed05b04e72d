"""What recording keeps: by call path without a timeline, by span with one."""

from collections.abc import Iterator

from benchmarks.children import in_child
from benchmarks.results import Row
from benchmarks.targets import MEMORY_MB, TIMELINE_BYTES

__all__ = ["memory"]

# The peak of the resident set is asked for, so that what is kept and freed again counts too.
# On Linux from /proc: getrusage's peak is handed down from the parent process through exec, and
# would hide any growth below the parent's size. On macOS getrusage tells bytes.
MEASURED_GROWTH = """
import gc, json, resource, sys
from pytest_timestamps import Collector, timestamp

def peak_bytes():
    if sys.platform == "darwin":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))

calls, paths = int(sys.argv[1]), int(sys.argv[2])
functions = []
for number in range(paths):
    namespace = {"timestamp": timestamp, "__name__": "bench"}
    exec(f"@timestamp\\ndef path_{number}(): pass", namespace)
    functions.append(namespace[f"path_{number}"])

def work(turns):
    for _ in range(turns):
        for function in functions:
            function()

collector = Collector("bench", **json.loads(sys.argv[3]))
with collector:
    work(2)
    gc.collect()
    before = peak_bytes()
    work(calls // paths)
    growth = peak_bytes() - before
recorded = sum(timing.calls for timing in collector.timings().values())
spans = len(collector.timeline(limit=None))
print(json.dumps([growth, recorded, spans]))
"""


def memory(quick: bool) -> Iterator[Row]:
    """Growth of the process while it records, by the system's own count."""
    section = "memory"
    calls = 1_000_000 if quick else 10_000_000
    growth, recorded, _ = in_child(MEASURED_GROWTH, calls, 50, "{}")
    detail = f"{recorded:,} calls recorded"
    label = f"{calls // 1_000_000} million calls over 50 call paths"
    yield Row(section, label, growth / 1e6, "MB", MEMORY_MB, detail=detail)
    calls = 900_000
    growth, _, spans = in_child(MEASURED_GROWTH, calls, 50, '{"timeline": true}')
    detail = f"{spans:,} spans of {calls:,} calls"
    label = "a timeline's span"
    yield Row(section, label, growth / spans, "bytes", TIMELINE_BYTES, detail=detail)
