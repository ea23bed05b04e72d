"""The profilers, each started in the way its own users start it."""

import importlib.util
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benchmarks.packages.compiled_core import why_not_compiled
from benchmarks.packages.functions import Place
from benchmarks.packages.sampled import PROGRAM
from benchmarks.packages.self_times import (
    Times,
    from_pstats,
    from_report,
    from_samples,
    from_trace,
)
from benchmarks.packages.total_times import totals_from_pstats, totals_from_report

__all__ = [
    "COMPILED",
    "CPROFILE",
    "OURS",
    "OURS_IN_FULL",
    "OURS_MODULE",
    "PLAIN",
    "PROFILERS",
    "SAMPLED",
    "WITHOUT",
    "Profiler",
    "missing",
    "profiler_version",
]

WITHOUT = "no profiler"
CPROFILE = "cProfile"
PLAIN = "cProfile, builtins=False"
OURS = "--timestamps-instrument"
COMPILED = "--timestamps-instrument, compiled"
OURS_IN_FULL = "--timestamps-instrument, JSON"
SAMPLED = "py-spy, beside it"

OURS_MODULE = "pytest_timestamps"


@dataclass(frozen=True, slots=True)
class Profiler:
    """A profiler of whole runs.

    ``start`` is how Python comes to pytest, ``options`` are pytest's; in both ``{package}`` is the
    package's name, ``{out}`` a path of its own to write to. ``reads`` finds self times in what it
    wrote to ``written``, ``reads_totals`` total times; None for one that doesn't tell them.
    One that is ``compiled`` is this project's own, with its core compiled. ``program`` has to lie
    beside Python, if it is one; ``repeats`` is how often it runs in each round, for one that tells
    little each time.
    """

    name: str
    module: str
    distribution: str = ""
    start: Sequence[str] = ("-m", "pytest")
    options: Sequence[str] = ()
    written: str = "{out}"
    reads: Callable[[Path, Mapping[Place, str]], Times] | None = None
    reads_totals: Callable[[Path, Mapping[Place, str]], Times] | None = None
    compiled: bool = False
    program: str = ""
    repeats: int = 1


_OURS = Profiler(
    OURS,
    OURS_MODULE,
    options=(
        *("-p", "pytest_timestamps.plugin", "--timestamps-instrument={package}"),
        "--timestamps-report=csv:{out}",
    ),
    reads=from_report,
    reads_totals=totals_from_report,
)

PROFILERS: tuple[Profiler, ...] = (
    Profiler(
        CPROFILE,
        "cProfile",
        start=("-m", "cProfile", "-o", "{out}", "-m", "pytest"),
        reads=from_pstats,
        reads_totals=totals_from_pstats,
    ),
    # Nobody starts it like this: it is what the others are held against.
    Profiler(
        PLAIN,
        "cProfile",
        start=("-m", "benchmarks.packages.plain_cprofile", "{out}", "pytest"),
        reads=from_pstats,
        reads_totals=totals_from_pstats,
    ),
    # Likewise: what it finds has nothing of what recording costs in it.
    Profiler(
        SAMPLED,
        "pytest",
        "py-spy",
        start=("-m", "benchmarks.packages.sampled", "{out}", "pytest"),
        reads=from_samples,
        program=PROGRAM,
        repeats=4,
    ),
    _OURS,
    replace(_OURS, name=COMPILED, compiled=True),
    # What none of the others has: each test's own call tree.
    Profiler(
        OURS_IN_FULL,
        OURS_MODULE,
        options=(
            *("-p", "pytest_timestamps.plugin", "--timestamps-instrument={package}"),
            "--timestamps-report=json:{out}",
        ),
        reads=from_report,
        reads_totals=totals_from_report,
    ),
    Profiler(
        "pytest-profiling",
        "pytest_profiling",
        "pytest-profiling",
        options=("-p", "pytest_profiling", "--profile", "--pstats-dir={out}"),
        written="{out}/combined.prof",
        reads=from_pstats,
        reads_totals=totals_from_pstats,
    ),
    Profiler(
        "pyinstrument",
        "pyinstrument",
        "pyinstrument",
        start=("-m", "pyinstrument", "-r", "pstats", "-o", "{out}", "-m", "pytest"),
        reads=from_pstats,
        reads_totals=totals_from_pstats,
    ),
    Profiler(
        "viztracer",
        "viztracer",
        "viztracer",
        start=("-m", "viztracer", "--quiet", "-o", "{out}.json", "-m", "pytest"),
        written="{out}.json",
        reads=from_trace,
    ),
    # It tells the time of each line, with all that the line calls: there is no self time in that.
    Profiler(
        "pytest-autoprofile",
        "pytest_autoprofile",
        "pytest-autoprofile",
        options=(
            *("-p", "pytest_autoprofile.plugin", "--recursive-autoprof={package}"),
            "--autoprof-outfile={out}",
        ),
    ),
)


def missing(profiler: Profiler) -> str:
    """Why the profiler can't be used with this Python, empty if it can."""
    if importlib.util.find_spec(profiler.module) is None:
        return f"{profiler.distribution or profiler.name} is not installed"
    if profiler.program and not Path(sys.executable).with_name(profiler.program).exists():
        return f"{profiler.program} is not installed"
    return why_not_compiled() if profiler.compiled else ""


def profiler_version(profiler: Profiler) -> str:
    """The version of what is installed, empty for what comes with Python or is not there."""
    try:
        return version(profiler.distribution) if profiler.distribution else ""
    except PackageNotFoundError:
        return ""
