"""Where children's recordings are handed over: a folder for each owner, and in it one a section.

An owner is whatever started the children: a test, a fixture. All lies below one folder for the
session, beside the orders that say what children shall record and at what cost.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from pytest_timestamps.analysis.merging import merge_paths
from pytest_timestamps.analysis.values import recording_from_values
from pytest_timestamps.children.environment import child_variables
from pytest_timestamps.recording.results import PathStats, Recording

from .orders import Running, write_orders

__all__ = ["FOLDER_VARIABLE", "ChildFolders"]

FOLDER_VARIABLE = "PYTEST_TIMESTAMPS_CHILD_FOLDER"
_STARTER = Path(__file__).with_name("child_start.py")


class ChildFolders:
    """One session's folders.

    ``recorded`` counts the children that were collected, ``modules`` are those that were
    instrumented in them, ``functions`` how many functions in one child at most.

    In a forked process it begins empty, in the same place, and removes nothing of the session's.

    Raises `OSError` where there can't be any.
    """

    def __init__(self, patterns: Sequence[str], budget: float | None = None) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="pytest-timestamps-children-"))
        write_orders(str(self._folder), patterns, budget)
        self._running = Running(str(self._folder))
        self._pid = os.getpid()
        self._owners: dict[tuple[int, Hashable], str] = {}
        self._made = 0
        self.recorded = 0
        self.modules: set[str] = set()
        self.functions = 0

    def variables(self, environ: Mapping[str, str]) -> dict[str, str]:
        """What makes Python children record, but for the `FOLDER_VARIABLE`."""
        return child_variables(_STARTER, environ)

    def folder_for(self, owner: Hashable, section: str) -> str:
        """The folder for children that ``owner`` starts in ``section``; the child makes it."""
        key = (os.getpid(), owner)
        name = self._owners.get(key)
        if name is None:
            self._made += 1
            name = self._owners[key] = f"{key[0]}-{self._made}"
        return str(self._folder / name / section)

    def tell_running(self, folder: str) -> None:
        """Children that can't know it from their environment read there what is going on."""
        if os.getpid() == self._pid:
            self._running.tell(folder)

    def collect(self, owner: Hashable, recording: Recording) -> Recording:
        """``recording`` with what the owner's children have handed over so far, once.

        What they write later is nobody's.
        """
        name = self._owners.pop((os.getpid(), owner), None)
        if name is None or not self._folder.joinpath(name).is_dir():
            return recording
        folder = self._folder / name
        found = list(self._read(folder))
        self.recorded += len(found)
        shutil.rmtree(folder, ignore_errors=True)
        return _joined(recording, found) if found else recording

    def _read(self, folder: Path) -> Iterator[Recording]:
        for file in sorted(folder.glob("*/*.json")):
            try:
                content = json.loads(file.read_text(encoding="ascii"))
                recording = recording_from_values(content["recording"])
                modules, functions = content["modules"], content["functions"]
            except (OSError, ValueError, TypeError, KeyError):
                continue  # of another version of this project
            self.modules.update(modules)
            self.functions = max(self.functions, functions)
            yield replace(recording, paths=tuple(_beside(recording.paths, file.parent.name)))

    def close(self) -> None:
        """Remove them all."""
        if os.getpid() == self._pid:
            self._running.close()
            shutil.rmtree(self._folder, ignore_errors=True)
            self._pid = 0


def _beside(paths: Sequence[PathStats], section: str) -> Iterator[PathStats]:
    """The rows, as of work that was started in ``section`` and ran beside it."""
    for row in paths:
        yield row if row.parent >= 0 else row._replace(section=section, detached=True)


def _joined(recording: Recording, children: Sequence[Recording]) -> Recording:
    """Paths and costs of all; the times are the test's own, which the children ran beside."""
    every = [recording, *children]
    cost = recording.overhead if recording.overhead.span_ns else children[0].overhead
    overhead = replace(cost, total_ns=sum(one.overhead.total_ns for one in every))
    return replace(
        recording,
        overhead=overhead,
        paths=merge_paths(one.paths for one in every),
        dropped_paths=sum(one.dropped_paths for one in every),
        left_out=tuple(sorted({name for one in every for name in one.left_out})),
    )
