"""Markdown as GitHub and GitLab show it: for a job's summary or a pull request's comment."""

from collections.abc import Sequence

from pytest_timestamps.analysis.certainty import (
    Marks,
    mark_modules,
    marked,
    share_text,
    time_texts,
)
from pytest_timestamps.analysis.module_tree import arrange_modules
from pytest_timestamps.analysis.text import (
    count,
    format_ns,
    printable,
    shorten,
)
from pytest_timestamps.report.closing import closing_lines
from pytest_timestamps.report.left_out import session_callers
from pytest_timestamps.report.model import SessionReport
from pytest_timestamps.report.outcomes import outcomes_text
from pytest_timestamps.report.run_figures import RunFigures, read_run

__all__ = ["markdown_code", "markdown_table", "render_markdown"]

FUNCTIONS = 30
MODULES = 20
TESTS = 20
RUNS = 50
NAME_WIDTH = 120
# What would end or change a code span within a table's cell.
_UNSAFE = frozenset("`|\\")


def render_markdown(report: SessionReport) -> bytes:
    """Hotspots, modules, slowest tests, token runs: bounded, so that any summary has room for it.

    Modules are shown where whole packages were recorded.
    """
    lines = ["## Where the time went", "", *_outcomes(report), ""]
    lines += _hotspots(report) + _modules(report) + _slowest(report) + _runs(report)
    lines += [f"{markdown_text(line)}  " for line in closing_lines(report)]
    return ("\n".join(lines).rstrip() + "\n").encode("utf-8", "backslashreplace")


def markdown_code(name: str) -> str:
    """The name as code, whatever it holds: no markup, no link, no mention comes of it."""
    text = shorten(printable(name), NAME_WIDTH)
    if not text.strip() or _UNSAFE & set(text):
        # HTML's code has entities, Markdown's has not.
        inner = "".join(c if c.isalnum() or c in " ./:-" else f"&#{ord(c)};" for c in text)
        return f"<code>{inner or '&nbsp;'}</code>"
    return f"`{text}`"


def markdown_text(text: str) -> str:
    """Plain text with its markup made harmless."""
    return "".join(f"\\{char}" if char in "\\`*_{}[]<>#|~@" else char for char in text)


def markdown_table(
    headers: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1
) -> list[str]:
    """A table whose first ``left`` columns stand to the left, and an empty line."""
    marks = [":--" if at < left else "--:" for at in range(len(headers))]
    return [f"| {' | '.join(row)} |" for row in (headers, marks, *rows)] + [""]


def _outcomes(report: SessionReport) -> list[str]:
    return [f"{count(len(report.tests), 'test')}: {outcomes_text(report.session.outcomes)}."]


def _more(shown: int, known: int) -> list[str]:
    return [f"… and {known - shown:,} more.", ""] if known > shown else []


def _hotspots(report: SessionReport) -> list[str]:
    shown = report.functions[:FUNCTIONS]
    if not shown:
        return []
    callers = session_callers(report)
    texts = [time_texts(row, callers) for row in shown]
    rows = [
        [
            markdown_code(row.name),
            text.calls,
            markdown_text(text.self),
            share_text(row.self_ns, text.self, report.session.work_ns),
            markdown_text(text.total),
            text.errors,
        ]
        for row, text in zip(shown, texts, strict=True)
    ]
    table = markdown_table(["Hotspot", "Calls", "Self", "Share", "Total", "Errors"], rows)
    return [*table, *_more(len(shown), len(report.functions))]


def _modules(report: SessionReport) -> list[str]:
    if not (report.session.instrumented and report.modules):
        return []
    shown = arrange_modules(report.modules, limit=MODULES)
    found = mark_modules(
        report.functions, report.call_tree, report.modules, session_callers(report)
    )
    times = [
        (marked(marks.self, row.self_ns), marked(marks.total, row.cumulative_ns), marks.calls)
        for row, marks in ((row, found.get(row, Marks())) for _, _, row in shown)
    ]
    rows = [
        [
            markdown_code(f"{row.name}.*" if row.kind == "package" else row.name),
            f"{row.functions:,}",
            f"{least}{row.calls:,}",
            markdown_text(own),
            share_text(row.self_ns, own, report.session.work_ns),
            markdown_text(total),
            f"{least}{row.errors:,}",
        ]
        for (_, _, row), (own, total, least) in zip(shown, times, strict=True)
    ]
    headers = ["Module", "Functions", "Calls", "Self", "Share", "Total", "Errors"]
    known = sum(row.kind == "module" for row in report.modules)
    return [*markdown_table(headers, rows), *_more(min(known, MODULES), known)]


def _slowest(report: SessionReport) -> list[str]:
    ranked = sorted(report.tests, key=lambda test: (-test.phases.total_ns, test.nodeid))
    shown = ranked[:TESTS]
    if not shown:
        return []
    rows = [
        [
            markdown_code(test.nodeid),
            test.outcome,
            format_ns(test.phases.total_ns),
            format_ns(test.phases.setup_ns),
            format_ns(test.phases.call_ns),
            format_ns(test.phases.teardown_ns),
        ]
        for test in shown
    ]
    headers = ["Slowest test", "Outcome", "Time", "Setup", "Call", "Teardown"]
    return [*markdown_table(headers, rows, left=2), *_more(len(shown), len(ranked))]


def _runs(report: SessionReport) -> list[str]:
    if not report.runs:
        return []
    runs = [read_run(run) for run in report.runs[:RUNS]]
    headers = ["Token run", "Test", "Figures", "Calls", "Input", "Cached", "Output", "Cost (USD)"]
    table = markdown_table(headers, [_run_row(run) for run in runs], left=3)
    notes = sorted({f"{run.trust}: {run.note}." for run in runs if run.note})
    return [*table, *_more(len(runs), len(report.runs)), *(f"{_note(note)}  " for note in notes)]


def _run_row(run: RunFigures) -> list[str]:
    counts = (run.calls, run.input_tokens, run.cached_tokens, run.output_tokens)
    return [
        markdown_code(run.run_id[:8]),
        markdown_code(run.test) if run.test else "-",
        run.trust,
        *("-" if number is None else f"{number:,}" for number in counts),
        run.shown_cost,
    ]


def _note(note: str) -> str:
    return markdown_text(shorten(printable(note), 400))
