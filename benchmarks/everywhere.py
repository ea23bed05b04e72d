"""The same measurements on every supported Python, each in an environment of its own."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.environments import environment, environment_folder
from benchmarks.page import render_page
from benchmarks.results import Row, row_from_json
from tools.pythons import FoundPython, find_pythons

__all__ = ["measure_everywhere"]

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "performance.md"


def measure_everywhere(sections: Sequence[str], quick: bool, only: str | None = None) -> int:
    """Measure, and write the page; the exit status is 0 when there was a Python to measure on.

    With ``only`` one Python is measured anew, and the others' last rows stand beside it.
    """
    pythons = find_pythons()
    if only not in (None, *(python.version for python in pythons)):
        print(f"Python {only} was not found; see: python -m tools.pythons", file=sys.stderr)
        return 1
    for python in pythons:
        if only in (None, python.version):
            _measure(python, sections, quick)
    results: list[tuple[dict[str, str], list[Row]]] = []
    for python in pythons:
        if _rows_of(python).exists():
            content = json.loads(_rows_of(python).read_text())
            results.append((content["machine"], [row_from_json(row) for row in content["rows"]]))
    page = render_page(results)
    print(page)
    if quick or len(sections) < 2:
        print("a quick or partial run: docs/performance.md is left as it is", file=sys.stderr)
    else:
        PAGE.write_text(page, encoding="utf-8")
        print(f"written: {PAGE.relative_to(ROOT)}", file=sys.stderr)
    return 0 if results else 1


def _measure(python: FoundPython, sections: Sequence[str], quick: bool) -> None:
    interpreter = environment("bench", python, ["--group", "bench"])
    only = [argument for section in sections for argument in ("--only", section)]
    command = [str(interpreter), "-m", "benchmarks", "--json", str(_rows_of(python)), *only]
    subprocess.run([*command, *(["--quick"] if quick else [])], cwd=ROOT, check=True)


def _rows_of(python: FoundPython) -> Path:
    """Where a Python's last rows are kept: in its environment, and thrown away with it."""
    return environment_folder("bench", python) / "rows.json"
