"""The report's figures as the page's script reads them: columns, names by number, gzipped.

Columns compress several times better than rows of objects, and a name that thousands of rows
share is written once.
"""

import base64
import gzip
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from pytest_timestamps.analysis.certainty import NO_CALLERS, Callers, Marks, mark_modules
from pytest_timestamps.analysis.module_tree import arrange_modules
from pytest_timestamps.analysis.timings import Timing
from pytest_timestamps.recording.results import PathStats
from pytest_timestamps.report.html.widest import keep_widest
from pytest_timestamps.report.left_out import part_callers, session_callers
from pytest_timestamps.report.model import OUTCOMES, CaseResult, FixtureResult, SessionReport
from pytest_timestamps.report.run_figures import read_run

__all__ = ["MAX_SPANS", "MAX_TREE_ROWS", "encode_page_data", "page_data"]

# What a page can hold and stay below 5 MB; what is left out is counted, and the page says so.
MAX_TREE_ROWS = 150_000
MAX_MERGED_ROWS = 100_000
MAX_SPANS = 30_000
LEFT_OUT = -1
# Bits: a function calls some whose times are estimated, or some whose calls were only counted;
# or it was left out itself.
ESTIMATED, COUNTED, MISSED = 1, 2, 4

_TREE = (
    "up", "name", "section", "detached", "calls", "errors", "total_ns", "self_ns", "estimated",
    "untimed", "callees",
)  # fmt: skip

_Columns = dict[str, list[int]]


class _Strings:
    """Numbers for texts, in the order of their first use."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def __call__(self, text: str) -> int:
        return self.numbers.setdefault(text, len(self.numbers))


def encode_page_data(report: SessionReport) -> str:
    """The page's data: JSON, gzipped, in base64; the same report gives the same text."""
    document = json.dumps(page_data(report), separators=(",", ":"), allow_nan=False)
    return base64.b64encode(gzip.compress(document.encode("ascii"), 9, mtime=0)).decode("ascii")


def page_data(report: SessionReport) -> dict[str, object]:
    """All figures of the page, integers as they are in the JSON report."""
    strings = _Strings()
    kept = _tests_with_trees(report.tests)
    return {
        "session": {**asdict(report.session), "outcomes": dict(report.session.outcomes)},
        "functions": _functions(report, strings),
        "modules": _modules(report, strings),
        "tree": _merged_tree(report.call_tree, session_callers(report), strings),
        "tests": _tests(report.tests, kept, strings),
        "test_trees": _tree(
            (
                (test.call_tree, part_callers(report, test))
                for test in report.tests
                if test.nodeid in kept
            ),
            strings,
        ),
        "fixtures": _fixtures(report.fixtures, strings),
        "runs": [
            {**asdict(run), "tokens": run.tokens, "cost": run.shown_cost}
            for run in map(read_run, report.runs)
        ],
        "timeline": _timeline(report, strings),
        "strings": list(strings.numbers),
    }


def _functions(report: SessionReport, strings: _Strings) -> _Columns:
    """``callees`` says whose times a function's self time depends on: see ``marks.js``."""
    columns: _Columns = {field: [] for field in Timing._fields}
    callers = session_callers(report)
    for timing in report.functions:
        columns["name"].append(strings(timing.name))
        for field, value in zip(Timing._fields[1:], timing[1:], strict=True):
            columns[field].append(value)
    columns["callees"] = [
        ESTIMATED * (timing.name in callers.of_estimated)
        + COUNTED * (timing.name in callers.of_counted)
        + MISSED * (timing.name in callers.left_out)
        for timing in report.functions
    ]
    return columns


def _modules(report: SessionReport, strings: _Strings) -> _Columns:
    """Modules below their packages, as every table of them is arranged."""
    lines = arrange_modules(report.modules)
    callers = session_callers(report)
    found = mark_modules(report.functions, report.call_tree, report.modules, callers)
    marks = [found.get(line.timing, Marks()) for line in lines]
    columns: _Columns = {
        "name": [strings(line.timing.name) for line in lines],
        "label": [strings(line.label) for line in lines],
        "depth": [line.depth for line in lines],
        "is_module": [int(line.timing.kind == "module") for line in lines],
        "self_mark": [strings(one.self) for one in marks],
        "total_mark": [strings(one.total) for one in marks],
        "calls_mark": [strings(one.calls) for one in marks],
    }
    for field in ("functions", "calls", "errors", "self_ns", "cumulative_ns"):
        columns[field] = [getattr(line.timing, field) for line in lines]
    return columns


