"""``--timestamps-subprocesses``: Python processes that tests start are recorded too."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

import pytest

from tests.plugin.conftest import Run
from tests.plugin.stores import ASKED, calls_of, calls_of_fixture, write_tests

Written = Callable[..., dict[str, Any]]

START = """
import multiprocessing, os, pytest, signal, subprocess, sys

def python(code, *options, **keywords):
    command = [sys.executable, *options, "-c", code]
    return subprocess.run(command, check=True, text=True, capture_output=True, **keywords)
"""


def test_a_childs_calls_belong_to_the_test_that_started_it(
    store: pytest.Pytester, run: Run, written: Written
) -> None:
    """Without xdist and with it; beside the test, so that none of its time is theirs."""
    write_tests(
        store,
        START,
        """
def test_one():
    python("import store; store.total(1)")

def test_two():
    import store
    store.price(1)
    python("import store; store.price(1)")
    python("import store; store.price(1)")

def test_three():
    pass
""",
    )
    result = run(*ASKED)
    result.assert_outcomes(passed=3)
    report = written()
    assert calls_of(report, "test_store.py::test_one") == {"store.total": 1, "store.price": 2}
    assert calls_of(report, "test_store.py::test_two") == {"store.price": 3}
    assert calls_of(report, "test_store.py::test_three") == {}
    tops = [row for test in report["tests"] for row in test["call_tree"] if row[0] == -1]
    assert sorted(tuple(row[1:4]) for row in tops) == [
        ("store.price", "call", False),
        ("store.price", "call", True),
        ("store.total", "call", True),
    ]
    result.stdout.fnmatch_lines(["instrumented: 4 functions of 1 module, and in 3 child processes"])
    result.stdout.no_fnmatch_line("*no module was imported*")


@pytest.mark.parametrize(
    "code",
    [
        "Process = multiprocessing.get_context('spawn').Process\n"
        "    process = Process(target=store.total, args=(1,)); process.start(); process.join()",
        "with multiprocessing.get_context('spawn').Pool(1) as pool: pool.map(store.total, [1])",
    ],
    ids=["process", "pool"],
)
def test_multiprocessing_is_recorded(
    store: pytest.Pytester, alone: Run, written: Written, code: str
) -> None:
    """Processes that end, and pools, whose processes are told to terminate."""
    write_tests(store, START, f"def test_it():\n    import store\n    {code}\n")
    alone(*ASKED).assert_outcomes(passed=1)
    assert calls_of(written(), "test_store.py::test_it") == {"store.total": 1, "store.price": 2}


@pytest.mark.skipif(sys.platform == "win32", reason="there, processes can only be killed")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_what_a_killed_child_did_is_there(
    store: pytest.Pytester, alone: Run, written: Written, number: int
) -> None:
    """All of it while it isn't much, its open spans too; and it dies of the signal at once."""
    write_tests(
        store,
        START,
        f"""
def test_it():
    command = [sys.executable, "-c", "import store; store.serve()"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdout.readline()
    process.send_signal({int(number)})
    assert process.wait() == -{int(number)}
    process.stdin.close(), process.stdout.close()
""",
    )
    result = alone(*ASKED)
    result.assert_outcomes(passed=1)
    calls = calls_of(written(), "test_store.py::test_it")
    assert calls == {"store.serve": 1, "store.total": 1, "store.price": 2}
    result.stdout.fnmatch_lines(["* still open at a test's end*"])


def test_a_fixtures_child_is_the_fixtures(
    store: pytest.Pytester, alone: Run, written: Written
) -> None:
    """What a wide fixture starts belongs to it, while tests come and go, until its teardown."""
    write_tests(
        store,
        START,
        """
@pytest.fixture(scope="module")
def server():
    process = subprocess.Popen(
        [sys.executable, "-c", "import store; store.price(1); input(); store.total(1)"],
        stdin=subprocess.PIPE,
    )
    yield process
    process.communicate(b"x")

def test_one(server):
    python("import store; store.price(1)")

def test_two(server):
    pass
""",
    )
    alone(*ASKED).assert_outcomes(passed=2)
    report = written()
    assert calls_of(report, "test_store.py::test_one") == {"store.price": 1}
    assert calls_of(report, "test_store.py::test_two") == {}
    assert calls_of_fixture(report, "server") == {"store.price": 3, "store.total": 1}


