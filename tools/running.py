"""Programs that are run as somebody else would run them, without this checkout's variables."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

__all__ = ["Failure", "Run", "run", "users_environment"]

# They would make another build, or import another package, than those who install it have.
OURS = ("COVERAGE_", "HATCH_", "PYTEST_", "PYTHON")
LAST_LINES = 20


class Failure(Exception):
    """Why it can't go on, in words for who has started it."""


class Run(Protocol):
    """Runs a program in ``cwd`` with these ``variables`` set, and gives its standard output.

    Raises `Failure`, with its last words, where it ends with another status than 0.
    """

    def __call__(self, *command: str | Path, cwd: Path, **variables: str) -> str: ...


def run(*command: str | Path, cwd: Path, **variables: str) -> str:
    """As `Run` has it."""
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env={**users_environment(os.environ), **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise Failure(f"{command[0]} can't be started: {error.strerror}") from error
    if done.returncode:
        lines = [*done.stdout.splitlines(), *done.stderr.splitlines()]
        said = "\n".join(lines[-LAST_LINES:])
        shown = " ".join(map(str, command))
        raise Failure(f"this ended with status {done.returncode}: {shown}\n{said}")
    return done.stdout


def users_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment without the variables that are set for work on this project."""
    return {name: value for name, value in environment.items() if not name.startswith(OURS)}
