"""``--timestamps-subprocesses``: processes that are forked from pytest are recorded too."""

from __future__ import annotations

# In this process, so that each session within it meets the same: it pickles its own classes.
import concurrent.futures.process  # noqa: F401
import os
from collections.abc import Callable
from typing import Any

import pytest

from pytest_timestamps.instrumenting import forks
from tests.plugin.conftest import Run
from tests.plugin.stores import ASKED, calls_of, calls_of_fixture, write_tests

Written = Callable[..., dict[str, Any]]

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")

START = """
import concurrent.futures, multiprocessing, os, pickle, pytest, signal, sys, threading
import store
from multiprocessing import get_context

FORK = get_context("fork")

def run(target, *args, method="fork"):
    process = get_context(method).Process(target=target, args=args)
    process.start()
    process.join()
    return process.exitcode

def fork(work):
    child = os.fork()
    if not child:
        status = 99
        try:
            status = work()
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
"""
ONE_TOTAL = {"store.total": 1, "store.price": 2}


@pytest.fixture
def by_itself(store: pytest.Pytester) -> Run:
    """Run pytest without xdist, in a process of its own."""

    def run_pytest(*arguments: str) -> pytest.RunResult:
        return store.runpytest_subprocess("-p", "no:xdist", *arguments)

    return run_pytest


def test_a_forked_processs_calls_belong_to_the_test_that_forked_it(
    store: pytest.Pytester, run: Run, written: Written
) -> None:
    """From the fork on, beside the test; xdist's workers are nobody's children."""
    write_tests(
        store,
        START,
        """
def test_one():
    store.total(1)
    assert run(store.total, 1) == 0

def test_two():
    assert run(store.price, 1) == 0
    assert run(store.price, 1) == 0

def test_three():
    assert run(print) == 0
""",
    )
    result = run(*ASKED)
    result.assert_outcomes(passed=3)
    report = written()
    assert calls_of(report, "test_store.py::test_one") == {"store.total": 2, "store.price": 4}
    assert calls_of(report, "test_store.py::test_two") == {"store.price": 2}
    assert calls_of(report, "test_store.py::test_three") == {}
    tops = [row for test in report["tests"] for row in test["call_tree"] if row[0] == -1]
    assert sorted(tuple(row[1:4]) for row in tops) == [
        ("store.price", "call", True),
        ("store.total", "call", False),
        ("store.total", "call", True),
    ]
    # what has recorded nothing is none of them
    result.stdout.fnmatch_lines(["instrumented: 4 functions of 1 module, and in 3 child processes"])


WAYS_OUT = {
    "return": "assert run(store.busy) == 0",
    "sys.exit": "assert run(lambda: sys.exit(store.busy())) == 4",
    "exception": "assert run(lambda: store.busy() / 0) == 1",
    "_exit": "assert run(lambda: os._exit(store.busy())) == 4",
    "plain fork": "assert fork(store.busy) == 4",
    "thread": "assert run(lambda: threading.Thread(target=store.busy).start()) == 0",
    "grandchild": "assert run(lambda: sys.exit(run(store.busy))) == 0",
    "in a thread": "thread = threading.Thread(target=run, args=(store.busy,))\n"
    "    thread.start(), thread.join()",
    "pool": "pool = FORK.Pool(1)\n"
    "    assert pool.apply(store.busy) == 4\n"
    "    pool.close(), pool.join()",
    "executor": "with concurrent.futures.ProcessPoolExecutor(1, mp_context=FORK) as pool:\n"
    "        assert pool.submit(store.busy).result() == 4",
    "forkserver": "assert run(store.busy, method='forkserver') == 0",
    "exec": "code = 'import store; store.busy()'\n"
    "    fork(lambda: os.execv(sys.executable, [sys.executable, '-c', code]))",
}


@pytest.mark.parametrize("way", WAYS_OUT)
def test_what_a_forked_process_did_is_there(
    store: pytest.Pytester, alone: Run, by_itself: Run, written: Written, way: str
) -> None:
    """All of it, however it was forked and however it ends; and its status is its own."""
    write_tests(store, START, f"def test_it():\n    {WAYS_OUT[way]}\n")
    # a fork server outlives the session within a process
    ask = by_itself if way == "forkserver" else alone
    ask(*ASKED).assert_outcomes(passed=1)
    assert calls_of(written(), "test_store.py::test_it") == {
        "store.busy": 1,
        "store.price": 200,
    }


