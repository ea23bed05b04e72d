"""Tries the wheels of a release as those would who install them, in environments of their own.

pip is given the folder with all files of the release, the package's name and its version, and
chooses; what it chose is installed with its dependencies, and a small suite runs with it.
"""

import json
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tools.compiled import ROOT
from tools.pythons import SUPPORTED, FoundPython
from tools.running import Failure, Run

__all__ = ["PROJECT", "Tried", "try_compiled", "try_plain"]

PROJECT = "pytest-timestamps-tokens"
SUITE = """\
from pytest_timestamps import timestamp
@timestamp
def sum_of(prices): return sum(prices)
def test_sum(): assert sum_of([1, 2]) == 3
"""
COMPILED = "compiled core"


@dataclass(frozen=True, slots=True)
class Tried:
    """A file of the release, and in what way it was seen to work."""

    file: Path
    how: str


def try_compiled(wheel: Path, version: str, python: FoundPython, folder: Path, run: Run) -> Tried:
    """That pip chooses the wheel on that Python, and that the core that then runs is compiled.

    Raises `Failure` where it isn't so.
    """
    own = _environment(python, folder, run)
    report = folder / "report.json"
    asked = ("--find-links", wheel.parent, f"{PROJECT}=={version}")
    run(*_pip(own), "install", "--quiet", "--report", report, *asked, cwd=folder)
    _expect(wheel, _chosen(report), f"Python {python.version}")
    apart = folder / "apart"
    shutil.copytree(ROOT / "tools", apart / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy2(ROOT / "pyproject.toml", apart)
    run(own, "-m", "tools.compiled", "--check", cwd=apart)
    _test(wheel, own, folder, run, compiled=True)
    return Tried(wheel, f"pip chose it on Python {python.full_version}; its tests ran compiled")


def try_plain(
    wheel: Path, version: str, pythons: Sequence[FoundPython], folder: Path, run: Run
) -> Tried:
    """That pip chooses the plain wheel where no other fits, and that it runs on the first Python.

    That is on a Python newer than those supported, and on each of these on some other system.
    Raises `Failure` where it isn't so.
    """
    own = _environment(pythons[0], folder, run)
    newer = f"3.{int(SUPPORTED[-1].partition('.')[2]) + 1}"
    elsewhere = [("--python-version", python.version, "--platform", "any") for python in pythons]
    for number, target in enumerate([("--python-version", newer), *elsewhere]):
        into = folder / f"chosen-{number}"
        download = (*_pip(own), "download", "--quiet", "--no-index", "--no-deps", *target)
        asked = ("--only-binary", ":all:", f"{PROJECT}=={version}")
        run(*download, "--find-links", wheel.parent, "--dest", into, *asked, cwd=folder)
        (chosen,) = (path.name for path in into.iterdir())
        _expect(wheel, chosen, " ".join(target))
    run(*_pip(own), "install", "--quiet", wheel, cwd=folder)
    _test(wheel, own, folder, run, compiled=False)
    ran = f"its tests ran on Python {pythons[0].full_version}"
    return Tried(wheel, f"pip chose it for Python {newer} and for other systems; {ran}")


def _environment(python: FoundPython, folder: Path, run: Run) -> Path:
    """The interpreter of an empty one, into which this Python's pip installs."""
    folder.mkdir(parents=True)
    run(python.path, "-m", "venv", "--without-pip", folder / "venv", cwd=folder)
    return folder / "venv" / ("Scripts" if os.name == "nt" else "bin") / "python"


def _pip(python: Path) -> tuple[str | Path, ...]:
    return (sys.executable, "-m", "pip", "--python", python)


def _chosen(report: Path) -> str:
    """The name of the file that pip's report of an installation has for this project."""
    installed = json.loads(report.read_text(encoding="utf-8"))["install"]
    own = next(one for one in installed if one["metadata"]["name"] == PROJECT)
    return unquote(urlsplit(own["download_info"]["url"]).path).rpartition("/")[2]


def _expect(wheel: Path, chosen: str, where: str) -> None:
    if chosen != wheel.name:
        raise Failure(f"pip chose {chosen} for {where}, and {wheel.name} is made for it")


def _test(wheel: Path, python: Path, folder: Path, run: Run, *, compiled: bool) -> None:
    suite = folder / "suite"
    suite.mkdir()
    (suite / "test_sum.py").write_text(SUITE, encoding="utf-8")
    said = run(python, "-m", "pytest", "--timestamps", cwd=suite)
    missing = [text for text in ("1 passed", "sum_of") if text not in said]
    if missing or (COMPILED in said) is not compiled:
        expected = "a compiled core" if compiled else "plain Python"
        raise Failure(f"{wheel.name} was to record a test with {expected}; pytest said:\n{said}")
