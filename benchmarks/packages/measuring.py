"""Run one suite under every profiler, round by round."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.children import compiling
from benchmarks.packages.agreement import Agreement, added, agreement, hottest
from benchmarks.packages.compiled_core import compiled_first
from benchmarks.packages.functions import Place, functions_of
from benchmarks.packages.profilers import (
    CPROFILE,
    OURS_MODULE,
    PLAIN,
    SAMPLED,
    WITHOUT,
    Profiler,
    missing,
)
from benchmarks.packages.reports import overhead_in_table
from benchmarks.packages.self_times import Times
from tools.real_suites.running import Outcomes, SuiteRun, differing, run_suite
from tools.real_suites.sources import SCRATCH, download, lay_out, suite_variables
from tools.real_suites.suites import Suite

__all__ = ["Measured", "measure_suite", "measured_from_json", "measured_to_json"]


@dataclass(frozen=True, slots=True)
class Measured:
    """One profiler on one suite.

    ``absent`` says why there is nothing to tell; then all else is empty. ``wall_s`` is the median
    of the rounds; ``differing`` says which outcomes changed, empty if none; ``agreement`` is with
    cProfile, ``plain_agreement`` with its plain form, both by self time, ``total_agreement`` with
    cProfile by total time, ``sampled_agreement`` with what was sampled from outside, by self time.
    ``hottest`` has names and seconds of self time over all rounds, the most first. ``told`` is
    which part of the time that a run took longer the report says recording cost, None for one that
    doesn't.
    """

    suite: str
    profiler: str
    absent: str = ""
    tests: int = 0
    rounds: int = 0
    wall_s: float = 0.0
    wall_ratio: float = 0.0
    processor_ratio: float = 0.0
    differing: str = ""
    agreement: Agreement | None = None
    plain_agreement: Agreement | None = None
    total_agreement: Agreement | None = None
    sampled_agreement: Agreement | None = None
    told: float | None = None
    hottest: Sequence[tuple[str, float]] = ()


@dataclass(slots=True)
class _Subject:
    """A profiler, or none, and what its rounds have given so far."""

    profiler: Profiler
    absent: str = ""
    runs: list[SuiteRun] = field(default_factory=list)
    times: list[Times] = field(default_factory=list)
    totals: list[Times] = field(default_factory=list)
    overheads_s: list[float | None] = field(default_factory=list)


def measure_suite(suite: Suite, profilers: Sequence[Profiler], rounds: int) -> Iterator[Measured]:
    """Every profiler in turn, each round beginning with another one; first of all, without one."""
    folder = download(suite)
    functions = functions_of(suite.name, folder / suite.source)
    place = SCRATCH / f"{suite.name}-profiled"
    lay_out(folder, place)
    environment = compiling(PYTEST_DISABLE_PLUGIN_AUTOLOAD="1", **suite_variables(suite, folder))
    without = _Subject(Profiler(WITHOUT, "pytest"))
    # It compiles, fills the system's file cache, and tells what the outcomes have to be.
    outcomes = run_suite(place, "first", environment).outcomes
    if outcomes is None:
        yield Measured(suite.requirement, WITHOUT, f"it did not run; see {place}-first.log")
        return
    subjects = [without, *(_Subject(one, missing(one)) for one in profilers)]
    for number in range(rounds):
        start = number % len(subjects)
        for subject in (*subjects[start:], *subjects[:start]):
            for _ in range(subject.profiler.repeats):
                if not subject.absent:
                    _run(subject, suite, place, environment, functions)
    yield from _results(suite, subjects, without, outcomes)


def _run(
    subject: _Subject,
    suite: Suite,
    place: Path,
    environment: Mapping[str, str],
    functions: Mapping[Place, str],
) -> None:
    profiler = subject.profiler
    out = SCRATCH / f"{place.name}-written"
    for path in (out, out.with_name(f"{out.name}.json")):
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
    filled = {"package": suite.name, "out": str(out)}
    run = run_suite(
        place,
        profiler.module,
        compiled_first(environment) if profiler.compiled else environment,
        [part.format(**filled) for part in profiler.start],
        [part.format(**filled) for part in profiler.options],
    )
    if run.outcomes is None:
        subject.absent = f"no test was run; the last line was: {_last_line(run.log)}"
        return
    subject.runs.append(run)
    written = Path(profiler.written.format(**filled))
    if profiler.reads is not None and written.exists():
        subject.times.append(profiler.reads(written, functions))
    if profiler.reads_totals is not None and written.exists():
        subject.totals.append(profiler.reads_totals(written, functions))
    if profiler.module == OURS_MODULE and written.exists():
        subject.overheads_s.append(overhead_in_table(written))


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "it said nothing")


def _results(
    suite: Suite, subjects: Sequence[_Subject], without: _Subject, outcomes: Outcomes
) -> Iterator[Measured]:
    times_of = {one.profiler.name: _in_halves(one) for one in subjects}
    totals_of = {one.profiler.name: one.totals for one in subjects}
    for subject in subjects:
        name, runs = subject.profiler.name, subject.runs
        if subject.absent or not runs:
            yield Measured(suite.requirement, name, subject.absent or "it was not run")
            continue
        pairs = [(run, without.runs[i // subject.profiler.repeats]) for i, run in enumerate(runs)]
        changed = [run.outcomes for run in runs if run.outcomes != outcomes]
        times = added(subject.times)
        yield Measured(
            suite.requirement,
            name,
            tests=len(outcomes),
            rounds=len(without.runs),
            wall_s=median(run.wall_s for run in runs),
            wall_ratio=median(run.wall_s / base.wall_s for run, base in pairs),
            processor_ratio=median(run.processor_s / base.processor_s for run, base in pairs),
            differing=differing(outcomes, changed[0] or {}) if changed else "",
            agreement=_agreement(name, times_of, CPROFILE),
            plain_agreement=_agreement(name, times_of, PLAIN),
            total_agreement=_agreement(name, totals_of, CPROFILE),
            sampled_agreement=_agreement(name, times_of, SAMPLED),
            told=_told(subject, pairs),
            hottest=[(one, times[one]) for one in hottest(times, 10)],
        )


def _in_halves(subject: _Subject) -> Sequence[Times]:
    """Each run's times; of one that tells little each time the sums of every other run."""
    if subject.profiler.repeats == 1:
        return subject.times
    return [added(subject.times[::2]), added(subject.times[1::2])] if subject.times else []


def _told(subject: _Subject, pairs: Sequence[tuple[SuiteRun, SuiteRun]]) -> float | None:
    longer_s = [run.wall_s - base.wall_s for run, base in pairs]
    told = [
        overhead_s / more_s
        for overhead_s, more_s in zip(subject.overheads_s, longer_s, strict=False)
        if overhead_s is not None and more_s > 0
    ]
    return median(told) if told else None


def _agreement(
    name: str, times_of: Mapping[str, Sequence[Times]], reference: str
) -> Agreement | None:
    """The reference is held against itself, its first round against the others: its noise."""
    times, rounds = times_of[name], times_of.get(reference, ())
    if name == reference:
        times, rounds = times[:1], rounds[1:]
    return agreement(added(times), rounds) if times and rounds else None


def measured_to_json(measured: Measured) -> dict[str, Any]:
    return asdict(measured)


def measured_from_json(content: dict[str, Any]) -> Measured:
    names = ("agreement", "plain_agreement", "total_agreement", "sampled_agreement")
    found = {name: content.get(name) for name in names}
    agreements = {name: Agreement(**one) for name, one in found.items() if one}
    return Measured(**{**content, **dict.fromkeys(names), **agreements})
