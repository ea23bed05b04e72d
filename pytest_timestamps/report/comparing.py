"""Compare session reports: figures, gates, and what a reader must know about both sides."""

from collections.abc import Sequence
from dataclasses import dataclass

from pytest_timestamps.analysis.changes import NoisePolicy, Subject
from pytest_timestamps.analysis.comparison import Comparison, compare
from pytest_timestamps.analysis.gates import TIMES, Gate, Metric
from pytest_timestamps.analysis.text import count
from pytest_timestamps.report.figures import comparable_figures, growth_doubts
from pytest_timestamps.report.model import Machine, SessionReport
from pytest_timestamps.report.run_figures import read_run, run_label

__all__ = ["ReportComparison", "compare_reports"]

_MACHINE_FIELDS = (
    "hostname", "system", "architecture", "cpu", "cpu_count", "python_implementation",
    "python_version",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ReportComparison:
    """A comparison, the ids of the sessions compared, and warnings and notes about them.

    Without ``base_ids`` there was no BASE, and only limits on HEAD's own figures were judged.
    """

    comparison: Comparison
    base_ids: tuple[str, ...]
    head_ids: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """Whether any gate was exceeded."""
        return bool(self.comparison.breaches)


def compare_reports(
    bases: Sequence[SessionReport],
    heads: Sequence[SessionReport],
    gates: Sequence[Gate] = (),
    policy: NoisePolicy | None = None,
) -> ReportComparison:
    """HEAD's reports against BASE's, several of each being repetitions of the same session."""
    compared = compare(
        [comparable_figures(report) for report in bases],
        [comparable_figures(report) for report in heads],
        gates,
        policy,
        growth_doubts(bases, heads),
    )
    return ReportComparison(
        compared,
        tuple(report.session.id for report in bases),
        tuple(report.session.id for report in heads),
        (
            *_machine_warnings(bases, heads),
            *_fixture_warnings((*bases, *heads)),
            *_recording_warnings((*bases, *heads)),
            *_estimate_warnings((*bases, *heads)),
            *_trust_warnings(bases, heads),
            *_left_out_warnings((*bases, *heads)),
            *_gate_warnings(compared),
        ),
        _core_notes(bases, heads),
    )


def _machine_warnings(bases: Sequence[SessionReport], heads: Sequence[SessionReport]) -> list[str]:
    """A line if the two sides, or the files of one side, ran on different machines."""
    before, after = _machines(bases), _machines(heads)
    differences: list[str] = []
    for field in _MACHINE_FIELDS:
        seen, now = ({str(getattr(m, field)) for m in side} for side in (before, after))
        if seen != now or len(seen) > 1:
            values = f"{'/'.join(sorted(seen))} and {'/'.join(sorted(now))}"
            differences.append(f"{field} {values}")
    if not differences:
        return []
    return [
        f"BASE and HEAD come from different machines ({'; '.join(differences)}): "
        "trust the counts, not the times"
    ]


def _machines(reports: Sequence[SessionReport]) -> list[Machine]:
    return [machine for report in reports for machine in report.machines]


def _core_notes(bases: Sequence[SessionReport], heads: Sequence[SessionReport]) -> tuple[str, ...]:
    """A line if the core of recording was compiled for some of them and not for others."""
    before, after = _cores(bases), _cores(heads)
    # Without a span there is nothing that a core may have bent.
    if not (before and after) or len(before | after) == 1:
        return ()
    one, other = (" and ".join(sorted(cores, reverse=True)) for cores in (before, after))
    return (
        f"BASE was recorded by {one}, HEAD by {other}: what of recording's cost remains in the "
        "times of short functions differs, as a call costs half with the core compiled; counts "
        "are the same",
    )


def _cores(reports: Sequence[SessionReport]) -> set[str]:
    return {
        "the compiled core" if overhead.compiled else "plain Python"
        for report in reports
        for overhead in report.overhead
        if overhead.spans
    }


def _fixture_warnings(reports: Sequence[SessionReport]) -> list[str]:
    """A line if a fixture of which calls were recorded was set up more often in some reports.

    xdist sets a wide fixture up in each worker that gets a test of it, which differs by chance.
    """
    setups: dict[tuple[str, str, str], list[int]] = {}
    for report in reports:
        for fixture in report.fixtures:
            if fixture.functions:
                key = fixture.name, fixture.nodeid, fixture.scope
                setups.setdefault(key, []).append(fixture.setups)
    # One that a report hasn't got is new or gone, which is a change like any other.
    uneven = {
        name
        for (name, *_), counts in setups.items()
        if len(counts) == len(reports) and len(set(counts)) > 1
    }
    if not uneven:
        return []
    names = sorted(uneven)
    return [
        f"{count(len(names), 'fixture')} not set up equally often in all reports "
        f"({_first(names)}), as xdist does it once a worker: so often their calls count"
    ]


def _first(names: Sequence[str]) -> str:
    """A few of them, and how many there are besides."""
    more = [f"and {len(names) - 3} more"] if len(names) > 3 else []
    return ", ".join([*names[:3], *more])


def _recording_warnings(reports: Sequence[SessionReport]) -> list[str]:
    dropped = sum(report.dropped_paths for report in reports)
    if not dropped:
        return []
    return [f"{count(dropped, 'span')} past the cap on call paths are counted in their callers"]


def _estimate_warnings(reports: Sequence[SessionReport]) -> list[str]:
    names = sorted({row.name for report in reports for row in report.functions if row.estimated})
    if not names:
        return []
    return [
        f"times of {count(len(names), 'function')} are estimated ({_first(names)}): "
        "gates count only what exceeds the doubt about them"
    ]


def _left_out_warnings(reports: Sequence[SessionReport]) -> list[str]:
    names = sorted({name for report in reports for name in report.left_out})
    if not names:
        return []
    return [
        f"{count(len(names), 'function')} left out to keep to the budget ({_first(names)}): of "
        "them, of the calls of tests without them, and of the self times of what may have called "
        "them only bounds are known, and a gate fails only where these prove it"
    ]


def _trust_warnings(bases: Sequence[SessionReport], heads: Sequence[SessionReport]) -> list[str]:
    """Runs whose figures come from different sources, or are only a part."""
    sources: dict[str, set[str]] = {}
    bounds: set[str] = set()
    for report in (*bases, *heads):
        for run in map(read_run, report.runs):
            sources.setdefault(run_label(run), set()).add(run.trust)
            if run.cost_is_upper_bound:
                bounds.add(run_label(run))
    mixed = [label for label, trusts in sources.items() if len(trusts - {"unknown"}) > 1]
    partial = [label for label, trusts in sources.items() if "incomplete" in trusts]
    lines: list[str] = []
    if mixed:
        lines.append(
            f"{count(len(mixed), 'run')} with figures of different sources "
            f"({', '.join(sorted(mixed)[:3])}): verified ones may differ from observed ones"
        )
    if partial:
        lines.append(
            f"{count(len(partial), 'run')} observed only in part "
            f"({', '.join(sorted(partial)[:3])}): more was used than is shown"
        )
    if bounds:
        lines.append(
            f"{count(len(bounds), 'run')} whose cost is an upper bound "
            f"({', '.join(sorted(bounds)[:3])}): a part may have been cheaper"
        )
    return lines


def _gate_warnings(compared: Comparison) -> list[str]:
    """Why figures were withheld from gates: a line for each metric."""
    subjects: dict[Metric, set[Subject]] = {}
    for one in compared.withheld:
        subjects.setdefault(one.change.metric, set()).add(one.change.subject)
    return [_unknown(metric, len(found)) for metric, found in subjects.items()]


def _unknown(metric: Metric, number: int) -> str:
    if metric in TIMES:
        return (
            f"{count(number, f'{metric} time')} withheld: calls were only counted or left out, and "
            "their time is with their callers"
        )
    if metric not in ("tokens", "cost"):
        return f"{count(number, 'number')} of {metric} withheld: there may have been more"
    verb = "is" if metric == "cost" else "are"
    return f"the {metric} of {count(number, 'run')} {verb} unknown and not compared"
