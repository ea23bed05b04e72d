"""The session report as JSON.

Versions of the format, each with the change that made it:
1: the first. Since then ``session.instrumented``, ``modules`` and ``compiled`` of an overhead have
   been added, which reports that were written earlier haven't got, and what only a report with
   thinned functions has: ``estimated`` and ``untimed`` of functions and call paths, and with a
   budget ``session.budget`` and ``session.overhead_share``; and ``left_out`` of the report, its
   tests and its fixtures, where functions were left out. ``calls_is``, ``self_is``, ``total_is``
   and ``cumulative_is`` say what figures of functions and modules are that aren't plainly measured.
   ``session.process_ns``, and with a budget ``session.overhead_wall_share``, came last.

Its JSON Schema is ``session-report-v1.schema.json``, beside this module.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import cache
from itertools import chain
from operator import add

from pytest_timestamps.analysis.certainty import (
    MEANINGS,
    Callers,
    Marks,
    function_marks,
    mark_modules,
)
from pytest_timestamps.analysis.timings import Timing
from pytest_timestamps.recording.results import PathStats
from pytest_timestamps.recording.rows import PathColumns, Rows, columns_of
from pytest_timestamps.report.left_out import part_callers, session_callers
from pytest_timestamps.report.model import CaseResult, FixtureResult, SessionReport, SessionSpan

__all__ = ["FORMAT_VERSION", "render_json"]

FORMAT_VERSION = 1

# The cells of one column, as they are written; a text is that of all of them.
_Cells = str | Iterable[object]

# Columns of a call path, and members of a function, that every row has, and has in this order.
_PATH = PathColumns._fields[:-2]
_FUNCTION = Timing._fields[:-2]


def render_json(report: SessionReport) -> bytes:
    """The whole report; one row a line, so that people and line tools can read it too."""
    texts, callers = _Texts(), session_callers(report)
    parts: dict[str, Iterable[str]] = {
        "format_version": [str(FORMAT_VERSION)],
        "session": [_text(_session(report))],
        "machines": _rows([_text(asdict(machine))] for machine in report.machines),
        "overhead": _rows([_text(asdict(overhead))] for overhead in report.overhead),
        "functions": [_functions(report.functions, texts, callers, "\n")],
        "modules": _rows(_modules(report, callers)),
        "tests": _rows(_case(test, texts, report) for test in report.tests),
        "fixtures": _rows(_fixture(fixture, texts, report) for fixture in report.fixtures),
        "call_tree": [_paths(report.call_tree, texts)],
        "runs": _rows([_text(dict(run))] for run in report.runs),
        "timeline": _timeline(report.timeline),
        "dropped_paths": [str(report.dropped_paths)],
        "dropped_spans": [str(report.dropped_spans)],
    }
    if report.left_out:
        parts["left_out"] = [_text(report.left_out)]
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
        return session
    shares = {
        "overhead_share": report.overhead_share,
        "overhead_wall_share": report.overhead_wall_share,
    }
    known = {name: round(share, 6) for name, share in shares.items() if share is not None}
    return session | known


def _text(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), allow_nan=False)


class _Texts(dict[str, str]):
    """Strings as JSON has them: the same few names come up all the time."""

    def __missing__(self, text: str) -> str:
        written = self[text] = json.dumps(text)
        return written


def _rows(rows: Iterable[Iterable[str]]) -> Iterator[str]:
    before = "[\n"
    for row in rows:
        yield before
        yield from row
        before = ",\n"
    yield "[]" if before == "[\n" else "\n]"


def _functions(
    timings: Sequence[Timing], texts: _Texts, callers: Callers, line_end: str = ""
) -> str:
    if not timings:
        return "[]"
    columns = timings.columns if isinstance(timings, Rows) else tuple(zip(*timings, strict=True))
    cells = [map(texts.__getitem__, columns[0]), *map(_numbers, columns[1:-2])]
    members = [f'"{name}":' for name in _FUNCTION]
    ends: _Cells = ""
    if any(columns[-2]) or any(columns[-1]) or callers.left_out:
        rows = zip(columns[0], columns[1], columns[-2], columns[-1], strict=True)
        ends = [
            (_members_without_time(some, others) if some or others else "")
            + _function_members(
                some > 0,
                (2 if others >= calls else 1) if others else 0,
                name in callers.of_estimated,
                name in callers.of_counted,
                name in callers.left_out,
            )
            for name, calls, some, others in rows
        ]
    return _filled("{", members, cells, ends, "}", len(timings), line_end)


@cache
def _function_members(
    estimated: bool, untimed: int, of_estimated: bool, of_counted: bool, left_out: bool
) -> str:
    """What a function's marked figures are; of two calls so many are ``untimed``.

    Worked out once for all that are alike: a test in which functions were left out has hundreds.
    """
    like = Timing("", 2, 0, 0, 0, 0, 0, 0, 0, int(estimated), untimed)
    names = (("",) if one else () for one in (of_estimated, of_counted, left_out))
    return _known_members(function_marks(like, Callers(*names)))


def _known_members(marks: Marks, total: str = "total") -> str:
    """What marked figures are, in words; what is plainly measured has none."""
    members = (("calls", marks.calls), (total, marks.total), ("self", marks.self))
    return "".join(f',"{name}_is":"{MEANINGS[mark]}"' for name, mark in members if mark)


def _paths(table: Sequence[PathStats], texts: _Texts) -> str:
    """A call tree as objects."""
    if not table:
        return "[]"
    columns = columns_of(table)
    members = [f'"{name}":' for name in _PATH]
    ends = _ends(columns.estimated, columns.untimed, _members_without_time)
    return _filled("{", members, _path_cells(columns, texts), ends, "}", len(table), "\n")


def _path_rows(table: Sequence[PathStats], texts: _Texts) -> str:
    """A call tree as arrays."""
    if not table:
        return "[]"
    columns = columns_of(table)
    ends = _ends(columns.estimated, columns.untimed, _cells_without_time)
    return _filled("[", [""] * len(_PATH), _path_cells(columns, texts), ends, "]", len(table))


def _path_cells(table: PathColumns, texts: _Texts) -> list[_Cells]:
    beside: _Cells = "false"
    if any(table.detached):
        beside = ["true" if one else "false" for one in table.detached]
    sections = map(texts.__getitem__, table.section) if any(table.section) else '""'
    numbers = map(_numbers, table[4:-2])
    return [table.parent, map(texts.__getitem__, table.name), sections, beside, *numbers]


def _numbers(column: Sequence[int]) -> _Cells:
    return column if any(column) else "0"


def _ends(
    estimated: Sequence[int], untimed: Sequence[int], written: Callable[[int, int], str]
) -> _Cells:
    """What rows have besides, for the calls that were not timed, where there are any."""
    if not any(estimated) and not any(untimed):
        return ""
    return [
        written(some, others) if some or others else ""
        for some, others in zip(estimated, untimed, strict=True)
    ]


def _members_without_time(estimated: int, untimed: int) -> str:
    members = (("estimated", estimated), ("untimed", untimed))
    return "".join(f',"{name}":{number}' for name, number in members if number)


def _cells_without_time(estimated: int, untimed: int) -> str:
    return f",{estimated},{untimed}"


def _filled(
    opening: str,
    labels: Sequence[str],
    cells: Sequence[_Cells],
    ends: _Cells,
    closing: str,
    count: int,
    line_end: str = "",
) -> str:
    """A list of ``count`` rows, from the cells of each column, with a label before each cell.

    Filling them in as one text is many times faster than building a list or a dict of each for
    json.dumps to walk, and a large suite has 100,000 of them. What is the same in all rows is
    filled in once.
    """
    shape = ",".join(map(add, labels, map(_placeholder, cells)))
    row = f"{opening}{shape}{_placeholder(ends)}{closing}"
    rows = f",{line_end}".join([row] * count)
    varying = [column for column in (*cells, ends) if not isinstance(column, str)]
    filled = tuple(chain.from_iterable(zip(*varying, strict=True)))
    return f"[{line_end}{rows}{line_end}]" % filled


def _placeholder(cells: _Cells) -> str:
    return cells if isinstance(cells, str) else "%s"


def _modules(report: SessionReport, callers: Callers) -> Iterator[list[str]]:
    marks = mark_modules(report.functions, report.call_tree, report.modules, callers)
    for row in report.modules:
        known = _known_members(marks.get(row, Marks()), "cumulative")
        yield [_text(row._asdict())[:-1], known, "}"]


def _case(test: CaseResult, texts: _Texts, report: SessionReport) -> Iterator[str]:
    phases = test.phases
    yield (
        f'{{"nodeid":{json.dumps(test.nodeid)},"outcome":{json.dumps(test.outcome)},'
        f'"phases":{{"setup_ns":{phases.setup_ns},"call_ns":{phases.call_ns},'
        f'"teardown_ns":{phases.teardown_ns}}},"reruns":{test.reruns},'
    )
    yield from _tables(test, texts, report)


def _fixture(fixture: FixtureResult, texts: _Texts, report: SessionReport) -> Iterator[str]:
    yield (
        f'{{"name":{json.dumps(fixture.name)},"scope":{json.dumps(fixture.scope)},'
        f'"nodeid":{json.dumps(fixture.nodeid)},"setups":{fixture.setups},'
        f'"setup_ns":{fixture.setup_ns},"teardown_ns":{fixture.teardown_ns},'
    )
    yield from _tables(fixture, texts, report)


def _tables(
    result: CaseResult | FixtureResult, texts: _Texts, report: SessionReport
) -> Iterator[str]:
    yield '"functions":'
    yield _functions(result.functions, texts, part_callers(report, result))
    yield ',"call_tree":'
    yield _path_rows(result.call_tree, texts)
    if result.left_out:
        yield f',"left_out":{result.left_out}'
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
