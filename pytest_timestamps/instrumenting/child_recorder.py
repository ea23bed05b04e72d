"""Recording a whole child process, and handing over what there is, whatever ends it.

What was gathered so far is written anew at the process's end, when it is told to terminate, and,
since it may be killed, between two spans, though not more often than costs a twentieth of the
time. There is no thread for it that the program could notice.
"""

from __future__ import annotations

import atexit
import os
import signal
from _thread import allocate_lock
from time import perf_counter_ns

from pytest_timestamps.recording import DISABLED, Capture
from pytest_timestamps.recording.engine import ENGINE

from .instrumentation import Instrumentation
from .selection import Selection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_timestamps.recording.results import Recording

__all__ = ["ORDERS_FILE", "HandOver", "record_this_process", "write_orders"]

ORDERS_FILE = "orders.txt"
"""Two folders up from where a child hands over: the budget, or an empty line where there is none,
then what it shall record, a pattern a line."""

_NEVER_NS = 1 << 62
_SHARE = 20
"""After a hand-over this many times as long as it took must pass before the next one."""


class HandOver:
    """The engine's chore in a child: writes what ``snapshot`` answers, a file for each process.

    ``instrumented`` tells of what; it may become more. Nothing is due before `begin`.
    """

    def __init__(
        self,
        folder: str,
        snapshot: Callable[[], Recording],
        instrumented: Instrumentation,
        clock: Callable[[], int] = perf_counter_ns,
    ) -> None:
        self._folder = folder
        self._snapshot = snapshot
        self._instrumented = instrumented
        self._clock = clock
        self.due_ns = _NEVER_NS
        self._pid = os.getpid()
        self._lock = allocate_lock()

    def begin(self) -> None:
        """Measure what recording costs, and write from now on.

        It can't be measured at the moments of a hand-over, which are within an event.
        """
        ENGINE.calibrate()
        self.due_ns = self._clock()

    def stop(self) -> None:
        """Nothing is due any more: what recording costs is measured at a capture's end too."""
        self.due_ns = _NEVER_NS

    def do(self) -> None:
        """Write, and say when to do so next; never raises."""
        if os.getpid() != self._pid:
            # a forked child has a copy of the lock, held perhaps by a thread that it lacks
            self._pid, self._lock = os.getpid(), allocate_lock()
        if not self._lock.acquire(blocking=False):
            return
        start_ns = self._clock()
        try:
            self.now()
        finally:
            spent_ns = self._clock() - start_ns
            self.due_ns = start_ns + spent_ns * (1 + _SHARE)
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

            content = {
                "modules": sorted(self._instrumented.modules),
                "functions": self._instrumented.functions,
                "recording": recording_to_values(self._snapshot()),
            }
            self._write(json.dumps(content))
        except Exception:
            ENGINE.note_fault()

    def _write(self, text: str) -> None:
        # A process that outlives the session must not leave its folder behind.
        if not os.path.isdir(_session_of(self._folder)):
            return
        os.makedirs(self._folder, exist_ok=True)
        path = os.path.join(self._folder, f"{os.getpid()}.json")
        with open(f"{path}.part", "w", encoding="ascii") as file:
            file.write(text)
        os.replace(f"{path}.part", path)


def record_this_process(folder: str) -> None:
    """Record, from here to the process's end, the packages that ``folder`` is there for."""
    budget, patterns = _orders_for(folder)
    if DISABLED or not patterns:
        return
    capture = Capture("child process")
    instrumentation = Instrumentation(
        Selection(*patterns), budget, on_first=lambda: hand_over.begin()
    )
    hand_over = HandOver(folder, capture.snapshot, instrumentation)
    ENGINE.do_between_spans(hand_over)
    capture.start()

    def finish() -> None:
        hand_over.stop()
        capture.stop()
        hand_over.now()

    # The first to be registered is the last to be called.
    atexit.register(finish)
    _before_terminating(hand_over.now)


def write_orders(session_folder: str, patterns: Sequence[str], budget: float | None) -> None:
    """Say what children shall record that hand over two folders down from there."""
    lines = ["" if budget is None else repr(budget), *patterns]
    with open(os.path.join(session_folder, ORDERS_FILE), "w", encoding="utf-8") as file:
        file.write("\n".join(lines))


def _orders_for(folder: str) -> tuple[float | None, list[str]]:
    """The budget and what to record; nothing of that if nobody waits any more."""
    try:
        with open(os.path.join(_session_of(folder), ORDERS_FILE), encoding="utf-8") as file:
            budget, *patterns = file.read().split("\n")
    except OSError:
        return None, []
    return float(budget) if budget else None, patterns


def _session_of(folder: str) -> str:
    return os.path.dirname(os.path.dirname(folder))


def _before_terminating(do: Callable[[], None]) -> None:
    """Have ``do`` called at a SIGTERM that nobody handles; the process dies of it all the same."""
    if signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        return

    def on_sigterm(number: int, frame: object) -> None:
        do()
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    signal.signal(signal.SIGTERM, on_sigterm)
