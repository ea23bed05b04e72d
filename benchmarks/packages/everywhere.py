"""The same measurements on every supported Python, each in an environment of its own."""

import json
import subprocess
import sys
from pathlib import Path

from benchmarks.environments import environment, environment_folder
from benchmarks.packages.measuring import Measured, measured_from_json
from benchmarks.packages.page import render_page
from benchmarks.packages.profilers import PROFILERS
from tools.pythons import FoundPython, find_pythons

__all__ = ["measure_everywhere"]

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "performance-packages.md"


def measure_everywhere(rounds: int, only: str | None) -> int:
    """Measure, and write the page; the exit status is that of the Python that did worst.

    With ``only`` one Python is measured anew, and the others' last figures stand beside it.
    """
    pythons = find_pythons()
    if only not in (None, *(python.version for python in pythons)):
        print(f"Python {only} was not found; see: python -m tools.pythons", file=sys.stderr)
        return 1
    statuses = [_measure(python, rounds) for python in pythons if only in (None, python.version)]
    results: list[tuple[dict[str, str], list[Measured]]] = []
    for python in pythons:
        if _figures_of(python).exists():
            content = json.loads(_figures_of(python).read_text())
            rows = [measured_from_json(row) for row in content["rows"]]
            results.append((content["machine"], rows))
    PAGE.write_text(render_page(results), encoding="utf-8")
    print(f"written: {PAGE.relative_to(ROOT)}", file=sys.stderr)
    return max(statuses)


def _measure(python: FoundPython, rounds: int) -> int:
    # trio: the only thing that one of the suites needs beside pytest.
    interpreter = environment("packages", python, ["trio"])
    for profiler in PROFILERS:
        if profiler.distribution:
            _try_to_install(interpreter, profiler.distribution)
    command = [str(interpreter), "-m", "benchmarks.packages", "--rounds", str(rounds)]
    figures = ["--json", str(_figures_of(python))]
    return subprocess.run([*command, *figures], cwd=ROOT, check=False).returncode


def _try_to_install(interpreter: Path, distribution: str) -> None:
    """One that can't be installed is shown as absent, and stops nobody."""
    command = [str(interpreter), "-m", "pip", "install", "--quiet", distribution]
    if subprocess.run(command, check=False).returncode:
        print(f"{distribution} can't be installed on this Python", file=sys.stderr)


def _figures_of(python: FoundPython) -> Path:
    return environment_folder("packages", python) / "figures.json"