def test_each_forked_process_hands_over_for_itself(
    store: pytest.Pytester, alone: Run, written: Written
) -> None:
    """What it did before it forked another, and before it became another program, too."""
    write_tests(
        store,
        START,
        """
def work():
    store.price(1)
    assert run(store.busy) == 0
    store.price(1)
    os.execv(sys.executable, [sys.executable, "-c", "import store; store.price(1)"])

def test_it():
    assert run(work) == 0
""",
    )
    result = alone(*ASKED)
    result.assert_outcomes(passed=1)
    calls = calls_of(written(), "test_store.py::test_it")
    assert calls == {"store.busy": 1, "store.price": 203}
    result.stdout.fnmatch_lines(["*, and in 3 child processes"])


@pytest.mark.parametrize("name", ["SIGTERM", "SIGKILL"])
@pytest.mark.parametrize("depth", [1, 2], ids=["child", "grandchild"])
def test_what_a_killed_process_did_is_there(
    store: pytest.Pytester, alone: Run, written: Written, name: str, depth: int
) -> None:
    """All of it while it isn't much; and it dies of the signal that it was sent."""
    write_tests(
        store,
        START,
        f"""
def serve(depth):
    if depth > 1:
        os._exit(-run(serve, depth - 1))
    store.total(1)
    os.kill(os.getpid(), signal.{name})

def test_it():
    assert abs(run(serve, {depth})) == signal.{name}
""",
    )
    alone(*ASKED).assert_outcomes(passed=1)
    assert calls_of(written(), "test_store.py::test_it") == ONE_TOTAL


def test_what_is_forked_from_a_busy_process_hands_over_at_once(
    store: pytest.Pytester, alone: Run, written: Written
) -> None:
    """Though its parent need not do so for a while."""
    write_tests(
        store,
        START,
        """
def killed():
    store.total(1)
    os.kill(os.getpid(), signal.SIGKILL)

def work():
    store.busy()
    assert fork(killed) == -signal.SIGKILL

def test_it():
    assert run(work) == 0
""",
    )
    alone(*ASKED).assert_outcomes(passed=1)
    calls = calls_of(written(), "test_store.py::test_it")
    assert calls == {"store.busy": 1, "store.total": 1, "store.price": 202}


def test_a_forked_process_notices_nothing(
    store: pytest.Pytester, alone: Run, written: Written
) -> None:
    """No thread, no other handler, no other output; `os._exit` can be pickled as ever."""
    write_tests(
        store,
        START,
        """
def look():
    store.price(1)
    assert threading.active_count() == 1
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    assert pickle.loads(pickle.dumps(os._exit)) is os._exit
    return 0

def test_it(capfd):
    assert fork(look) == 0
    assert capfd.readouterr() == ("", "")
    assert os._exit is pickle.loads(pickle.dumps(os._exit))
    assert type(os._exit) is type(os.fork)
""",
    )
    alone(*ASKED).assert_outcomes(passed=1)
    assert calls_of(written(), "test_store.py::test_it") == {"store.price": 1}


EXECUTOR = "concurrent.futures.ProcessPoolExecutor(2, mp_context=FORK)"


@pytest.mark.parametrize(
    ("make", "begin"),
    [("FORK.Pool(2)", "None"), (EXECUTOR, "pool.submit(int).result()")],
    ids=["pool", "executor"],
)
def test_a_fixtures_pool_is_the_fixtures(
    store: pytest.Pytester, alone: Run, written: Written, make: str, begin: str
) -> None:
    """What a wide fixture has forked belongs to it, whichever test gives it work."""
    write_tests(
        store,
        START,
        f"""
@pytest.fixture(scope="module")
def pool():
    with {make} as pool:
        {begin}
        yield pool

@pytest.mark.parametrize("n", [1, 2])
def test_it(pool, n):
    assert list(pool.map(store.total, [n, 0])) == [4 * n, 0]
""",
    )
    alone(*ASKED).assert_outcomes(passed=2)
    report = written()
    assert calls_of(report, "test_store.py::test_it[1]") == {}
    assert calls_of_fixture(report, "pool") == {"store.total": 4, "store.price": 8}


