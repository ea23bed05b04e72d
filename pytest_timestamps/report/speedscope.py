"""speedscope's file format: the merged call tree, and one profile for each slow test.

The schema is published at https://www.speedscope.app/file-format-schema.json.
"""

import json
from collections.abc import Mapping, Sequence

from pytest_timestamps.analysis.frames import iterate_edges, make_frames, name_frames
from pytest_timestamps.recording.results import PathStats
from pytest_timestamps.report.left_out import session_callers
from pytest_timestamps.report.model import SessionReport

__all__ = ["render_speedscope"]

SCHEMA = "https://www.speedscope.app/file-format-schema.json"
TESTS = 500


def render_speedscope(report: SessionReport) -> bytes:
    """Events of all call trees laid side by side; in each, widths are sums of self times.

    The session's tree comes first, then those of the 500 tests with the most time.
    The mark of a time that is no plain one stands before the name.
    """
    numbers: dict[str, int] = {}
    names = name_frames(report.functions, session_callers(report))
    slowest = sorted(report.tests, key=lambda test: (-test.phases.total_ns, test.nodeid))
    profiles = [_profile("all tests and fixtures", report.call_tree, names, numbers)]
    profiles += [
        _profile(test.nodeid, test.call_tree, names, numbers)
        for test in slowest[:TESTS]
        if test.call_tree
    ]
    document = {
        "$schema": SCHEMA,
        "name": f"pytest session {report.session.id}",
        "exporter": f"pytest-timestamps {report.session.plugin_version}",
        "activeProfileIndex": 0,
        "shared": {"frames": [{"name": name} for name in numbers]},
        "profiles": profiles,
    }
    return f"{json.dumps(document, separators=(',', ':'))}\n".encode("ascii")


def _profile(
    name: str, table: Sequence[PathStats], names: Mapping[str, str], numbers: dict[str, int]
) -> dict[str, object]:
    events: list[dict[str, object]] = []
    end_ns = 0
    for edge in iterate_edges(make_frames(table, names)):
        frame = numbers.setdefault(edge.name, len(numbers))
        events.append({"type": "O" if edge.opens else "C", "at": edge.at_ns, "frame": frame})
        end_ns = edge.at_ns
    return {
        "type": "evented",
        "name": name,
        "unit": "nanoseconds",
        "startValue": 0,
        "endValue": end_ns,
        "events": events,
    }
