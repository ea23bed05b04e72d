"""Downloading a suite, and laying it out to be run."""

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from tools.real_suites.suites import Suite

__all__ = ["SCRATCH", "download", "lay_out", "suite_variables"]

ROOT = Path(__file__).parents[2]
SCRATCH = ROOT / "scratch" / "real-suites"


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


def lay_out(folder: Path, copy: Path) -> None:
    """Copy the tests and their configuration: suites may leave files behind."""
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(folder / "tests", copy / "tests")
    shutil.copy(folder / "pyproject.toml", copy)
    if "[tool.pytest" not in (copy / "pyproject.toml").read_text(encoding="utf-8"):
        # Else pytest looks for a configuration further up, and finds this project's.
        (copy / "pytest.ini").write_text("[pytest]\n")


def suite_variables(suite: Suite, folder: Path) -> dict[str, str]:
    """What the environment needs for the suite to find its package, and Python these tools."""
    return {
        "PYTHONPATH": f"{folder / suite.source}{os.pathsep}{ROOT}",
        # Sets have another order in each run, and with it the calls of what sorts them.
        "PYTHONHASHSEED": "0",
    }