def test_pools_are_terminated_as_ever(store: pytest.Pytester, alone: Run, written: Written) -> None:
    """A handler of SIGTERM would make one in 50 wait for ever: the signal comes as they go idle."""
    write_tests(
        store,
        START,
        """
def test_it():
    for _ in range(20):
        with FORK.Pool(2) as pool:
            pool.map(store.price, [1])
""",
    )
    alone(*ASKED).assert_outcomes(passed=1)
    assert calls_of(written(), "test_store.py::test_it") == {"store.price": 20}


def test_a_forked_process_that_outlives_its_test_is_cut_off(
    store: pytest.Pytester, alone: Run, written: Written
) -> None:
    """What it does after the test's end is nobody's."""
    write_tests(
        store,
        START,
        """
pool = concurrent.futures.ProcessPoolExecutor(1, mp_context=FORK)

def test_it():
    assert pool.submit(store.price, 1).result() == 2

def test_later():
    assert pool.submit(store.total, 1).result() == 4
    pool.shutdown()
""",
    )
    alone(*ASKED).assert_outcomes(passed=2)
    report = written()
    assert calls_of(report, "test_store.py::test_it") == {"store.price": 1}
    assert calls_of(report, "test_store.py::test_later") == {}


def test_a_server_of_forks_serves_each_test(
    store: pytest.Pytester, by_itself: Run, written: Written
) -> None:
    """It was started in the first; each one's processes are its own, and none is nobody's."""
    write_tests(
        store,
        START,
        """
def test_one():
    assert run(store.price, 1, method="forkserver") == 0

def test_two():
    assert run(store.total, 1, method="forkserver") == 0

@pytest.fixture(scope="module")
def wide():
    assert run(store.price, 1, method="forkserver") == 0

def test_three(wide):
    pass
""",
    )
    result = by_itself(*ASKED)
    result.assert_outcomes(passed=3)
    report = written()
    assert calls_of(report, "test_store.py::test_one") == {"store.price": 1}
    assert calls_of(report, "test_store.py::test_two") == ONE_TOTAL
    assert calls_of(report, "test_store.py::test_three") == {}
    assert calls_of_fixture(report, "wide") == {"store.price": 1}
    result.stdout.fnmatch_lines(["*, and in 3 child processes"])


FORKED_TESTS = """
import os
import pytest
from _pytest.runner import runtestprotocol

@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item):
    if "forked" not in item.name:
        return None
    child = os.fork()
    if not child:
        passed = all(one.passed for one in runtestprotocol(item, log=False))
        os._exit(0 if passed else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    item.ihook.pytest_runtest_logreport(report=pytest.TestReport(
        item.nodeid, item.location, {}, "passed", None, "call", duration=0.5))
    return True
"""


def test_tests_that_run_in_forked_processes_take_nothing_from_others(
    store: pytest.Pytester, alone: Run, written: Written
) -> None:
    """Such a process has pytest's whole state: others' folders are out of its reach all the same.

    Its own test's calls aren't known, with or without the option.
    """
    store.makeconftest(FORKED_TESTS)
    write_tests(
        store,
        START,
        """
@pytest.fixture(scope="module")
def wide():
    assert run(store.price, 1) == 0

def test_one(wide):
    assert run(store.price, 1) == 0

def test_forked():
    assert run(store.price, 1) == 0

def test_two(wide):
    assert run(store.total, 1) == 0
""",
    )
    alone(*ASKED).assert_outcomes(passed=3)
    report = written()
    assert calls_of(report, "test_store.py::test_one") == {"store.price": 1}
    assert calls_of(report, "test_store.py::test_forked") == {}
    assert calls_of(report, "test_store.py::test_two") == ONE_TOTAL
    assert calls_of_fixture(report, "wide") == {"store.price": 1}


@pytest.mark.parametrize(
    "options", [(), ("--timestamps",), ASKED[:1]], ids=["off", "on", "packages"]
)
def test_without_the_option_forked_processes_are_what_they_were(
    store: pytest.Pytester, alone: Run, options: tuple[str, ...]
) -> None:
    """Even in the session after one that had it."""
    write_tests(store, START, "def test_it():\n    assert run(store.price, 1) == 0\n")
    alone(*ASKED).assert_outcomes(passed=1)
    assert not forks._ASKED
    write_tests(
        store,
        START,
        """
def look():
    import _signal
    assert type(os._exit) is type(os.fork)
    assert type(_signal.getsignal(signal.SIGTERM)) is int
    return 0

def test_it():
    assert fork(look) == 0
""",
    )
    alone(*options).assert_outcomes(passed=1)
