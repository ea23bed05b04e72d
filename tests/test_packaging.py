"""The built wheel is what users get: it is built once, and looked at from outside."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from filelock import FileLock

ROOT = Path(__file__).parents[1]

USES_RECORDING = """
import json
from pytest_timestamps import Collector, timestamp, timestamp_block

@timestamp
def total(prices):
    with timestamp_block("adding"):
        return sum(prices)

with Collector("checkout") as collector:
    assert total([1, 2]) == 3

calls = {name: timing.calls for name, timing in collector.timings().items()}
assert "checkout" in collector.report(), collector.report()
print(json.dumps(calls))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built by one xdist worker and shared with the others."""
    # Workers each have a folder in the run's own.
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "wheel"
    with FileLock(f"{shared}.lock"):
        built = list(shared.glob("*.whl"))
        if not built:
            _pip("wheel", "--no-deps", "--wheel-dir", shared, ROOT)
            built = list(shared.glob("*.whl"))
    assert len(built) == 1
    return built[0]


def test_wheel_without_dependencies_records(wheel: Path, tmp_path: Path) -> None:
    """``pip install --no-deps`` is enough for decorators, blocks and collectors."""
    python = _empty_environment(tmp_path / "venv")
    _pip("--python", python, "install", "--no-deps", "--no-index", wheel)
    program = tmp_path / "program.py"
    program.write_text(USES_RECORDING)
    done = subprocess.run(
        [python, "-I", program], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {"__main__.total": 1, "adding": 1}


def test_wheel_carries_what_is_not_code(wheel: Path) -> None:
    """The type marker, the licence and the published JSON Schema travel in the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert "pytest_timestamps/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in names)
    schemas = {path.name for path in (ROOT / "pytest_timestamps" / "report").glob("*.schema.json")}
    assert schemas
    assert {f"pytest_timestamps/report/{name}" for name in schemas} <= names


def test_wheel_carries_the_whole_package(wheel: Path) -> None:
    """Children's ``site`` folder too: what version control is told to ignore is left out."""
    package = ROOT / "pytest_timestamps"
    files = {path for path in package.rglob("*") if path.is_file() and path.suffix != ".pyc"}
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {path.relative_to(ROOT).as_posix() for path in files} <= names


def test_wheel_registers_the_plugin_and_the_program(wheel: Path) -> None:
    """pytest finds the plugin as ``timestamps``, the shell the program as pytest-timestamps."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith("entry_points.txt"))
        lines = archive.read(name).decode().splitlines()
    assert "timestamps = pytest_timestamps.plugin" in lines
    assert "pytest-timestamps = pytest_timestamps.cli:main" in lines


def test_wheel_holds_nothing_but_the_package(wheel: Path) -> None:
    """Tests, tools, examples and benchmarks stay in the repository."""
    with zipfile.ZipFile(wheel) as archive:
        folders = {name.partition("/")[0] for name in archive.namelist()}
    assert {folder for folder in folders if not folder.endswith(".dist-info")} == {
        "pytest_timestamps"
    }


def _empty_environment(folder: Path) -> Path:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    return folder / ("Scripts" if os.name == "nt" else "bin") / "python"


def _pip(*arguments: object) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
