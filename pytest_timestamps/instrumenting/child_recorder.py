"""Recording a whole child process, whatever ends it.

A process that was started anew is recorded by `record_this_process`. One that was forked from a
process that has been recording by other means is by `record_forked_process`; what is forked from
either goes on with a copy of all that, and hands over for itself.
"""

from __future__ import annotations

import atexit
import sys

from pytest_timestamps.recording import DISABLED, Capture
from pytest_timestamps.recording.engine import ENGINE

from .endings import before_exit
from .forks import do_in_forks
from .hand_over import HandOver
from .instrumentation import Instrumentation
from .orders import read_orders, read_running
from .selection import Selection

TYPE_CHECKING = False
if TYPE_CHECKING:
    from .hand_over import Instrumented

__all__ = ["record_forked_process", "record_this_process"]


def record_this_process(folder: str) -> None:
    """Record, from here to the process's end, the packages that ``folder`` is there for."""
    budget, patterns = read_orders(folder)
    if DISABLED or not patterns:
        return
    capture = Capture("child process")

    def begin() -> None:
        hand_over.calibrate_and_begin()

    instrumentation = Instrumentation(Selection(*patterns), budget, on_first=begin)
    hand_over = HandOver(folder, capture.snapshot, instrumentation)
    ENGINE.do_between_spans(hand_over)
    capture.start()

    def finish() -> None:
        hand_over.stop()
        capture.stop()
        hand_over.now()

    # The first to be registered is the last to be called.
    atexit.register(finish)
    before_exit(hand_over.now)
    if _serves_forks():
        do_in_forks(lambda: _go_on_for_whoever_asked(hand_over))
    else:
        do_in_forks(hand_over.go_on)


def record_forked_process(folder: str, instrumented: Instrumented) -> None:
    """In a process forked just now from one that records: what it does belongs to ``folder``.

    The functions are ``instrumented`` already, and what recording costs is known.
    """
    capture = Capture("forked process")
    hand_over = HandOver(folder, capture.snapshot, instrumented, known=instrumented.modules)
    hand_over.begin()
    ENGINE.thinning.do_at_ends(hand_over)
    capture.start()
    before_exit(hand_over.now)

    def go_on() -> None:
        hand_over.go_on()
        ENGINE.thinning.do_at_ends(hand_over)

    do_in_forks(go_on)


def _serves_forks() -> bool:
    """Is this the process that `multiprocessing` forks others from, at its client's request?"""
    return any("from multiprocessing.forkserver import main" in one for one in sys.orig_argv)


def _go_on_for_whoever_asked(hand_over: HandOver) -> None:
    """In a process that such a server has forked: it belongs to what is going on at present.

    The server itself belongs to what was when it was first needed.
    """
    hand_over.go_on(read_running(hand_over.folder))
    do_in_forks(hand_over.go_on)
