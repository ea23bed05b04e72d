"""Figures that need a process of their own: they come back as one JSON line."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

__all__ = ["compiling", "in_child"]


def compiling(**changes: str) -> dict[str, str]:
    """This environment, with the changes, in which Python keeps what it compiles.

    What is installed is compiled once; where that is forbidden, each process would pay for it.
    """
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return kept | changes


def in_child(program: str, *arguments: object, environment: Mapping[str, str] | None = None) -> Any:
    """Run the program text with this Python; what it prints, as JSON, is the answer."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode != 0:
        raise RuntimeError(f"a child process ended with {done.returncode}:\n{done.stderr}")
    return json.loads(done.stdout)
