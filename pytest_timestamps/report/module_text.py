"""Modules on the terminal: a table of their own, and hotspots below the module they are in."""

from collections.abc import Iterator, Mapping, Sequence

from pytest_timestamps.analysis.certainty import (
    Callers,
    Marks,
    mark_modules,
    marked,
    share_text,
    time_texts,
)
from pytest_timestamps.analysis.module_tree import arrange_modules
from pytest_timestamps.analysis.modules import ModuleTiming, find_module
from pytest_timestamps.analysis.text import (
    count,
    draw_table,
    format_ns,
    printable,
    shorten,
)
from pytest_timestamps.analysis.timings import SortOrder, Timing
from pytest_timestamps.report.left_out import session_callers
from pytest_timestamps.report.model import SessionReport

__all__ = ["hotspot_lines", "left_out", "module_lines"]

NO_MODULE = "(no module)"
LEAST_ROOM = 20
# What is said of what never happens only takes the names' room.
_IF_ANY = frozenset({"errors", "suspended", "open"})

_Cells = list[tuple[str, str]]


def module_lines(
    report: SessionReport, width: int, sort: SortOrder, limit: int | None
) -> tuple[list[str], int]:
    """The table of at most so many modules below their packages, and how many were left out."""
    lines = arrange_modules(report.modules, sort=sort, limit=limit)
    if not lines:
        return [], 0
    known = sum(timing.kind == "module" for timing in report.modules)
    shown = sum(line.timing.kind == "module" for line in lines)
    callers = session_callers(report)
    marks = mark_modules(report.functions, report.call_tree, report.modules, callers)
    rows = [
        [
            ("module", "  " * line.depth + printable(line.label)),
            ("functions", f"{line.timing.functions:,}"),
            *_module_cells(line.timing, marks, report.session.work_ns),
        ]
        for line in lines
    ]
    return _fit(rows, width), known - shown


def hotspot_lines(
    report: SessionReport,
    ranked: Sequence[Timing],
    callers: Callers,
    width: int,
    *,
    detailed: bool,
) -> list[str]:
    """The functions, in the order given, below their modules, in order of their first function.

    A module's row counts all of its functions, those that are not shown too.
    """
    modules = {row.name: row for row in report.modules if row.kind == "module"}
    marks = mark_modules(report.functions, report.call_tree, report.modules, callers)
    groups: dict[str, list[Timing]] = {}
    for timing in ranked:
        groups.setdefault(find_module(timing.name, modules), []).append(timing)
    whole_ns = report.session.work_ns
    rows: list[_Cells] = []
    for name, timings in groups.items():
        figures = _module_cells(modules[name], marks, whole_ns) if name else []
        rows.append([("function", printable(name or NO_MODULE)), *figures])
        start = len(name) + 1 if name else 0
        rows += [
            [
                ("function", f"  {printable(timing.name[start:])}"),
                *_function_cells(timing, callers, whole_ns, detailed),
            ]
            for timing in timings
        ]
    return _fit(rows, width)


def left_out(number: int, how: str) -> list[str]:
    """The line that tells of modules without a row."""
    return [f"... and {count(number, 'more module')} ({how})"] if number else []


def _module_cells(
    timing: ModuleTiming, marks: Mapping[ModuleTiming, Marks], whole_ns: int
) -> _Cells:
    its = marks.get(timing, Marks())
    own = marked(its.self, timing.self_ns)
    return [
        ("calls", f"{its.calls}{timing.calls:,}"),
        ("total", marked(its.total, timing.cumulative_ns)),
        ("self", own),
        ("share", share_text(timing.self_ns, own, whole_ns)),
        ("errors", f"{its.calls}{timing.errors:,}"),
    ]


def _function_cells(
    timing: Timing, callers: Callers, whole_ns: int, detailed: bool
) -> Iterator[tuple[str, str]]:
    texts = time_texts(timing, callers)
    yield "calls", texts.calls
    yield "total", texts.total
    yield "self", texts.self
    yield "share", share_text(timing.self_ns, texts.self, whole_ns)
    yield "errors", texts.errors
    if detailed:
        yield "average", texts.average
        yield "min", texts.min
        yield "max", texts.max
        yield "suspended", format_ns(timing.suspended_ns) if timing.suspended_ns else ""
    yield "open", f"{timing.open:,}" if timing.open else ""


def _fit(rows: Sequence[_Cells], width: int) -> list[str]:
    """An aligned table that keeps to the width by shortening its first column."""
    headers = list(dict.fromkeys(header for cells in rows for header, _ in cells))
    table = [[dict(cells).get(header, "") for header in headers] for cells in rows]
    empty = [
        at
        for at, header in enumerate(headers)
        if header in _IF_ANY and all(row[at] in ("", "0", "≥0") for row in table)
    ]
    for at in reversed(empty):
        del headers[at]
        for row in table:
            del row[at]
    others = sum(
        max(len(header), *(len(row[at]) for row in table)) + 2
        for at, header in enumerate(headers)
        if at
    )
    room = max(width - others, LEAST_ROOM)
    return draw_table(headers, [[_shortened(row[0], room), *row[1:]] for row in table])


def _shortened(name: str, room: int) -> str:
    """Shortened behind its indentation, which says where it belongs."""
    text = name.lstrip(" ")
    indent = min(len(name) - len(text), room // 2)
    return " " * indent + shorten(text, room - indent)
