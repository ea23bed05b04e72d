"""The package with its core compiled, beside the one that is installed as plain Python."""

import os
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from tools.compiled import build_compiled, why_not
from tools.real_suites.sources import SCRATCH

__all__ = ["compiled_first", "why_not_compiled"]

_FOLDER = SCRATCH / f"compiled-{sys.version_info.major}.{sys.version_info.minor}"
_PACKAGE = _FOLDER / "package"


@cache
def why_not_compiled() -> str:
    """Build and lay it out, once a process; why that can't be done, empty if it is there."""
    python = Path(sys.executable)
    reason = why_not(python)
    if reason:
        return reason
    try:
        wheel = build_compiled(python, _FOLDER)
        command = [python, "-m", "pip", "install", "--quiet", "--no-deps", "--upgrade"]
        subprocess.run([*map(str, command), "--target", str(_PACKAGE), str(wheel)], check=True)
    except subprocess.CalledProcessError:
        return "its core could not be compiled"
    return ""


def compiled_first(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment in which it is imported in place of the installed one."""
    paths = [str(_PACKAGE), *filter(None, [environment.get("PYTHONPATH")])]
    return {**environment, "PYTHONPATH": os.pathsep.join(paths)}