def _tree(tables: Iterable[tuple[Sequence[PathStats], Callers]], strings: _Strings) -> _Columns:
    """Tables one after the other; ``up`` is how many rows above a row's parent stands, or 0.

    ``callees`` says whose times a row's self time depends on: see ``marks.js``.
    """
    columns: _Columns = {key: [] for key in _TREE}
    for table, callers in tables:
        columns["callees"] += _callees(table, callers)
        for at, row in enumerate(table):
            columns["up"].append(at - row.parent if row.parent >= 0 else 0)
            columns["name"].append(strings(row.name))
            columns["section"].append(strings(row.section))
            columns["detached"].append(int(row.detached))
            columns["calls"].append(row.calls)
            columns["errors"].append(row.errors)
            columns["total_ns"].append(row.total_ns)
            columns["self_ns"].append(row.self_ns)
            columns["estimated"].append(row.estimated)
            columns["untimed"].append(row.untimed)
    return columns


def _callees(table: Sequence[PathStats], callers: Callers) -> list[int]:
    found = [0] * len(table)
    if callers.left_out:
        # Who called what was left out is known by name alone.
        found = [
            COUNTED * (row.name in callers.of_counted) + MISSED * (row.name in callers.left_out)
            for row in table
        ]
    for row in table:
        if row.parent >= 0 and not row.detached and (row.estimated or row.untimed):
            found[row.parent] |= (ESTIMATED if row.estimated else 0) | (
                COUNTED if row.untimed else 0
            )
    return found


def _merged_tree(
    table: Sequence[PathStats], callers: Callers, strings: _Strings
) -> dict[str, object]:
    """The widest rows, with the time of what the page had no room for.

    ``rest_ns`` is that of paths below the row, ``top_ns`` that of paths below none.
    """
    rows, places, rest_ns, top_ns = keep_widest(table, MAX_MERGED_ROWS)
    callees = _callees(table, callers)
    return {
        **_tree([(rows, NO_CALLERS)], strings),
        # Of what was left out too.
        "callees": [callees[at] for at in places],
        "rest_ns": rest_ns,
        "top_ns": top_ns,
        "left_out": len(table) - len(rows),
    }


def _tests_with_trees(tests: Sequence[CaseResult]) -> set[str]:
    """Those whose call tree the page has room for: the slowest first."""
    kept: set[str] = set()
    room = MAX_TREE_ROWS
    for test in sorted(tests, key=lambda test: (-test.phases.total_ns, test.nodeid)):
        if len(test.call_tree) <= room:
            room -= len(test.call_tree)
            kept.add(test.nodeid)
    return kept


def _tests(tests: Sequence[CaseResult], kept: set[str], strings: _Strings) -> _Columns:
    """``rows`` is the number of the test's rows in ``test_trees``, -1 for no room."""
    return {
        "nodeid": [strings(test.nodeid) for test in tests],
        "outcome": [OUTCOMES.index(test.outcome) for test in tests],
        "setup_ns": [test.phases.setup_ns for test in tests],
        "call_ns": [test.phases.call_ns for test in tests],
        "teardown_ns": [test.phases.teardown_ns for test in tests],
        "reruns": [test.reruns for test in tests],
        "rows": [len(test.call_tree) if test.nodeid in kept else LEFT_OUT for test in tests],
    }


def _fixtures(fixtures: Sequence[FixtureResult], strings: _Strings) -> _Columns:
    return {
        "name": [strings(fixture.name) for fixture in fixtures],
        "scope": [strings(fixture.scope) for fixture in fixtures],
        "nodeid": [strings(fixture.nodeid) for fixture in fixtures],
        "setups": [fixture.setups for fixture in fixtures],
        "setup_ns": [fixture.setup_ns for fixture in fixtures],
        "teardown_ns": [fixture.teardown_ns for fixture in fixtures],
    }


def _timeline(report: SessionReport, strings: _Strings) -> dict[str, object]:
    """The longest spans where there are too many, in order of their start."""
    spans = report.timeline
    if len(spans) > MAX_SPANS:
        longest = sorted(spans, key=lambda span: (span.start_ns - span.end_ns, span))[:MAX_SPANS]
        spans = tuple(sorted(longest, key=lambda span: (span.start_ns, -span.end_ns, span)))
    return {
        "name": [strings(span.name) for span in spans],
        "owner": [strings(span.owner) for span in spans],
        "phase": [strings(span.phase) for span in spans],
        "start_ns": [span.start_ns for span in spans],
        "length_ns": [span.end_ns - span.start_ns for span in spans],
        "thread": [strings(span.thread) for span in spans],
        "task": [strings(span.task) for span in spans],
        "left_out": len(report.timeline) - len(spans) + report.dropped_spans,
    }
