"""Running a suite in one of the ways that are compared."""

import json
import os
import pstats
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.real_suites.running import Outcomes, run_suite
from tools.real_suites.sources import SCRATCH, lay_out, suite_variables
from tools.real_suites.suites import Suite

__all__ = ["Figures", "recorded", "under_cprofile", "without"]


@dataclass(frozen=True, slots=True)
class Figures:
    """What a recorded run told of one function."""

    calls: int
    self_ns: int
    total_ns: int


def without(suite: Suite, folder: Path) -> Outcomes:
    """The suite's outcomes without the plugin, nothing decorated."""
    return _run(suite, folder, "without", ["-m", "pytest"], ["-p", "no:timestamps"], [])


def recorded(
    suite: Suite, folder: Path, label: str, options: Sequence[str]
) -> tuple[Outcomes, dict[str, Figures]]:
    """Outcomes, and figures by ``module.qualified.name``, with ``--timestamps``."""
    report = SCRATCH / f"{suite.name}-{label}.json"
    asked = [f"--timestamps-report=json:{report}", *options]
    outcomes = _run(suite, folder, label, ["-m", "pytest"], asked, suite.functions)
    functions = json.loads(report.read_text())["functions"]
    return outcomes, {
        row["name"]: Figures(row["calls"], row["self_ns"], row["total_ns"]) for row in functions
    }


def under_cprofile(suite: Suite, folder: Path) -> dict[str, float]:
    """Cumulative seconds of the same functions, undecorated, by the same names."""
    profile = SCRATCH / f"{suite.name}.pstats"
    start = ["-m", "cProfile", "-o", str(profile), "-m", "pytest"]
    _run(suite, folder, "cprofile", start, ["-p", "no:timestamps"], [])
    return _cumulative(profile, suite, folder)


def _cumulative(profile: Path, suite: Suite, folder: Path) -> dict[str, float]:
    """pstats knows a function by its file, line and bare name; the line tells methods apart."""
    places = _places(suite, folder)
    stats: Mapping[tuple[str, int, str], tuple[int, int, float, float, object]]
    stats = pstats.Stats(str(profile)).stats  # type: ignore[attr-defined]  # typeshed has it not
    return {
        name: cumulative
        for (file, line, _), (_, _, _, cumulative, _) in stats.items()
        if (name := places.get((os.path.realpath(file), line)))
    }


def _places(suite: Suite, folder: Path) -> dict[tuple[str, int], str]:
    program = (
        "import functools, importlib, json, os, sys\n"
        "for target in sys.argv[1:]:\n"
        "    module, _, path = target.partition(':')\n"
        "    f = functools.reduce(getattr, path.split('.'), importlib.import_module(module))\n"
        "    code = f.__code__\n"
        "    place = os.path.realpath(code.co_filename), code.co_firstlineno\n"
        "    print(json.dumps([place, f'{f.__module__}.{f.__qualname__}']))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, *suite.functions],
        env=os.environ | suite_variables(suite, folder),
        capture_output=True,
        text=True,
        check=True,
    )
    rows = (json.loads(line) for line in done.stdout.splitlines())
    return {(file, line): name for (file, line), name in rows}


def _run(
    suite: Suite,
    folder: Path,
    label: str,
    start: Sequence[str],
    options: Sequence[str],
    decorate: Sequence[str],
) -> Outcomes:
    """One run of the suite, in a copy of its own."""
    copy = SCRATCH / f"{suite.name}-{label}"
    lay_out(folder, copy)
    variables = suite_variables(suite, folder) | {"REAL_SUITES_DECORATE": " ".join(decorate)}
    run = run_suite(copy, label, os.environ | variables, start, options)
    if run.outcomes is None:
        raise SystemExit(f"{suite.name} did not run ({label}); see {run.log}")
    return run.outcomes
