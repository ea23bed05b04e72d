"""A child process's record of what it saw, in a form that survives its death.

Each process appends lines to a file of its own in a folder that the run handed over. A line is
one write to the operating system, so whatever was written before a kill is there to be read.
"""

from __future__ import annotations

import json
import os
import secrets
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .counting import UsageCount
from .observation import Kind, Observation

__all__ = ["JournalReader", "JournalSink"]

_SUFFIX = ".jsonl"


class JournalSink:
    """Writes what a process saw into *folder*; thread-safe, and whole again after a fork."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # Reentrant, because the garbage collector may settle a stream in the middle of a write.
        self._lock = threading.RLock()
        self._file: int | None = None
        self._pid = os.getpid()

    def begin(self, try_id: int) -> None:
        """Note that a try is under way."""
        self._write({"begin": try_id})

    def settle(self, try_id: int, observation: Observation) -> None:
        """Note how a try ended."""
        self._write({"settle": try_id, **observation.to_json()})

    def look_again(self, try_id: int, observation: Observation) -> None:
        """Note what a second look at a response told."""
        self._write({"look_again": try_id, **observation.to_json()})

    def _write(self, entry: Mapping[str, Any]) -> None:
        line = json.dumps(entry).encode() + b"\n"
        if os.getpid() != self._pid:
            # A forked child has a copy of the lock, held perhaps by a thread that it lacks.
            self._pid, self._lock, self._file = os.getpid(), threading.RLock(), None
        with self._lock:
            if self._file is None:
                self._file = self._open()
            os.write(self._file, line)

    def _open(self) -> int:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"{self._pid}-{secrets.token_hex(4)}{_SUFFIX}"
        flags = os.O_APPEND | os.O_CREAT | os.O_WRONLY | os.O_EXCL
        return os.open(self._folder / name, flags, 0o600)


class JournalReader:
    """Folds the journals of a folder into a count, each line once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read_bytes: dict[str, int] = {}

    def read_into(self, count: UsageCount) -> int:
        """Add what was written since the last reading.

        Answers how many lines are half-written: they are left for the next reading.
        """
        try:
            names = sorted(n for n in os.listdir(self._folder) if n.endswith(_SUFFIX))
        except FileNotFoundError:
            return 0
        half_lines = 0
        for name in names:
            with open(self._folder / name, "rb") as file:
                file.seek(self._read_bytes.get(name, 0))
                whole_lines, newline, half_line = file.read().rpartition(b"\n")
            self._read_bytes[name] = self._read_bytes.get(name, 0) + len(whole_lines + newline)
            half_lines += bool(half_line)
            for line in whole_lines.splitlines():
                _fold(line, name, count)
        return half_lines


def _fold(line: bytes, name: str, count: UsageCount) -> None:
    try:
        entry = json.loads(line)
        if "begin" in entry:
            count.begin((name, entry["begin"]), in_child=True)
        elif "look_again" in entry:
            try_id = (name, entry.pop("look_again"))
            count.look_again(try_id, Observation.from_json(entry))
        else:
            try_id = (name, entry.pop("settle", None))
            count.settle(try_id, Observation.from_json(entry))
    except (ValueError, TypeError, KeyError) as error:
        count.settle(None, Observation(Kind.JOURNAL, detail=f"a bad line ({type(error).__name__})"))
