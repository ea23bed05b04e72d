"""What importing costs, and which way imports go."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

HEAVY = {"jinja2", "openai", "pydantic", "rich"}

ADDED_BY_IMPORT = """
import json, sys
before = set(sys.modules)
import pytest_timestamps
print(json.dumps(sorted(set(sys.modules) - before)))
"""

NAMES_LOADED_MODULES = """
import json, sys

def pytest_unconfigure():
    print("loaded", json.dumps(sorted(sys.modules)))
"""


def _run(*arguments: str, cwd: Path) -> str:
    # Coverage's own modules would be counted.
    environment = {key: value for key, value in os.environ.items() if "COVERAGE" not in key}
    done = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env=environment,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_import_needs_the_standard_library_alone(tmp_path: Path) -> None:
    """``import pytest_timestamps`` imports its own modules and the standard library's."""
    added = json.loads(_run("-c", ADDED_BY_IMPORT, cwd=tmp_path))
    assert "pytest_timestamps" in added
    tops = {name.partition(".")[0] for name in added}
    assert tops - sys.stdlib_module_names == {"pytest_timestamps"}


@pytest.mark.parametrize("options", [[], ["--timestamps"]], ids=["off", "on"])
def test_plugin_leaves_heavy_libraries_alone(tmp_path: Path, options: list[str]) -> None:
    """Neither installed and off nor switched on does the plugin import openai and the like."""
    (tmp_path / "names_modules.py").write_text(NAMES_LOADED_MODULES)
    (tmp_path / "test_nothing.py").write_text("def test_nothing(): pass\n")
    plugins = ["-p", "pytest_timestamps.plugin", "-p", "names_modules", "-p", "no:cacheprovider"]
    # Other plugins of this environment may import what they like.
    script = (
        "import os, sys; os.environ['PYTEST_DISABLE_PLUGIN_AUTOLOAD'] = '1'; "
        "sys.path.insert(0, os.getcwd()); import pytest; sys.exit(pytest.main(sys.argv[1:]))"
    )
    output = _run("-c", script, "-q", *plugins, *options, cwd=tmp_path)
    loaded = next(line for line in output.splitlines() if line.startswith("loaded "))
    tops = {name.partition(".")[0] for name in json.loads(loaded.removeprefix("loaded "))}
    assert "pytest_timestamps" in tops
    assert not tops & HEAVY


def test_imports_go_one_way() -> None:
    """The layers of pyproject.toml's contract hold."""
    pytest.importorskip("importlinter")
    program = "from importlinter.cli import lint_imports_command as lint; lint(['--no-cache'])"
    output = _run("-c", program, cwd=ROOT)
    assert "0 broken" in output
