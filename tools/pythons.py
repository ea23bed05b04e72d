"""Finds the supported Pythons on this machine, and proves that each one starts.

An interpreter counts when running it prints the version that its name promises: a pyenv shim
is on ``PATH`` for every installed version and fails for those that aren't active.
Run as a program, it lists what it found: ``python -m tools.pythons``.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["SUPPORTED", "FoundPython", "find_pythons"]

SUPPORTED = ("3.11", "3.12", "3.13")


@dataclass(frozen=True, slots=True)
class FoundPython:
    """An interpreter that was started and told its version."""

    version: str
    full_version: str
    path: Path


def find_pythons(versions: tuple[str, ...] = SUPPORTED) -> tuple[FoundPython, ...]:
    """The first interpreter that starts, for each version that has one, in the order asked."""
    found = (_find(version) for version in versions)
    return tuple(python for python in found if python is not None)


def _find(version: str) -> FoundPython | None:
    for path in _candidates(version):
        full_version = _started_version(path)
        if full_version is not None and full_version.startswith(f"{version}."):
            return FoundPython(version, full_version, path)
    return None


def _candidates(version: str) -> Iterator[Path]:
    """Where to look: this very interpreter, all of PATH, then pyenv's own folders."""
    # In a virtual environment the base interpreter is the one to make others from.
    own = getattr(sys, "_base_executable", None) or sys.executable
    if own and version == f"{sys.version_info.major}.{sys.version_info.minor}":
        yield Path(own)
    for name in os.environ.get("PATH", "").split(os.pathsep):
        candidate = Path(name or ".") / f"python{version}"
        if candidate.is_file():
            yield candidate.absolute()
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for folder in sorted((root / "versions").glob(f"{version}*"), reverse=True):
        candidate = folder / "bin" / f"python{version}"
        if candidate.is_file():
            yield candidate


def _started_version(path: Path) -> str | None:
    """The version that the interpreter reports, None when it doesn't start."""
    program = "import platform; print(platform.python_version())"
    try:
        done = subprocess.run(
            [path, "-c", program], capture_output=True, text=True, timeout=60, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def main() -> None:
    """List what was found, and what wasn't."""
    found = {python.version: python for python in find_pythons()}
    for version in SUPPORTED:
        python = found.get(version)
        print(f"{version}: {f'{python.full_version} at {python.path}' if python else 'not found'}")


if __name__ == "__main__":
    main()
