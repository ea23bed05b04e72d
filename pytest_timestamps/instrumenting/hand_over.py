"""What a child process writes for whoever started it, and when.

What was gathered so far is written anew each time: at the process's end, and, since it may be
killed, between two spans: after each of the first few, so that of little work nothing is lost,
and then not more often than costs a twentieth of the time. There is no thread for it, and no
handler of a signal, that the program could notice.
"""

from __future__ import annotations

import os
from _thread import allocate_lock, get_ident
from time import perf_counter_ns

from pytest_timestamps.recording.engine import ENGINE

from .orders import session_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from typing import Protocol

    from pytest_timestamps.recording.results import Recording

    class Instrumented(Protocol):
        """What is recorded: how many functions, of which modules; it may become more."""

        @property
        def modules(self) -> Collection[str]: ...

        @property
        def functions(self) -> int: ...


__all__ = ["HandOver", "import_what_is_needed"]

_NEVER_NS = 1 << 62
_FIRST = 20
"""So many are made one after the other: about 10 ms in all."""

_SHARE = 20
"""After a hand-over this many times as long as it took must pass before the next one."""


class HandOver:
    """The engine's chore in a child: writes to ``folder`` what ``snapshot`` answers.

    Each process has a file of its own.
    Nothing is written while no module is ``instrumented``, nor while there are no others than
    ``known`` and nothing was recorded. Nothing is due before `begin`.
    """

    def __init__(
        self,
        folder: str,
        snapshot: Callable[[], Recording],
        instrumented: Instrumented,
        clock: Callable[[], int] = perf_counter_ns,
        known: Collection[str] = (),
    ) -> None:
        self.folder = folder
        self._snapshot = snapshot
        self._instrumented = instrumented
        self._known = frozenset(known)
        self._clock = clock
        self.due_ns = _NEVER_NS
        self._born()

    def _born(self) -> None:
        # A number is another process's some time, and an exec'ed program has its process's.
        self._name = f"{os.getpid()}-{self._clock()}"
        self._lock = allocate_lock()
        self._made = 0

    def go_on(self, folder: str | None = None) -> None:
        """In a forked process: hand over for that one, to ``folder`` if it is given, and soon.

        It has a copy of the lock, too, held perhaps by a thread that it lacks.
        """
        self._born()
        self._known = frozenset(self._instrumented.modules)
        if folder is not None:
            self.folder = folder
        if self.due_ns != _NEVER_NS:
            self.due_ns = self._clock()

    def calibrate_and_begin(self) -> None:
        """Measure what recording costs, and write from now on.

        It can't be measured at the moments of a hand-over, which are within an event.
        """
        ENGINE.calibrate()
        self.begin()

    def begin(self) -> None:
        """Write from now on."""
        self.due_ns = self._clock()

    def stop(self) -> None:
        """Nothing is due any more: what recording costs is measured at a capture's end too."""
        self.due_ns = _NEVER_NS

    def do(self) -> None:
        """Write, and say when to do so next; never raises."""
        if not self._lock.acquire(blocking=False):
            return
        start_ns = self._clock()
        try:
            self.now()
        finally:
            spent_ns = self._clock() - start_ns
            self._made += 1
            self.due_ns = start_ns + spent_ns * (1 if self._made < _FIRST else 1 + _SHARE)
            ENGINE.exempt(spent_ns)
            self._lock.release()

    def now(self) -> None:
        """Write, if there is anything to tell; never raises."""
        if not self._instrumented.modules:
            return
        try:
            # not at the start: most of it is not needed before
            import json

            from pytest_timestamps.analysis.values import recording_to_values

            modules, recording = self._instrumented.modules, self._snapshot()
            if not recording.paths and self._known.issuperset(modules):
                return
            content = {
                "modules": sorted(modules),
                "functions": self._instrumented.functions,
                "recording": recording_to_values(recording),
            }
            self._write(json.dumps(content))
        except Exception:
            ENGINE.note_fault()

    def _write(self, text: str) -> None:
        # A process that outlives the session must not leave its folder behind.
        if not os.path.isdir(session_of(self.folder)):
            return
        os.makedirs(self.folder, exist_ok=True)
        path = os.path.join(self.folder, f"{self._name}.json")
        # two threads may be at it: one at a hand-over, the other ending the process
        part = f"{path}.{get_ident()}.part"
        # a text file would have its codec imported
        with open(part, "wb") as file:
            file.write(text.encode("ascii"))
        os.replace(part, path)


def import_what_is_needed() -> None:
    """Import what a hand-over does, for processes that are going to be forked from this one.

    Else each of them does it for itself, which takes 10 ms and locks that may be held for ever.
    """
    import json  # noqa: F401

    import pytest_timestamps.analysis.values
    import pytest_timestamps.recording.abandoned  # noqa: F401
