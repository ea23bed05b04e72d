"""Children of a recording process, and a process in which recording is switched off."""

import multiprocessing
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

import pytest_timestamps
from pytest_timestamps.recording import Capture, timestamp
from pytest_timestamps.recording.engine import ENGINE

from .support import FakeClock, tree

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

Figures = dict[str, tuple[int, int, int]]


def in_child(work: Callable[[], object]) -> object:
    """What ``work`` returns in a forked child, which must end well."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if not child:
        status = 1
        try:
            os.write(write_end, pickle.dumps(work()))
            status = 0
        finally:
            os._exit(status)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as pipe:
        sent = pipe.read()
    _, status = os.waitpid(child, 0)
    assert status == 0
    return pickle.loads(sent)


@timestamp(name="leaf")
def leaf(clock: FakeClock, duration_ns: int) -> None:
    clock.work(duration_ns)


@needs_fork
def test_an_inherited_capture_starts_empty(clock: FakeClock) -> None:
    """A forked child's copy of a capture holds the child's calls, and the parent's its own."""

    def work() -> tuple[Figures, int, int]:
        leaf(clock, 10)
        return tree(capture), capture.recording().wall_ns, ENGINE.faults

    with Capture() as capture:
        leaf(clock, 1)
        assert in_child(work) == ({"leaf": (1, 10, 10)}, 10, 0)
        leaf(clock, 1)
    assert tree(capture) == {"leaf": (2, 2, 2)}


@needs_fork
def test_a_fork_inside_a_span(clock: FakeClock) -> None:
    """A child forked in the middle of a call sees that call's end without harm."""

    @timestamp(name="trunk")
    def trunk() -> object:
        clock.work(1)

        def work() -> tuple[Figures, int]:
            leaf(clock, 10)
            inner()
            return tree(capture), ENGINE.faults

        seen = in_child(work)
        leaf(clock, 5)
        return seen

    @timestamp(name="inner")
    def inner() -> None:
        clock.work(100)

    with Capture() as capture:
        assert trunk() == ({"leaf": (1, 10, 10), "inner": (1, 100, 100)}, 0)
    assert tree(capture) == {"trunk": (1, 6, 1), "trunk/leaf": (1, 5, 5)}


@needs_fork
def test_a_child_that_goes_on_with_its_parents_stack(clock: FakeClock) -> None:
    """Spans that are open in the parent end in the child too, and count for nothing there."""

    def work() -> tuple[Figures, int]:
        with Capture() as own:
            leaf(clock, 10)
        return tree(own), ENGINE.faults

    @timestamp(name="trunk")
    def trunk() -> object:
        return work()

    with Capture() as capture:
        seen = in_child(trunk)
    assert seen == ({"leaf": (1, 10, 10)}, 0)
    assert tree(capture) == {}


@needs_fork
def test_a_child_stops_what_it_inherited(clock: FakeClock) -> None:
    """Leaving an inherited capture in the child works, and touches the parent's not at all."""

    def work() -> tuple[Figures, bool]:
        leaf(clock, 10)
        capture.stop()
        leaf(clock, 100)
        return tree(capture), ENGINE.armed

    capture = Capture()
    capture.start()
    leaf(clock, 1)
    assert in_child(work) == ({"leaf": (1, 10, 10)}, False)
    leaf(clock, 1)
    capture.stop()
    assert tree(capture) == {"leaf": (2, 2, 2)}


@needs_fork
def test_a_fork_while_other_threads_record(clock: FakeClock) -> None:
    """Threads that the child doesn't have leave nothing open in it."""
    go_on, inside = threading.Event(), threading.Event()

    @timestamp(name="waiting")
    def waiting() -> None:
        inside.set()
        assert go_on.wait(10)

    def work() -> tuple[Figures, int]:
        leaf(clock, 10)
        return tree(capture), ENGINE.faults

    with Capture() as capture:
        thread = threading.Thread(target=waiting)
        thread.start()
        assert inside.wait(10)
        seen = in_child(work)
        go_on.set()
        thread.join()
    assert seen == ({"leaf": (1, 10, 10)}, 0)
    assert tree(capture) == {"waiting": (1, 0, 0)}


def _child(connection: Connection) -> None:
    """Record in a child of `multiprocessing`, by a collector of its own."""
    with Capture() as own:
        _counted()
        _counted()
    connection.send((own.recording().paths[0].calls, ENGINE.faults))
    connection.close()


@timestamp(name="counted")
def _counted() -> None:
    pass


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_multiprocessing(clock: FakeClock, method: str) -> None:
    """Children of `multiprocessing` record for themselves, whichever way they were made."""
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"this system can't {method}")
    context = multiprocessing.get_context(method)
    with Capture() as capture:
        receiver, sender = context.Pipe(duplex=False)
        child = context.Process(target=_child, args=(sender,))
        child.start()
        assert receiver.poll(60)
        assert receiver.recv() == (2, 0)
        child.join()
        _counted()
    assert child.exitcode == 0
    assert tree(capture)["counted"][0] == 1


DISABLED_PROGRAM = """
import functools
from pytest_timestamps import Collector, timestamp, timestamp_block

def plain(): pass
class Owner:
    @timestamp
    @property
    def size(self): return 3
    @timestamp(name="{self}")
    def method(self): return 4
partial = functools.partial(plain)
assert timestamp(plain) is plain
assert timestamp(name="x {n}")(plain) is plain
assert timestamp(partial) is partial
with Collector("c") as collector:
    with timestamp_block("block"):
        plain()
        assert (Owner().size, Owner().method()) == (3, 4)
assert timestamp_block("block")(plain) is plain
print(collector.span_count)
"""


@pytest.mark.parametrize(("value", "spans"), [("1", "0"), ("0", "3"), ("", "3")])
def test_switched_off_by_the_environment(value: str, spans: str) -> None:
    """With PYTEST_TIMESTAMPS_DISABLED=1 decorating returns what it was given; blocks rest."""
    program = DISABLED_PROGRAM
    if spans != "0":
        # what is the same object on every version only when off
        program = "\n".join(line for line in program.split("\n") if " is p" not in line)
        program = program.replace("        plain()\n", "")
    finished = subprocess.run(
        [sys.executable, "-c", program],
        env={
            **os.environ,
            "PYTEST_TIMESTAMPS_DISABLED": value,
            "PYTHONPATH": str(Path(pytest_timestamps.__file__).parents[1]),
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (finished.stdout.strip(), finished.stderr) == (spans, "")
