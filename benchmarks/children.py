"""Figures that need a process of their own: they come back as one JSON line."""

import json
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

__all__ = ["in_child"]


def in_child(program: str, *arguments: object, environment: Mapping[str, str] | None = None) -> Any:
    """Run the program text with this Python; what it prints, as JSON, is the answer."""
    command = [sys.executable, "-c", program, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode != 0:
        raise RuntimeError(f"a child process ended with {done.returncode}:\n{done.stderr}")
    return json.loads(done.stdout)
