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


def _loaded_by_pytest(folder: Path, *options: str) -> set[str]:
    """What is imported when a session without any other plugin is over."""
    (folder / "names_modules.py").write_text(NAMES_LOADED_MODULES)
    (folder / "test_nothing.py").write_text("def test_nothing(): pass\n")
    plugins = ["-p", "pytest_timestamps.plugin", "-p", "names_modules", "-p", "no:cacheprovider"]
    # Other plugins of this environment may import what they like.
    script = (
        "import os, sys; os.environ['PYTEST_DISABLE_PLUGIN_AUTOLOAD'] = '1'; "
        "sys.path.insert(0, os.getcwd()); import pytest; sys.exit(pytest.main(sys.argv[1:]))"
    )
    output = _run("-c", script, "-q", *plugins, *options, cwd=folder)
    loaded = next(line for line in output.splitlines() if line.startswith("loaded "))
    return set(json.loads(loaded.removeprefix("loaded ")))


@pytest.mark.parametrize("options", [[], ["--timestamps"]], ids=["off", "on"])
def test_plugin_leaves_heavy_libraries_alone(tmp_path: Path, options: list[str]) -> None:
    """Neither installed and off nor switched on does the plugin import openai and the like."""
    tops = {name.partition(".")[0] for name in _loaded_by_pytest(tmp_path, *options)}
    assert "pytest_timestamps" in tops
    assert not tops & HEAVY


def test_plugin_that_is_off_imports_its_options_alone(tmp_path: Path) -> None:
    """A session without our options pays for the options and the hooks, and nothing else."""
    loaded = _loaded_by_pytest(tmp_path)
    assert {name for name in loaded if name.startswith("pytest_timestamps")} == {
        "pytest_timestamps",
        "pytest_timestamps._version",
        "pytest_timestamps.plugin",
        "pytest_timestamps.plugin.hookspecs",
        "pytest_timestamps.plugin.options",
    }


FOR_SOME = {
    "pytest_timestamps.analysis.summary",
    "pytest_timestamps.analysis.tree",
    "pytest_timestamps.instrumenting",
    "pytest_timestamps.plugin.child_processes",
    "pytest_timestamps.plugin.gating",
    "pytest_timestamps.plugin.instrumenting",
    "pytest_timestamps.plugin.junit",
    "pytest_timestamps.plugin.tokens",
    "pytest_timestamps.report.json_writer",
}


def test_plugin_imports_what_was_asked_for(tmp_path: Path) -> None:
    """What an option is for is imported with that option."""
    assert not _loaded_by_pytest(tmp_path, "--timestamps") & FOR_SOME
    options = ("--junitxml=junit.xml", "--timestamps-report=json")
    assert _loaded_by_pytest(tmp_path, "--timestamps", *options) & FOR_SOME == {
        "pytest_timestamps.plugin.junit",
        "pytest_timestamps.report.json_writer",
    }


def test_workers_import_nothing_that_reports(tmp_path: Path) -> None:
    """A worker of xdist hands its records over: building and showing a report isn't its part."""
    pytest.importorskip("xdist")
    (tmp_path / "test_worker.py").write_text(
        "import sys\n"
        "def test_worker():\n"
        "    reporting = {'plugin.reporting', 'report.build', 'report.model', 'report.terminal'}\n"
        "    assert 'pytest_timestamps.plugin.recorder' in sys.modules\n"
        "    assert not {f'pytest_timestamps.{name}' for name in reporting} & set(sys.modules)\n"
    )
    plugins = ["-p", "xdist", "-p", "pytest_timestamps.plugin", "-p", "no:cacheprovider"]
    script = (
        "import os, sys; os.environ['PYTEST_DISABLE_PLUGIN_AUTOLOAD'] = '1'; "
        "import pytest; sys.exit(pytest.main(sys.argv[1:]))"
    )
    assert "1 passed" in _run("-c", script, "-n1", *plugins, "--timestamps", cwd=tmp_path)


def test_imports_go_one_way() -> None:
    """The layers of pyproject.toml's contract hold."""
    pytest.importorskip("importlinter")
    program = "from importlinter.cli import lint_imports_command as lint; lint(['--no-cache'])"
    output = _run("-c", program, cwd=ROOT)
    assert "0 broken" in output
