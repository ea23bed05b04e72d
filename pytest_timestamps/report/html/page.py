"""Put the page together: template, style, scripts, data."""

import base64
import hashlib
import math
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import cache
from importlib import resources

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from pytest_timestamps.analysis.text import count, format_ns, format_usd
from pytest_timestamps.analysis.thinning import thinning_lines
from pytest_timestamps.report.budget import budget_lines, overhead_share
from pytest_timestamps.report.closing import closing_lines
from pytest_timestamps.report.html.page_data import encode_page_data
from pytest_timestamps.report.left_out import where_left_out
from pytest_timestamps.report.model import SessionReport
from pytest_timestamps.report.outcomes import outcomes_text
from pytest_timestamps.report.run_figures import RunFigures, read_run

__all__ = ["render_html"]

SCRIPTS = (
    "format.js", "marks.js", "data.js", "table.js", "modules.js", "flame.js", "timeline.js",
    "page.js",
)  # fmt: skip


def render_html(report: SessionReport) -> bytes:
    """One file with everything in it; its policy lets a browser run and fetch nothing else."""
    style = _asset("assets/page.css")
    scripts = [_asset("vendor/flamegraph.min.js"), _scripts()]
    page = _template().render(
        policy=_policy(style, scripts),
        style=Markup(style),
        scripts=[Markup(script) for script in scripts],
        licences=_asset("vendor/LICENSES.txt"),
        data=encode_page_data(report),
        started=_moment(report.session.start_s),
        session=report.session,
        machines=report.machines,
        cards=list(_cards(report)),
        outcomes=[item for item in report.session.outcomes.items() if item[1]],
        remarks=closing_lines(report),
        thinning=thinning_lines(
            report.functions, left_out=report.left_out, where=where_left_out(report)
        ),
    )
    return page.encode("utf-8", "backslashreplace")


@cache
def _template() -> Template:
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.from_string(_asset("assets/page.html.j2"))


@cache
def _asset(name: str) -> str:
    return resources.files("pytest_timestamps.report.html").joinpath(name).read_text("utf-8")


def _scripts() -> str:
    return "\n".join(_asset(f"assets/{name}") for name in SCRIPTS)


def _policy(style: str, scripts: list[str]) -> str:
    """Only these very texts may run or style; nothing may be fetched, sent or embedded."""
    allowed = " ".join(map(_hash, scripts))
    return (
        f"default-src 'none'; script-src {allowed}; style-src {_hash(style)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def _moment(moment_s: float) -> str:
    return datetime.fromtimestamp(moment_s, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _cards(report: SessionReport) -> Iterator[tuple[str, str, str]]:
    """The totals: a label, the figure, and what it means."""
    session = report.session
    spans = sum(timing.calls for timing in report.functions)
    errors = sum(timing.errors for timing in report.functions)
    yield "Tests", f"{len(report.tests):,}", outcomes_text(report.session.outcomes)
    shards = len(session.shards)
    wall = "wall time, start to end" if shards == 1 else f"the longest of {shards:,} sessions"
    yield "Session", format_ns(session.duration_ns), wall
    yield "Tests and fixtures", format_ns(session.work_ns), "set-ups, bodies and teardowns"
    functions = count(len(report.functions), "function")
    yield "Calls", f"{spans:,}", f"of {functions}, {errors:,} raised"
    taken_ns = sum(overhead.total_ns for overhead in report.overhead)
    freezing_ns = sum(overhead.freezing_ns for overhead in report.overhead)
    between = f", and {format_ns(freezing_ns)} between tests" if freezing_ns else ""
    share = f"taken out of the functions' times{between}: {overhead_share(report)}"
    kept = "".join(f"; {line.partition(';')[0]}" for line in budget_lines(report)[:1])
    yield "Overhead", format_ns(taken_ns), share + kept
    if report.runs:
        yield _token_card(report)
        yield _cost_card(report)


def _token_card(report: SessionReport) -> tuple[str, str, str]:
    """Tokens of the runs that have a figure; the others are counted, not taken for zero."""
    runs = [read_run(run) for run in report.runs]
    known = [run.tokens for run in runs if run.tokens is not None]
    figure = f"{sum(known):,}" if known else "-"
    verified = sum(run.trust == "verified" for run in runs)
    text = f"in {count(len(runs), 'run')}, {verified:,} verified"
    return "Tokens", figure, text + _reservations(runs, len(runs) - len(known))


def _cost_card(report: SessionReport) -> tuple[str, str, str]:
    """The same for what the runs cost, as far as prices are known."""
    runs = [read_run(run) for run in report.runs]
    known = [run.cost_usd for run in runs if run.cost_usd is not None]
    bound = "at most, " if any(run.cost_is_upper_bound for run in runs) else ""
    figure = f"${format_usd(math.fsum(known))}" if known else "-"
    text = f"{bound}of {count(len(known), 'run')}"
    return "Cost", figure, text + _reservations(runs, len(runs) - len(known))


def _reservations(runs: Sequence[RunFigures], unknown: int) -> str:
    """What the sum lacks: runs without the figure, and runs of which only a part was seen."""
    partial = sum(run.trust == "incomplete" for run in runs)
    parts = [(unknown, "without a figure"), (partial, "known only in part")]
    return "".join(f", {number:,} {text}" for number, text in parts if number)
