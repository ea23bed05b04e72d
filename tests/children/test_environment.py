"""The environment by which Python children are reached."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_timestamps.children.environment import STARTERS_VARIABLE, child_variables

TELLS = (
    "import sys\ndef start(load, import_module):\n    sys.told = getattr(sys, 'told', []) + [{}]\n"
)
PRINTS = "import sys; print(getattr(sys, 'told', None))"


def run_python(code: str, variables: dict[str, str], *options: str) -> tuple[str, str]:
    """What a child prints, and what it complains of."""
    command = [sys.executable, *options, "-c", code]
    environ = {**os.environ, **variables}
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
    return done.stdout, done.stderr


def starter(folder: Path, name: str, text: str) -> Path:
    """A starter in a folder of its own."""
    (folder / name).mkdir()
    path = folder / name / "child_start.py"
    path.write_text(text)
    return path


def test_variables_are_added_to_those_there_are(tmp_path: Path) -> None:
    """The path that was there stays behind ours, and each starter runs once."""
    one, two = starter(tmp_path, "one", TELLS.format(1)), starter(tmp_path, "two", TELLS.format(2))
    variables = child_variables(one, {"PYTHONPATH": f"{os.pathsep}/mine"})
    assert variables["PYTHONPATH"].split(os.pathsep)[1:] == ["/mine"]
    variables = child_variables(two, variables)
    assert child_variables(one, variables) == variables
    assert variables[STARTERS_VARIABLE] == f"{one}{os.pathsep}{two}"
    assert run_python(PRINTS, variables) == ("[1, 2]\n", "")


def test_a_failing_starter_stops_nobody(tmp_path: Path) -> None:
    """Nothing is printed, the next one runs, and so does the program."""
    bad = starter(tmp_path, "bad", "def start(load, import_module):\n    raise RuntimeError\n")
    good = starter(tmp_path, "good", TELLS.format(1))
    variables = child_variables(good, child_variables(tmp_path / "none.py", {}))
    variables = child_variables(bad, variables)
    assert run_python(PRINTS, variables) == ("[1]\n", "")


def test_a_hidden_sitecustomize_runs(tmp_path: Path) -> None:
    """The one that would have been found is run under its own name, after the starters."""
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.told = [*sys.told, __name__]\n")
    one = starter(tmp_path, "one", TELLS.format(1))
    variables = child_variables(one, {"PYTHONPATH": str(tmp_path)})
    assert run_python(PRINTS, variables) == ("[1, 'sitecustomize']\n", "")


def test_this_project_is_found_without_being_installed(tmp_path: Path) -> None:
    """An interpreter that has it nowhere on its path loads it from here."""
    text = (
        "import sys\ndef start(load, import_module):\n"
        "    sys.told = import_module('pytest_timestamps.errors').__name__\n"
    )
    variables = child_variables(starter(tmp_path, "one", text), {})
    blocked = tmp_path / "sitecustomize.py"
    blocked.write_text("import pytest_timestamps, sys; sys.told = [sys.told]\n")
    variables["PYTHONPATH"] += f"{os.pathsep}{tmp_path}"
    # -S: without the folder of installed packages, and so without sitecustomize: run by hand
    code = f"import sitecustomize; {PRINTS}"
    out, errors = run_python(code, variables, "-S")
    assert (out, errors) == ("['pytest_timestamps.errors']\n", "")


@pytest.mark.parametrize("options", [("-I",), ("-S",), ("-E",)])
def test_a_child_can_shut_itself_off(tmp_path: Path, options: tuple[str, ...]) -> None:
    """Python's own switches keep starters out."""
    variables = child_variables(starter(tmp_path, "one", TELLS.format(1)), {})
    assert run_python(PRINTS, variables, *options) == ("None\n", "")
