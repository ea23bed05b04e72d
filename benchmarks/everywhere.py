"""The same measurements on every supported Python, each in an environment of its own."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.page import render_page
from benchmarks.results import Row, row_from_json
from tools.pythons import FoundPython, find_pythons

__all__ = ["measure_everywhere"]

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "performance.md"


def measure_everywhere(sections: Sequence[str], quick: bool) -> int:
    """Measure, and write the page; the exit status is 0 when there was a Python to measure on."""
    pythons = find_pythons()
    if not pythons:
        print("no supported Python was found; see: python -m tools.pythons", file=sys.stderr)
        return 1
    results: list[tuple[dict[str, str], list[Row]]] = []
    for python in pythons:
        content = _measure(python, sections, quick)
        results.append((content["machine"], [row_from_json(row) for row in content["rows"]]))
    page = render_page(results)
    print(page)
    if quick or len(sections) < 2:
        print("a quick or partial run: docs/performance.md is left as it is", file=sys.stderr)
    else:
        PAGE.write_text(page, encoding="utf-8")
        print(f"written: {PAGE.relative_to(ROOT)}", file=sys.stderr)
    return 0


def _measure(python: FoundPython, sections: Sequence[str], quick: bool) -> Any:
    interpreter = _environment(python)
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "rows.json"
        only = [argument for section in sections for argument in ("--only", section)]
        command = [str(interpreter), "-m", "benchmarks", "--json", str(answer), *only]
        subprocess.run([*command, *(["--quick"] if quick else [])], cwd=ROOT, check=True)
        return json.loads(answer.read_text())


def _environment(python: FoundPython) -> Path:
    """A virtual environment with this project and its peers, made once."""
    folder = ROOT / ".nox" / f"bench-{python.version}"
    interpreter = folder / "bin" / "python"
    ready = folder / ".ready"
    if not ready.exists() or ready.stat().st_mtime < (ROOT / "pyproject.toml").stat().st_mtime:
        print(f"setting up {folder.relative_to(ROOT)}", file=sys.stderr, flush=True)
        subprocess.run([python.path, "-m", "venv", "--clear", folder], check=True)
        pip = [str(interpreter), "-m", "pip", "install", "--quiet"]
        subprocess.run([*pip, "--upgrade", "pip"], check=True)
        subprocess.run([*pip, "--editable", ".", "--group", "bench"], cwd=ROOT, check=True)
        ready.touch()
    return interpreter
