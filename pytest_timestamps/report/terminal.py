"""The session report for a terminal: sections of aligned text, for the width at hand."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pytest_timestamps.analysis.certainty import (
    UNKNOWN,
    Callers,
    mark_self,
    marked,
    share_text,
    time_texts,
)
from pytest_timestamps.analysis.text import (
    count,
    display_width,
    format_ns,
    printable,
    shorten,
)
from pytest_timestamps.analysis.timings import SortOrder, Timing, rank_timings
from pytest_timestamps.report.closing import closing_lines
from pytest_timestamps.report.left_out import part_callers, session_callers
from pytest_timestamps.report.model import CaseResult, FixtureResult, SessionReport
from pytest_timestamps.report.module_text import hotspot_lines, left_out, module_lines

__all__ = ["Section", "TerminalStyle", "render_sections", "render_terminal"]


_TEXT_COLUMNS = frozenset({"function", "test", "fixture", "span", "scope", "phase"})


class TerminalStyle(NamedTuple):
    """What the reader asked to see.

    ``top`` bounds the rows of each table; ``min_time_ns`` leaves out functions, fixtures and
    tests that took less in total (None leaves out nothing).
    ``verbosity`` is pytest's: below -1 shows nothing, -1 the shortest form, 1 more columns and
    2 every row.
    ``modules`` bounds the table of modules, 0 leaves it out, None leaves it to whether whole
    packages were recorded; with it hotspots stand below their modules.
    ``more`` and ``more_modules`` tell the reader how to see the rows that were left out.
    """

    width: int = 80
    top: int = 10
    sort: SortOrder = "self"
    min_time_ns: int | None = None
    per_test: bool = False
    timeline: bool = False
    verbosity: int = 0
    modules: int | None = None
    more: str = "--timestamps-top=N shows N, -vv all"
    more_modules: str = "--timestamps-modules=N shows N, -vv all"

    def modules_of(self, report: SessionReport) -> int:
        """How many modules the reader is to see of this report."""
        if self.modules is not None:
            return self.modules
        return 10 if report.session.instrumented else 0


class Section(NamedTuple):
    """A heading and the lines below it."""

    title: str
    lines: list[str]


def render_terminal(report: SessionReport) -> bytes:
    """The report as a plain text of 100 columns, for files and pipes."""
    style = TerminalStyle(width=100)
    blocks = [
        [f" {section.title} ".center(style.width, "="), *section.lines, ""]
        for section in render_sections(report, style)
    ]
    text = "\n".join(line for block in blocks for line in block)
    return text.encode("utf-8", "backslashreplace")


def render_sections(report: SessionReport, style: TerminalStyle) -> list[Section]:
    """All sections that this report and this style call for, in reading order."""
    if style.verbosity < -1:
        return []
    sections = [_hotspots(report, style)]
    if style.verbosity >= 0:
        sections.append(_modules(report, style))
        sections += [_slowest(report, style), _fixtures(report, style)]
    if style.per_test:
        sections.append(_per_test(report, style))
    if style.timeline:
        sections.append(_timeline(report, style))
    sections = [section for section in sections if section.lines]
    closing = closing_lines(report, brief=style.verbosity < 0, detailed=style.verbosity >= 1)
    if not sections:
        return [Section("timestamps", closing)]
    last = sections[-1]
    sections[-1] = Section(
        last.title, [*last.lines, *([""] if style.verbosity >= 0 else []), *closing]
    )
    return sections


def _kept(total_ns: int, style: TerminalStyle) -> bool:
    return style.min_time_ns is None or total_ns >= style.min_time_ns


def _rows_shown(style: TerminalStyle) -> int | None:
    """How many rows a table may have: all at -vv, fewer at -q."""
    if style.verbosity >= 2:
        return None
    return min(style.top, 5) if style.verbosity < 0 else style.top


def _more(shown: int, known: int, style: TerminalStyle) -> list[str]:
    return [f"... and {known - shown:,} more ({style.more})"] if known > shown else []


def _table(headers: Sequence[str], rows: list[list[str]], style: TerminalStyle) -> list[str]:
    """An aligned table that keeps to the width by shortening its first column."""
    # Imported by those who see a table: it costs a session without one more than all the rest.
    from tabulate import tabulate

    # tabulate makes a column two wider than its heading, and sets columns two apart.
    others = sum(
        max(len(header) + 2, *(len(row[at]) for row in rows)) + 2
        for at, header in enumerate(headers)
        if at
    )
    room = max(style.width - others, 24)
    names = [shorten(row[0], room) for row in rows]
    # tabulate takes every character for one column wide: it sees letters in the names' place.
    widths = [display_width(name) for name in names]
    lines = tabulate(
        [["x" * width, *row[1:]] for width, row in zip(widths, rows, strict=True)],
        headers,
        tablefmt="simple",
        colalign=["left" if header in _TEXT_COLUMNS else "right" for header in headers],
        disable_numparse=True,
    ).splitlines()
    named = (
        name + line[width:] for name, width, line in zip(names, widths, lines[2:], strict=True)
    )
    return [*lines[:2], *named]


def _hotspots(report: SessionReport, style: TerminalStyle) -> Section:
    kept = [timing for timing in report.functions if _kept(timing.total_ns, style)]
    if not kept:
        return Section("hotspots", [])
    ranked = rank_timings(kept, sort=style.sort, limit=_rows_shown(style))
    callers = session_callers(report)
    if style.modules_of(report) and report.modules:
        detailed = style.verbosity >= 1
        lines = hotspot_lines(report, ranked, callers, style.width, detailed=detailed)
    else:
        lines = _function_table(ranked, callers, report.session.work_ns, style)
    title = "hotspots" if style.sort == "self" else f"hotspots (by {style.sort})"
    return Section(title, [*lines, *_more(len(ranked), len(kept), style)])


def _modules(report: SessionReport, style: TerminalStyle) -> Section:
    limit = style.modules_of(report)
    if not limit:
        return Section("modules", [])
    shown = None if style.verbosity >= 2 else limit
    lines, left = module_lines(report, style.width, style.sort, shown)
    title = "modules" if style.sort == "self" else f"modules (by {style.sort})"
    return Section(title, [*lines, *left_out(left, style.more_modules)])


def _function_table(
    ranked: Sequence[Timing], callers: Callers, whole_ns: int, style: TerminalStyle
) -> list[str]:
    """One row a function; columns that would be empty throughout are left out."""
    texts = [time_texts(timing, callers) for timing in ranked]
    columns: list[tuple[str, list[str]]] = [
        ("function", [printable(timing.name) for timing in ranked]),
        ("calls", [text.calls for text in texts]),
        ("total", [text.total for text in texts]),
        ("self", [text.self for text in texts]),
        ("average", [text.average for text in texts]),
        (
            "share",
            [
                share_text(timing.self_ns, text.self, whole_ns)
                for timing, text in zip(ranked, texts, strict=True)
            ],
        ),
        ("errors", [text.errors for text in texts]),
    ]
    if style.verbosity >= 1:
        columns += [("min", [text.min for text in texts]), ("max", [text.max for text in texts])]
        if any(timing.suspended_ns for timing in ranked):
            columns.append(("suspended", [format_ns(t.suspended_ns) for t in ranked]))
    if any(timing.open for timing in ranked):
        columns.append(("open", [f"{timing.open:,}" for timing in ranked]))
    headers = [header for header, _ in columns]
    rows = [list(row) for row in zip(*(cells for _, cells in columns), strict=True)]
    return _table(headers, rows, style)


def _slowest(report: SessionReport, style: TerminalStyle) -> Section:
    kept = [test for test in report.tests if _kept(test.phases.total_ns, style)]
    kept.sort(key=lambda test: (-test.phases.total_ns, test.nodeid))
    shown = kept[: _rows_shown(style)]
    if not shown:
        return Section("slowest tests", [])
    rows = [
        [
            printable(test.nodeid),
            format_ns(test.phases.total_ns),
            format_ns(test.phases.setup_ns),
            format_ns(test.phases.call_ns),
            format_ns(test.phases.teardown_ns),
        ]
        for test in shown
    ]
    table = _table(["test", "total", "setup", "call", "teardown"], rows, style)
    lines = table[:2]
    for line, test in zip(table[2:], shown, strict=True):
        lines += [line, *_top_functions(report, test, style)]
    return Section("slowest tests", [*lines, *_more(len(shown), len(kept), style)])


def _top_functions(
    report: SessionReport, owner: CaseResult | FixtureResult, style: TerminalStyle
) -> list[str]:
    """The functions with the most self time of one test or fixture, on one line below its row."""
    parts: list[str] = []
    room = style.width - 4
    callers = part_callers(report, owner)
    for timing in rank_timings(owner.functions, limit=3):
        time = marked(mark_self(timing, callers), timing.self_ns)
        if time == UNKNOWN:
            break
        part = f"{shorten(printable(timing.name), 40)} {time}"
        room -= display_width(part) + 2
        if parts and room < 0:
            break
        parts.append(part)
    return [f"    {', '.join(parts)}"] if parts else []


def _fixtures(report: SessionReport, style: TerminalStyle) -> Section:
    """Fixtures that outlive a test; without -v only those that took noticeable time."""
    least_ns = 0 if style.verbosity >= 1 else 1_000_000
    kept = [
        fixture
        for fixture in report.fixtures
        if _kept(fixture.total_ns, style) and (fixture.total_ns >= least_ns or fixture.functions)
    ]
    kept.sort(key=lambda fixture: (-fixture.total_ns, fixture.name, fixture.nodeid))
    shown = kept[: _rows_shown(style)]
    if not shown:
        return Section("fixtures", [])
    rows = [
        [
            _fixture_label(fixture),
            fixture.scope,
            f"{fixture.setups:,}",
            format_ns(fixture.setup_ns),
            format_ns(fixture.teardown_ns),
        ]
        for fixture in shown
    ]
    table = _table(["fixture", "scope", "setups", "setup", "teardown"], rows, style)
    lines = table[:2]
    for line, fixture in zip(table[2:], shown, strict=True):
        lines += [line, *_top_functions(report, fixture, style)]
    return Section(
        "class, module and session fixtures", [*lines, *_more(len(shown), len(kept), style)]
    )


def _fixture_label(fixture: FixtureResult) -> str:
    where = f" ({printable(fixture.nodeid)})" if fixture.nodeid else ""
    return f"{printable(fixture.name)}{where}"


def _per_test(report: SessionReport, style: TerminalStyle) -> Section:
    """A function table for each test that called decorated code."""
    lines: list[str] = []
    for test in _by_time(report.tests):
        kept = [timing for timing in test.functions if _kept(timing.total_ns, style)]
        if not kept:
            continue
        ranked = rank_timings(kept, sort=style.sort, limit=_rows_shown(style))
        total = format_ns(test.phases.total_ns)
        ending = f": {test.outcome}, {total}"
        lines.append(shorten(printable(test.nodeid), style.width - len(ending)) + ending)
        callers = part_callers(report, test)
        table = _function_table(ranked, callers, test.phases.total_ns, style)
        lines += [*table, *_more(len(ranked), len(kept), style), ""]
    return Section("functions by test", lines[:-1])


def _by_time(tests: Iterable[CaseResult]) -> list[CaseResult]:
    return sorted(tests, key=lambda test: (-test.phases.total_ns, test.nodeid))


def _timeline(report: SessionReport, style: TerminalStyle) -> Section:
    """The first spans in order of their start; the whole timeline is in the JSON report."""
    limit = None if style.verbosity >= 2 else max(style.top, 20)
    shown = report.timeline[:limit]
    if not shown:
        return Section("timeline", ["No span was recorded."])
    rows = [
        [
            f"{printable(span.name)}",
            format_ns(span.start_ns),
            format_ns(span.end_ns - span.start_ns),
            span.phase,
            shorten(printable(span.owner), max(style.width // 3, 20)),
        ]
        for span in shown
    ]
    lines = _table(["span", "start", "time", "phase", "test"], rows, style)
    left = len(report.timeline) - len(shown)
    if left:
        lines.append(f"... and {count(left, 'span')} more; --timestamps-report=json has them all")
    return Section("timeline", lines)
