"""``--timestamps-subprocesses``: what tests start in Python child processes is recorded too."""

from __future__ import annotations

import os
from collections.abc import Hashable, MutableMapping, Sequence

from pytest_timestamps.instrumenting.child_folders import FOLDER_VARIABLE, ChildFolders
from pytest_timestamps.recording.results import Recording

__all__ = ["ChildProcesses"]


class ChildProcesses:
    """Says in the environment whose a child is that starts now.

    Children that start while nobody is going on, as between two tests, are not recorded.
    """

    def __init__(
        self,
        patterns: Sequence[str],
        budget: float | None = None,
        environ: MutableMapping[str, str] = os.environ,
    ) -> None:
        self._environ = environ
        self._folders = ChildFolders(patterns, budget)
        variables = self._folders.variables(environ)
        self._before = {name: environ.get(name) for name in (*variables, FOLDER_VARIABLE)}
        environ.update(variables)
        environ.pop(FOLDER_VARIABLE, None)
        self._going_on: list[str] = []

    def begin(self, owner: Hashable, section: str) -> None:
        """Children that start from now on are the owner's, until `end`."""
        folder = self._folders.folder_for(owner, section)
        self._going_on.append(folder)
        self._environ[FOLDER_VARIABLE] = folder

    def end(self) -> None:
        """They are whoever's that was going on before."""
        if self._going_on:
            self._going_on.pop()
        if self._going_on:
            self._environ[FOLDER_VARIABLE] = self._going_on[-1]
        else:
            self._environ.pop(FOLDER_VARIABLE, None)

    def collect(self, owner: Hashable, recording: Recording) -> Recording:
        """``recording`` with what the owner's children have recorded."""
        return self._folders.collect(owner, recording)

    @property
    def modules(self) -> set[str]:
        """The modules instrumented in them so far."""
        return self._folders.modules

    @property
    def told(self) -> tuple[list[str], int, int]:
        """The modules instrumented in them, the functions, and the number of children."""
        folders = self._folders
        return sorted(folders.modules), folders.functions, folders.recorded

    def close(self) -> None:
        """Put the environment back, and remove what was handed over too late."""
        for name, value in self._before.items():
            if value is None:
                self._environ.pop(name, None)
            else:
                self._environ[name] = value
        self._folders.close()
