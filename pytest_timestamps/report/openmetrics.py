"""OpenMetrics text, which GitLab's metrics report compares between branches."""

from collections.abc import Iterable, Iterator, Mapping

from pytest_timestamps.analysis.certainty import MEANINGS, function_marks
from pytest_timestamps.report.left_out import session_callers
from pytest_timestamps.report.model import SessionReport
from pytest_timestamps.report.run_figures import read_run

__all__ = ["render_openmetrics"]

_Labels = Mapping[str, str]
_Sample = tuple[_Labels, int | float]
NANO = 1_000_000_000


def render_openmetrics(report: SessionReport) -> bytes:
    """Gauges of the session, its functions, tests, fixtures and runs; times in seconds.

    A run without a known figure has no sample, nor has the time of a function whose calls were
    only counted: nothing is shown as 0 that is unknown.
    """
    lines: list[str] = []
    for name, unit, text, samples in _families(report):
        rows = [f"{name}{_labels(labels)} {_value(value)}" for labels, value in samples]
        if rows:
            lines.append(f"# TYPE {name} gauge")
            if unit:
                lines.append(f"# UNIT {name} {unit}")
            lines += [f"# HELP {name} {text}", *rows]
    return "\n".join([*lines, "# EOF\n"]).encode("utf-8", "backslashreplace")


def _families(report: SessionReport) -> Iterator[tuple[str, str, str, Iterable[_Sample]]]:
    """Name, unit, help and samples of each family."""
    session, functions = report.session, report.functions
    yield (
        "timestamps_session_duration_seconds", "seconds", "Wall time of the session",
        [({}, session.duration_ns / NANO)],
    )  # fmt: skip
    yield (
        "timestamps_tests", "", "Tests by outcome",
        [({"outcome": outcome}, number) for outcome, number in session.outcomes.items()],
    )  # fmt: skip
    for metric, text in (("calls", "Calls of a function"), ("errors", "Calls that raised")):
        yield (
            f"timestamps_function_{metric}", "", text,
            [({"function": row.name}, getattr(row, metric)) for row in functions],
        )  # fmt: skip
    for metric, text in (
        ("estimated", "Calls of a function whose time is estimated"),
        ("untimed", "Calls of a function that were only counted, in none of its times"),
    ):
        yield (
            f"timestamps_function_{metric}_calls", "", text,
            [({"function": row.name}, getattr(row, metric)) for row in functions
             if getattr(row, metric)],
        )  # fmt: skip
    yield (
        "timestamps_function_left_out", "", "Functions that were left out at some time",
        [({"function": name}, 1) for name in report.left_out],
    )  # fmt: skip
    yield from _certainty_families(report)
    for metric, text in (("self", "without functions called"), ("total", "with functions called")):
        yield (
            f"timestamps_function_{metric}_seconds", "seconds", f"Time of a function {text}",
            [({"function": row.name}, getattr(row, f"{metric}_ns") / NANO) for row in functions
             if row.untimed < max(row.calls, 1)],
        )  # fmt: skip
    yield (
        "timestamps_test_seconds", "seconds", "Time of a test by phase",
        (
            ({"test": test.nodeid, "phase": phase}, getattr(test.phases, f"{phase}_ns") / NANO)
            for test in report.tests
            for phase in ("setup", "call", "teardown")
        ),
    )  # fmt: skip
    yield (
        "timestamps_fixture_seconds", "seconds", "Time of a fixture that outlives a test",
        [
            ({"fixture": row.name, "scope": row.scope, "of": row.nodeid}, row.total_ns / NANO)
            for row in report.fixtures
        ],
    )  # fmt: skip
    yield (
        "timestamps_test_left_out", "", "Functions that were left out in a test, at some time",
        [({"test": test.nodeid}, test.left_out) for test in report.tests if test.left_out],
    )  # fmt: skip
    yield (
        "timestamps_fixture_left_out", "", "Functions that were left out in a fixture",
        [
            ({"fixture": row.name, "scope": row.scope, "of": row.nodeid}, row.left_out)
            for row in report.fixtures if row.left_out
        ],
    )  # fmt: skip
    yield from _run_families(report)


def _certainty_families(report: SessionReport) -> Iterator[tuple[str, str, str, Iterable[_Sample]]]:
    """What the figures of functions are that aren't plainly measured: 1 for what the label says.

    Beside the figures and not among their labels, by which they are compared with other sessions'.
    """
    callers = session_callers(report)
    marks = [(row.name, function_marks(row, callers)) for row in report.functions]
    for metric, of in (("calls", "calls and errors"), ("self", "self time"), ("total", "time")):
        found = [(name, getattr(its, metric)) for name, its in marks]
        yield (
            f"timestamps_function_{metric}_is", "", f"What is known of the {of} of a function",
            [({"function": name, "is": MEANINGS[mark]}, 1) for name, mark in found if mark],
        )  # fmt: skip


def _run_families(report: SessionReport) -> Iterator[tuple[str, str, str, Iterable[_Sample]]]:
    runs = [read_run(run) for run in report.runs]
    for metric, text in (
        ("calls", "Model requests of a token run"),
        ("input_tokens", "Input tokens of a token run, cached ones included"),
        ("output_tokens", "Output tokens of a token run"),
        ("cached_tokens", "Cached input tokens of a token run"),
        ("cost_usd", "Cost of a token run in US dollars"),
    ):
        samples = [
            (
                {"framework": run.framework, "test": run.test, "run": run.run_id, "is": run.trust},
                getattr(run, metric),
            )
            for run in runs
        ]
        known = [(labels, value) for labels, value in samples if value is not None]
        yield f"timestamps_run_{metric}", "", text, known


def _labels(labels: _Labels) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(text)}"' for name, text in labels.items()) + "}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _value(value: int | float) -> str:
    return repr(value)
