"""Virtual environments to measure in: one for each Python and purpose, made once."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tools.pythons import FoundPython

__all__ = ["environment", "environment_folder"]

ROOT = Path(__file__).parents[1]


def environment_folder(purpose: str, python: FoundPython) -> Path:
    """Where it is; what is kept in it is thrown away with it."""
    return ROOT / ".nox" / f"{purpose}-{python.version}"


def environment(purpose: str, python: FoundPython, requirements: Sequence[str]) -> Path:
    """The interpreter of one with this project and the ``requirements``."""
    folder = environment_folder(purpose, python)
    interpreter = folder / "bin" / "python"
    ready = folder / ".ready"
    if not ready.exists() or ready.stat().st_mtime < (ROOT / "pyproject.toml").stat().st_mtime:
        print(f"setting up {folder.relative_to(ROOT)}", file=sys.stderr, flush=True)
        subprocess.run([python.path, "-m", "venv", "--clear", folder], check=True)
        pip = [str(interpreter), "-m", "pip", "install", "--quiet"]
        subprocess.run([*pip, "--upgrade", "pip"], check=True)
        subprocess.run([*pip, "--editable", ".", *requirements], cwd=ROOT, check=True)
        ready.touch()
    return interpreter
