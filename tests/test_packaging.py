"""The built wheel is what users get: it is built once, and looked at from outside."""

import json
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest
from filelock import FileLock

from pytest_timestamps.recording.compiled import COMPILED
from tools.compiled import beside_sources, modules_to_compile, not_compiled, why_not

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


def test_wheel_is_pure_python_unless_asked_otherwise(wheel: Path) -> None:
    """It is the same for every Python and system, and carries nothing compiled."""
    assert wheel.name.endswith("-py3-none-any.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert not [name for name in names if name.endswith((".so", ".pyd"))]


def test_modules_to_compile_are_there() -> None:
    """A module that is renamed would silently stay plain Python; each is listed once, in order."""
    listed = modules_to_compile()
    assert "pytest_timestamps/recording/compiled.py" in listed
    assert list(listed) == sorted(set(listed))
    assert [path for path in listed if not (ROOT / path).is_file()] == []


def test_sources_make_a_wheel(tmp_path: Path) -> None:
    """The source distribution holds all that a wheel is made of, and the tests."""
    _run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", tmp_path, cwd=ROOT)
    (sources,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(sources) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"tests/test_packaging.py", "tools/compiled.py", *modules_to_compile()} <= names
    _pip("wheel", "--no-deps", "--wheel-dir", tmp_path, sources)
    assert len(list(tmp_path.glob("*.whl"))) == 1


def test_compiled_modules_beside_their_sources_are_told(tmp_path: Path) -> None:
    """They would be tested in place of what was edited; others have no source to hide."""
    package = tmp_path / "shop"
    package.mkdir()
    for name in ("cart.py", "helper.cpython-312-x86_64-linux-gnu.so"):
        (package / name).touch()
    assert beside_sources(package) == ""
    for name in ("cart.cp312-win_amd64.pyd", "cart.cpython-312-x86_64-linux-gnu.so"):
        (package / name).touch()
    assert beside_sources(package) == (
        "2 compiled modules lie beside their sources and would run in their place "
        "(shop/cart.cpython-312-x86_64-linux-gnu.so); "
        "remove them: find shop -name '*.so' -delete"
    )


ANSWERS = """#!/bin/sh
PATH={folder} exec {python} -c '
import sys, sysconfig
sysconfig.get_path = lambda name: "{folder}/include"
sysconfig.get_config_var = lambda name: "a-compiler -pthread"
exec(sys.argv[2])
' "$@"
"""


@pytest.mark.skipif(os.name == "nt", reason="needs a shell")
def test_what_is_missing_to_compile_is_told(tmp_path: Path) -> None:
    """A compiler, then Python's headers; both are asked of the Python that would compile."""
    asked, compiler, headers = (tmp_path / name for name in ("python", "a-compiler", "include"))
    asked.write_text(ANSWERS.format(folder=tmp_path, python=sys.executable))
    asked.chmod(0o755)
    assert why_not(asked) == "there is no C compiler (a-compiler)"
    compiler.touch()
    compiler.chmod(0o755)
    assert why_not(asked) == f"Python's headers are not installed ({headers / 'Python.h'})"
    headers.mkdir()
    (headers / "Python.h").touch()
    assert why_not(asked) == ""


def test_what_is_not_compiled_is_named() -> None:
    """Here every module is plain Python, or none of them."""
    names = [path.removesuffix(".py").replace("/", ".") for path in modules_to_compile()]
    assert not_compiled() == ([] if COMPILED else names)


def _empty_environment(folder: Path) -> Path:
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    return folder / ("Scripts" if os.name == "nt" else "bin") / "python"


def _pip(*arguments: object) -> None:
    _run(sys.executable, "-m", "pip", "--quiet", *arguments)


def _run(*command: object, cwd: Path | None = None) -> None:
    done = subprocess.run(
        [*map(str, command)], capture_output=True, text=True, check=False, cwd=cwd
    )
    assert done.returncode == 0, done.stderr
