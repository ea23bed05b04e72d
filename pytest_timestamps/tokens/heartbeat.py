"""A pulse for running runs: one thread that lets each of them say that it is alive."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from typing import Final

__all__ = ["INTERVAL_S", "Heartbeat", "shared_heartbeat"]

INTERVAL_S: Final = 2.0
"""Well under the 5 seconds that a run's file may lag behind, so that a slow disk has time."""

_JOIN_S: Final = 5.0

Beat = Callable[[], None]


class Heartbeat:
    """Calls every added function again and again, from one daemon thread.

    The thread lives while there is something to call.
    *wait* takes the stop event and the interval, and says whether to stop; the default waits on
    the event.
    A function that raises must not: what it has to say belongs to its run.
    """

    def __init__(
        self,
        interval_s: float = INTERVAL_S,
        wait: Callable[[threading.Event, float], bool] = threading.Event.wait,
    ) -> None:
        self.interval_s = interval_s
        self._wait = wait
        self._reset()

    def _reset(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._beats: list[Beat] = []
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, beat: Beat) -> None:
        """Call *beat* every interval from now on."""
        self._forget_after_fork()
        with self._lock:
            self._beats.append(beat)
        self._start()

    def remove(self, beat: Beat) -> None:
        """Stop calling *beat*; the last one to go ends the thread."""
        self._forget_after_fork()
        with self._lock:
            if beat in self._beats:
                self._beats.remove(beat)
            if self._beats:
                return
        self._end()

    def pause(self) -> None:
        """End the thread for a moment, as around a fork: a process with threads shouldn't fork."""
        if self._pid == os.getpid():
            self._end()

    def resume(self) -> None:
        """Go on after `pause`."""
        if self._pid == os.getpid() and self._beats:
            self._start()

    @property
    def is_alive(self) -> bool:
        """Whether the thread runs."""
        thread = self._thread
        return self._pid == os.getpid() and thread is not None and thread.is_alive()

    def _forget_after_fork(self) -> None:
        # A child has neither the thread nor a say in its parent's runs, and its copy of the lock
        # may have been held at the moment of the fork, for ever.
        if self._pid != os.getpid():
            self._reset()

    def _start(self) -> None:
        with self._lock:
            if self._thread is not None and self._thread.is_alive():
                return
            self._stop = threading.Event()
            self._thread = threading.Thread(
                target=self._run, args=(self._stop,), name="token-run-heartbeat", daemon=True
            )
            self._thread.start()

    def _end(self) -> None:
        with self._lock:
            thread, self._thread = self._thread, None
            self._stop.set()
        if thread is not None and thread is not threading.current_thread():
            # Not for ever: a beat may hang on a network disk.
            thread.join(_JOIN_S)

    def _run(self, stop: threading.Event) -> None:
        while not self._wait(stop, self.interval_s):
            with self._lock:
                beats = list(self._beats)
            for beat in beats:
                beat()


_shared: Heartbeat | None = None


def shared_heartbeat() -> Heartbeat:
    """The one heartbeat of this process; forks are safe with it."""
    global _shared
    if _shared is None:
        _shared = Heartbeat()
        _pause_around_forks(_shared)
    return _shared


def _pause_around_forks(heartbeat: Heartbeat) -> None:
    # Windows has no fork. From Python 3.12 on forking a process with threads warns, and the
    # tests that fork must not be warned about a thread that they didn't start.
    if hasattr(os, "register_at_fork"):
        ref = weakref.ref(heartbeat)

        def pause() -> None:
            if (pulse := ref()) is not None:
                pulse.pause()

        def resume() -> None:
            if (pulse := ref()) is not None:
                pulse.resume()

        os.register_at_fork(before=pause, after_in_parent=resume)