@pytest.mark.parametrize(
    "code",
    [
        'python("import store; store.price(1)", "-E", cwd=here)',
        'python("import store; store.price(1)", env={"PYTHONPATH": here})',
        'python(f"import sys; sys.path.append({here!r}); import store; store.price(1)", "-I")',
        'python(f"import sys; sys.path.append({here!r}); import store; store.price(1)", "-S")',
        'python("import os, store; store.price(1); os._exit(0)", env={"PYTHONPATH": here})',
    ],
    ids=["-E", "env", "-I", "-S", "_exit"],
)
def test_a_child_that_shuts_itself_off_is_left_alone(
    store: pytest.Pytester, alone: Run, written: Written, code: str
) -> None:
    """It runs as it would; nothing of it is recorded."""
    write_tests(
        store, START, f"def test_it():\n    here = os.getcwd()\n    assert {code}.stderr == ''\n"
    )
    alone(*ASKED).assert_outcomes(passed=1)
    assert calls_of(written(), "test_store.py::test_it") == {}


@pytest.mark.parametrize(
    "code",
    [
        "import os; os.chdir('/'); import store; store.price(1); print(os.getcwd())",
        "import os, store; store.price(1); pid = os.fork() or os._exit(0); os.waitpid(pid, 0)"
        "; print('/')",
        "import subprocess, sys; code = 'import store; store.price(1)'"
        "; subprocess.run([sys.executable, '-c', code], check=True); print('/')",
        "import threading, store; t = threading.Thread(target=store.price, args=(1,))"
        "; t.start(); t.join(); print('/')",
        "import atexit; atexit.register(lambda: store.price(1)); import store; print('/')",
    ],
    ids=["chdir", "fork", "grandchild", "thread", "atexit"],
)
@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork, and no / either")
def test_a_child_does_as_it_likes(
    store: pytest.Pytester, alone: Run, written: Written, code: str
) -> None:
    """It writes what it would have written, and its calls are there."""
    write_tests(
        store,
        START,
        f"def test_it():\n    done = python({code!r})\n"
        "    assert (done.stdout, done.stderr) == ('/\\n', '')\n",
    )
    alone(*ASKED).assert_outcomes(passed=1)
    assert calls_of(written(), "test_store.py::test_it") == {"store.price": 1}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_what_a_child_forks_hands_over_for_itself(
    store: pytest.Pytester, alone: Run, written: Written
) -> None:
    """Its calls and its parent's are both there; without calls it is as nothing."""
    code = """
import os, store
store.price(1)
for work in store.busy, int:
    child = os.fork()
    if not child:
        work()
        os._exit(3)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 3
store.price(1)
"""
    write_tests(store, START, f"def test_it():\n    python({code!r})\n")
    result = alone(*ASKED)
    result.assert_outcomes(passed=1)
    calls = calls_of(written(), "test_store.py::test_it")
    assert calls == {"store.busy": 1, "store.price": 202}
    result.stdout.fnmatch_lines(["*, and in 2 child processes"])


def test_the_environment_is_put_back(store: pytest.Pytester, alone: Run) -> None:
    """The session's end undoes it, and removes the folder; a test sees whose its children are."""
    write_tests(
        store,
        START,
        """
def test_it():
    folder = os.environ["PYTEST_TIMESTAMPS_CHILD_FOLDER"]
    assert folder.endswith("call")
    with open("folder.txt", "w") as file:
        file.write(os.path.dirname(os.path.dirname(folder)))
""",
    )
    before = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    alone(*ASKED).assert_outcomes(passed=1)
    assert dict(os.environ) == before
    assert not os.path.exists((store.path / "folder.txt").read_text())


def test_a_child_that_outlives_its_test_is_cut_off(
    store: pytest.Pytester, alone: Run, written: Written
) -> None:
    """What it does after the test's end is nobody's, and leaves nothing behind."""
    write_tests(
        store,
        START,
        """
processes = []

def test_it():
    command = [sys.executable, "-c", "import store; store.price(1); print(1, flush=True); input()"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    processes.append(process)
    process.stdout.readline()

def test_later():
    process = processes.pop()
    process.communicate(b"x")
    assert process.returncode == 0
""",
    )
    alone(*ASKED).assert_outcomes(passed=2)
    report = written()
    assert calls_of(report, "test_store.py::test_it") == {"store.price": 1}
    assert calls_of(report, "test_store.py::test_later") == {}


def test_the_ini_twin_does_the_same(store: pytest.Pytester, alone: Run, written: Written) -> None:
    """It may stay in the file while nothing is instrumented."""
    store.makeini("[pytest]\ntimestamps_subprocesses = true\n")
    write_tests(store, START, "def test_it():\n    python('import store; store.price(1)')\n")
    alone("--timestamps-instrument=store", "--timestamps-report=json").assert_outcomes(passed=1)
    assert calls_of(written(), "test_store.py::test_it") == {"store.price": 1}
    assert alone("--timestamps").ret == 0


def test_without_packages_it_is_a_usage_error(store: pytest.Pytester, alone: Run) -> None:
    """Nobody would know what to record."""
    result = alone("--timestamps-subprocesses")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(
        [
            "ERROR: --timestamps-subprocesses needs --timestamps-instrument=PACKAGE, which says "
            "what to record in them"
        ]
    )
