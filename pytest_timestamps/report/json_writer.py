"""The session report as JSON.

Versions of the format, each with the change that made it:
1: the first. Since then ``session.instrumented`` and ``modules`` have been added, which reports
   that were written earlier haven't got, and what only a report with thinned functions has:
   ``estimated`` and ``untimed`` of functions and call paths, and with a budget ``session.budget``
   and ``session.overhead_share``.

Its JSON Schema is ``session-report-v1.schema.json``, beside this module.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import lru_cache
from itertools import chain

from pytest_timestamps.analysis.modules import ModuleTiming
from pytest_timestamps.analysis.timings import Timing
from pytest_timestamps.recording.results import PathStats
from pytest_timestamps.report.model import CaseResult, FixtureResult, SessionReport, SessionSpan

__all__ = ["FORMAT_VERSION", "render_json"]

FORMAT_VERSION = 1

# Filling in the rows of a table as one text is many times faster than building a dict of each for
# json.dumps to walk, and a large suite has 100,000 of them.
_FUNCTION = (
    '{"name":%s,"calls":%d,"errors":%d,"total_ns":%d,"self_ns":%d,'
    '"min_ns":%d,"max_ns":%d,"suspended_ns":%d,"open":%d'
)
_PATH = (
    '{"parent":%d,"name":%s,"section":%s,"detached":%s,"calls":%d,"errors":%d,"open":%d,'
    '"total_ns":%d,"self_ns":%d,"min_ns":%d,"max_ns":%d,"suspended_ns":%d'
)
# Columns of a call path that every row has; the two behind them count calls without a time.
_COLUMNS = len(PathStats._fields) - 2


def render_json(report: SessionReport) -> bytes:
    """The whole report; one row a line, so that people and line tools can read it too."""
    parts: dict[str, Iterable[str]] = {
        "format_version": [str(FORMAT_VERSION)],
        "session": [_text(_session(report))],
        "machines": _rows([_text(asdict(machine))] for machine in report.machines),
        "overhead": _rows([_text(asdict(overhead))] for overhead in report.overhead),
        "functions": [_functions(report.functions, "\n")],
        "modules": _rows(map(_module, report.modules)),
        "tests": _rows(map(_case, report.tests)),
        "fixtures": _rows(map(_fixture, report.fixtures)),
        "call_tree": [_paths(report.call_tree)],
        "runs": _rows([_text(dict(run))] for run in report.runs),
        "timeline": _timeline(report.timeline),
        "dropped_paths": [str(report.dropped_paths)],
        "dropped_spans": [str(report.dropped_spans)],
    }
    # ASCII throughout: names may hold lone surrogates, which have no UTF-8.
    return "".join(_pieces(parts)).encode("ascii")


def _pieces(parts: Mapping[str, Iterable[str]]) -> Iterator[str]:
    """The text piece by piece: to put parts together first would copy all of it again."""
    before = "{\n"
    for key, part in parts.items():
        yield f'{before}"{key}": '
        yield from part
        before = ",\n"
    yield "\n}\n"


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


def _rows(rows: Iterable[Iterable[str]]) -> Iterator[str]:
    before = "[\n"
    for row in rows:
        yield before
        yield from row
        before = ",\n"
    yield "[]" if before == "[\n" else "\n]"


def _functions(timings: Sequence[Timing], line_end: str = "") -> str:
    if not timings:
        return "[]"
    names, *figures, estimated, untimed = zip(*timings, strict=True)
    return _filled(_FUNCTION, [map(_name, names), *figures], estimated, untimed, line_end)


def _paths(table: Sequence[PathStats]) -> str:
    if not table:
        return "[]"
    parents, names, sections, detached, *figures, estimated, untimed = zip(*table, strict=True)
    words = ["true" if beside else "false" for beside in detached]
    columns = [parents, map(_name, names), map(_name, sections), words, *figures]
    return _filled(_PATH, columns, estimated, untimed, "\n")


def _filled(
    row: str,
    columns: Iterable[Iterable[object]],
    estimated: Sequence[int],
    untimed: Sequence[int],
    line_end: str,
) -> str:
    """A list of objects; ``row`` is the format of one, up to the members that few have."""
    if any(estimated) or any(untimed):
        rows = [f"{row}{_without_time(*both)}}}" for both in zip(estimated, untimed, strict=True)]
    else:
        rows = [f"{row}}}"] * len(estimated)
    joined = f",{line_end}".join(rows)
    cells = tuple(chain.from_iterable(zip(*columns, strict=True)))
    return f"[{line_end}{joined}{line_end}]" % cells


def _without_time(estimated: int, untimed: int) -> str:
    """Members for the calls that were not timed, where there are any."""
    if not estimated and not untimed:
        return ""
    members = (("estimated", estimated), ("untimed", untimed))
    return "".join(f',"{name}":{number}' for name, number in members if number)


def _module(row: ModuleTiming) -> Iterator[str]:
    yield _text(row._asdict())


def _path_rows(table: Sequence[PathStats]) -> str:
    return _text([row if row[-1] or row[-2] else row[:_COLUMNS] for row in table])


def _case(test: CaseResult) -> Iterator[str]:
    phases = test.phases
    yield (
        f'{{"nodeid":{json.dumps(test.nodeid)},"outcome":{json.dumps(test.outcome)},'
        f'"phases":{{"setup_ns":{phases.setup_ns},"call_ns":{phases.call_ns},'
        f'"teardown_ns":{phases.teardown_ns}}},"reruns":{test.reruns},'
    )
    yield from _tables(test)


def _fixture(fixture: FixtureResult) -> Iterator[str]:
    yield (
        f'{{"name":{json.dumps(fixture.name)},"scope":{json.dumps(fixture.scope)},'
        f'"nodeid":{json.dumps(fixture.nodeid)},"setups":{fixture.setups},'
        f'"setup_ns":{fixture.setup_ns},"teardown_ns":{fixture.teardown_ns},'
    )
    yield from _tables(fixture)


def _tables(result: CaseResult | FixtureResult) -> Iterator[str]:
    yield '"functions":'
    yield _functions(result.functions)
    yield ',"call_tree":'
    yield _path_rows(result.call_tree)
    yield "}"


def _timeline(spans: Sequence[SessionSpan]) -> Iterator[str]:
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
    yield f'{{"strings":{_text(list(strings))},"spans":'
    yield _text(rows)
    yield "}"
