"""The session report as JSON.

Versions of the format, each with the change that made it:
1: the first. Since then ``session.instrumented`` and ``modules`` have been added, which reports
   that were written earlier haven't got, and what only a report with thinned functions has:
   ``estimated`` and ``untimed`` of functions and call paths, and with a budget ``session.budget``
   and ``session.overhead_share``.

Its JSON Schema is ``session-report-v1.schema.json``, beside this module.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from functools import lru_cache

from pytest_timestamps.analysis.modules import ModuleTiming
from pytest_timestamps.analysis.timings import Timing
from pytest_timestamps.recording.results import PathStats
from pytest_timestamps.report.model import CaseResult, FixtureResult, SessionReport, SessionSpan

__all__ = ["FORMAT_VERSION", "render_json"]

FORMAT_VERSION = 1

# Formatting a row as text is several times faster than building a dict for json.dumps to walk,
# and a large suite has 100,000 of them.
_FUNCTION = (
    '{"name":%s,"calls":%d,"errors":%d,"total_ns":%d,"self_ns":%d,'
    '"min_ns":%d,"max_ns":%d,"suspended_ns":%d,"open":%d%s}'
)
_PATH = (
    '{"parent":%d,"name":%s,"section":%s,"detached":%s,"calls":%d,"errors":%d,"open":%d,'
    '"total_ns":%d,"self_ns":%d,"min_ns":%d,"max_ns":%d,"suspended_ns":%d%s}'
)
# Columns of a call path that every row has; the two behind them count calls without a time.
_COLUMNS = len(PathStats._fields) - 2


def render_json(report: SessionReport) -> bytes:
    """The whole report; one row a line, so that people and line tools can read it too."""
    parts = {
        "format_version": str(FORMAT_VERSION),
        "session": _text(_session(report)),
        "machines": _rows(_text(asdict(machine)) for machine in report.machines),
        "overhead": _rows(_text(asdict(overhead)) for overhead in report.overhead),
        "functions": _functions(report.functions, "\n"),
        "modules": _rows(map(_module, report.modules)),
        "tests": _rows(map(_case, report.tests)),
        "fixtures": _rows(map(_fixture, report.fixtures)),
        "call_tree": _rows(map(_path, report.call_tree)),
        "runs": _rows(_text(dict(run)) for run in report.runs),
        "timeline": _timeline(report.timeline),
        "dropped_paths": str(report.dropped_paths),
        "dropped_spans": str(report.dropped_spans),
    }
    body = ",\n".join(f'"{key}": {value}' for key, value in parts.items())
    # ASCII throughout: names may hold lone surrogates, which have no UTF-8.
    return f"{{\n{body}\n}}\n".encode("ascii")


def _session(report: SessionReport) -> dict[str, object]:
    session = {**asdict(report.session), "outcomes": dict(report.session.outcomes)}
    if report.session.budget is None:
        del session["budget"]
    elif report.overhead_share is not None:
        session["overhead_share"] = round(report.overhead_share, 6)
    return session


def _text(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


@lru_cache(maxsize=10_000)
def _name(name: str) -> str:
    return json.dumps(name)


def _rows(rows: Iterable[str]) -> str:
    return _list(rows, "\n")


def _list(rows: Iterable[str], line_end: str) -> str:
    joined = f",{line_end}".join(rows)
    return f"[{line_end}{joined}{line_end}]" if joined else "[]"


def _functions(timings: Sequence[Timing], line_end: str = "") -> str:
    rows = (
        _FUNCTION % (_name(timing[0]), *timing[1:-2], _without_time(*timing[-2:]))
        for timing in timings
    )
    return _list(rows, line_end)


def _without_time(estimated: int, untimed: int) -> str:
    """Members for the calls that were not timed, where there are any."""
    members = (("estimated", estimated), ("untimed", untimed))
    return "".join(f',"{name}":{number}' for name, number in members if number)


def _module(row: ModuleTiming) -> str:
    return _text(row._asdict())


def _path(row: PathStats) -> str:
    detached = "true" if row.detached else "false"
    return _PATH % (
        row.parent, _name(row.name), _name(row.section), detached, *row[4:_COLUMNS],
        _without_time(row.estimated, row.untimed),
    )  # fmt: skip


def _path_rows(table: Sequence[PathStats]) -> str:
    return _text([row if row.estimated or row.untimed else row[:_COLUMNS] for row in table])


def _case(test: CaseResult) -> str:
    phases = test.phases
    return (
        f'{{"nodeid":{json.dumps(test.nodeid)},"outcome":{json.dumps(test.outcome)},'
        f'"phases":{{"setup_ns":{phases.setup_ns},"call_ns":{phases.call_ns},'
        f'"teardown_ns":{phases.teardown_ns}}},"reruns":{test.reruns},'
        f'"functions":{_functions(test.functions)},"call_tree":{_path_rows(test.call_tree)}}}'
    )


def _fixture(fixture: FixtureResult) -> str:
    return (
        f'{{"name":{json.dumps(fixture.name)},"scope":{json.dumps(fixture.scope)},'
        f'"nodeid":{json.dumps(fixture.nodeid)},"setups":{fixture.setups},'
        f'"setup_ns":{fixture.setup_ns},"teardown_ns":{fixture.teardown_ns},'
        f'"functions":{_functions(fixture.functions)},"call_tree":{_path_rows(fixture.call_tree)}}}'
    )


def _timeline(spans: Sequence[SessionSpan]) -> str:
    """A table of strings, and rows that name them by number: the same few come up all the time."""
    strings: dict[str, int] = {}

    def number(text: str) -> int:
        return strings.setdefault(text, len(strings))

    rows = [
        (
            number(span.name), number(span.owner), number(span.phase),
            span.start_ns, span.end_ns, number(span.thread), number(span.task),
        )
        for span in spans
    ]  # fmt: skip
    return f'{{"strings":{_text(list(strings))},"spans":{_text(rows)}}}'
