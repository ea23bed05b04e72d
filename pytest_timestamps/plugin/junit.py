"""Properties ``timestamps.*`` on each test case of pytest's own ``--junitxml``.

They travel as the item's user properties: pytest's XML writes those, and xdist sends them along.
"""

from collections.abc import Callable

import pytest

from pytest_timestamps.analysis.certainty import MEANINGS, UNKNOWN, find_callers, mark_self
from pytest_timestamps.analysis.timings import rank_hotspots, time_names
from pytest_timestamps.report.records import CaseRecord, Record

__all__ = ["JunitProperties", "junit_properties"]

PREFIX = "timestamps."


class JunitProperties:
    """Stands between the recorder and what keeps its records, and remembers the last test's."""

    def __init__(self, keep: Callable[[Record], None]) -> None:
        self._keep = keep
        self._last: CaseRecord | None = None

    def keep(self, record: Record) -> None:
        """Hand the record on."""
        if isinstance(record, CaseRecord):
            self._last = record
        self._keep(record)

    # The teardown's report is the one whose properties go to the XML; the test's record was
    # made as its teardown ended.
    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> None:
        record = self._last
        if call.when != "teardown" or record is None or record.nodeid != item.nodeid:
            return
        # The item is the same when a test is run again, and each run has a case in the XML.
        others = [pair for pair in item.user_properties if not pair[0].startswith(PREFIX)]
        item.user_properties[:] = [*others, *junit_properties(record)]
        self._last = None


def junit_properties(record: CaseRecord) -> list[tuple[str, object]]:
    """Seconds by phase, calls and errors, and the function with the most self time.

    What is not known of such times is told only where there is something to tell.
    """
    paths = record.recording.paths
    timings = time_names(paths).values()
    properties: list[tuple[str, object]] = [
        (f"{PREFIX}setup_s", _seconds(record.setup_ns)),
        (f"{PREFIX}call_s", _seconds(record.call_ns)),
        (f"{PREFIX}teardown_s", _seconds(record.teardown_ns)),
        (f"{PREFIX}calls", str(sum(timing.calls for timing in timings))),
        (f"{PREFIX}errors", str(sum(timing.errors for timing in timings))),
    ]
    for name in ("estimated", "untimed"):
        number = sum(getattr(timing, name) for timing in timings)
        if number:
            properties.append((f"{PREFIX}{name}_calls", str(number)))
    recording = record.recording
    if recording.left_out:
        properties.append((f"{PREFIX}left_out_functions", str(len(recording.left_out))))
    for hottest in rank_hotspots(timings, limit=1):
        properties.append((f"{PREFIX}hotspot", hottest.name))
        meanwhile = {timing.name for timing in timings} if recording.left_out else ()
        mark = mark_self(hottest, find_callers(timings, paths, recording.left_out, meanwhile))
        if mark != UNKNOWN:
            properties.append((f"{PREFIX}hotspot_self_s", _seconds(hottest.self_ns)))
        if mark:
            properties.append((f"{PREFIX}hotspot_self_is", MEANINGS[mark]))
    return properties


def _seconds(duration_ns: int) -> str:
    return f"{duration_ns / 1_000_000_000:.9f}"
