"""Downloading a suite, and running it in one of the ways that are compared."""

import json
import os
import pstats
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tools.real_suites.suites import Suite

__all__ = ["Figures", "download", "recorded", "under_cprofile", "without"]

ROOT = Path(__file__).parents[2]
SCRATCH = ROOT / "scratch" / "real-suites"

Outcomes = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Figures:
    """What a recorded run told of one function."""

    calls: int
    self_ns: int
    total_ns: int


def download(suite: Suite) -> Path:
    """The suite's unpacked source distribution, downloaded once."""
    folder = SCRATCH / suite.folder
    if not folder.is_dir():
        SCRATCH.mkdir(parents=True, exist_ok=True)
        options = ["--quiet", "--no-deps", "--no-binary", suite.name, "--dest", str(SCRATCH)]
        subprocess.run(
            [sys.executable, "-m", "pip", "download", *options, suite.requirement], check=True
        )
        with tarfile.open(SCRATCH / f"{suite.folder}.tar.gz") as archive:
            archive.extractall(SCRATCH, filter="data")
    return folder


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
        env=_environment(folder),
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
    """One run of the suite, in a copy of its own: suites may leave files behind."""
    outcomes = SCRATCH / f"{suite.name}-{label}-outcomes.json"
    outcomes.unlink(missing_ok=True)
    copy = SCRATCH / f"{suite.name}-{label}"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(folder / "tests", copy / "tests")
    shutil.copy(folder / "pyproject.toml", copy)
    command = [
        *(sys.executable, *start, "-q", "-p", "tools.real_suites.in_suite"),
        *("-p", "no:cacheprovider", "-W", "default", *suite.options, *options),
    ]
    environment = _environment(folder) | {
        "REAL_SUITES_DECORATE": " ".join(decorate),
        "REAL_SUITES_OUTCOMES": str(outcomes),
    }
    with (SCRATCH / f"{suite.name}-{label}.log").open("w") as log:
        subprocess.run(
            command, cwd=copy, env=environment, stdout=log, stderr=subprocess.STDOUT, check=False
        )
    if not outcomes.exists():
        raise SystemExit(f"{suite.name} did not run ({label}); see {log.name}")
    found: Outcomes = json.loads(outcomes.read_text())
    return found


def _environment(folder: Path) -> dict[str, str]:
    return os.environ | {
        "PYTHONPATH": f"{folder / 'src'}{os.pathsep}{ROOT}",
        # Sets have another order in each run, and with it the calls of what sorts them.
        "PYTHONHASHSEED": "0",
    }
