"""``--timestamps-subprocesses``: what tests start in Python child processes is recorded too."""

from __future__ import annotations

import os
from collections.abc import Hashable, MutableMapping, Sequence
from typing import TYPE_CHECKING

from pytest_timestamps.instrumenting.child_folders import FOLDER_VARIABLE, ChildFolders
from pytest_timestamps.instrumenting.child_recorder import record_forked_process
from pytest_timestamps.instrumenting.forks import do_in_forks, stop_doing_in_forks
from pytest_timestamps.instrumenting.hand_over import import_what_is_needed
from pytest_timestamps.recording.results import Recording

if TYPE_CHECKING:
    from pytest_timestamps.instrumenting.hand_over import Instrumented

__all__ = ["ChildProcesses"]


class ChildProcesses:
    """Says in the environment whose a child is that starts now, and follows what is forked.

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
        self._instrumented: Instrumented | None = None

    def follow_forks(self, instrumented: Instrumented) -> None:
        """Have forked processes recorded too, in which the same is ``instrumented`` as in this."""
        self._instrumented = instrumented
        import_what_is_needed()
        do_in_forks(self._record_fork)

    def _record_fork(self) -> None:
        """In a forked process."""
        if self._going_on and self._instrumented is not None:
            record_forked_process(self._going_on[-1], self._instrumented)

    def begin(self, owner: Hashable, section: str) -> None:
        """Children that start from now on are the owner's, until `end`."""
        self._going_on.append(self._folders.folder_for(owner, section))
        self._tell()

    def end(self) -> None:
        """They are whoever's that was going on before."""
        if self._going_on:
            self._going_on.pop()
        self._tell()

    def _tell(self) -> None:
        folder = self._going_on[-1] if self._going_on else ""
        self._folders.tell_running(folder)
        if folder:
            self._environ[FOLDER_VARIABLE] = folder
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
        stop_doing_in_forks(self._record_fork)
        for name, value in self._before.items():
            if value is None:
                self._environ.pop(name, None)
            else:
                self._environ[name] = value
        self._folders.close()
