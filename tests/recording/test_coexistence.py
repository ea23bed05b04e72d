"""Other tools that watch the program at the same time: nobody disturbs anybody."""

import cProfile
import gc
import pstats
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from types import FrameType

import pytest

from pytest_timestamps.recording import Capture, timestamp
from pytest_timestamps.recording.engine import ENGINE

from .support import MONITORED, FakeClock, leftovers, tree

needs_monitoring = pytest.mark.skipif(not MONITORED, reason="3.11 has no sys.monitoring")

EXPECTED = {"trunk": (1, 7, 1), "trunk/leaf": (2, 6, 6)}


@pytest.fixture
def trunk(clock: FakeClock) -> Callable[[], None]:
    """A recorded function that calls another one twice, once in vain."""

    @timestamp(name="leaf")
    def leaf(fails: bool) -> None:
        clock.work(3)
        if fails:
            raise LookupError

    @timestamp(name="trunk")
    def trunk() -> None:
        leaf(False)
        try:
            leaf(True)
        except LookupError:
            clock.work(1)

    return trunk


@pytest.fixture
def tracing() -> Iterator[None]:
    """Whoever traces or profiles the suite itself gets it back."""
    before = sys.gettrace(), sys.getprofile()
    yield
    sys.settrace(before[0])
    sys.setprofile(before[1])


@pytest.mark.usefixtures("tracing")
def test_under_a_profile_function(trunk: Callable[[], None]) -> None:
    """With `sys.setprofile` in use both see every call."""
    seen = []

    def profile(frame: FrameType, event: str, _: object) -> None:
        if event == "call":
            seen.append(frame.f_code.co_name)

    with Capture() as capture:
        sys.setprofile(profile)
        trunk()
        sys.setprofile(None)
    assert tree(capture) == EXPECTED
    assert (seen.count("trunk"), seen.count("leaf")) == (1, 2)


@pytest.mark.usefixtures("tracing")
def test_under_a_trace_function(trunk: Callable[[], None]) -> None:
    """With `sys.settrace` in use, as by debuggers, both see every call and line."""
    seen = []

    def trace(frame: FrameType, event: str, _: object) -> object:
        if frame.f_code.co_name in ("trunk", "leaf"):
            seen.append((frame.f_code.co_name, event))
        return trace

    with Capture() as capture:
        sys.settrace(trace)
        trunk()
        sys.settrace(None)
    assert tree(capture) == EXPECTED
    assert seen.count(("leaf", "call")) == 2
    assert seen.count(("leaf", "exception")) == 1


@pytest.mark.usefixtures("tracing")
def test_a_debugger_changes_a_callers_local(clock: FakeClock) -> None:
    """A local that a trace function changes stays changed through recorded calls."""

    @timestamp(name="leaf")
    def leaf() -> None:
        pass

    def caller() -> int:
        value = 1
        leaf()
        leaf()
        return value

    def trace(frame: FrameType, event: str, _: object) -> object:
        if frame.f_code.co_name == "caller" and event == "line" and "value" in frame.f_locals:
            frame.f_locals["value"] = 2
        return trace

    with Capture():
        sys.settrace(trace)
        value = caller()
        sys.settrace(None)
    assert value == 2


@pytest.mark.usefixtures("tracing")
def test_under_cprofile(trunk: Callable[[], None]) -> None:
    """cProfile, around or inside a capture, counts the calls that recording counts."""
    with cProfile.Profile() as around, Capture() as outer:
        trunk()
    with Capture() as inner, cProfile.Profile() as inside:
        trunk()
    for capture, profile in ((outer, around), (inner, inside)):
        assert tree(capture) == EXPECTED
        calls = {key[2]: figures[1] for key, figures in pstats.Stats(profile).stats.items()}  # type: ignore[attr-defined]
        assert (calls["trunk"], calls["leaf"]) == (1, 2)


@pytest.mark.parametrize("core", ["ctrace", "sysmon"])
def test_under_coverage(tmp_path: object, core: str) -> None:
    """coverage.py measures recorded lines, whichever way it traces; calls are recorded."""
    import subprocess

    if core == "sysmon" and not MONITORED:
        core = "pytrace"
    script = f"{tmp_path}/program.py"
    with open(script, "w") as file:
        file.write(_PROGRAM)
    finished = subprocess.run(
        [
            sys.executable,
            "-m",
            "coverage",
            "run",
            "--rcfile=",
            f"--data-file={script}.data",
            script,
        ],
        env={**_environment(), "COVERAGE_CORE": core},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (finished.returncode, finished.stdout) == (0, "3 calls\n"), finished.stderr
    report = subprocess.run(
        [
            sys.executable,
            "-m",
            "coverage",
            "report",
            "--rcfile=",
            f"--data-file={script}.data",
            f"--include={script}",
            "--format=total",
        ],
        env=_environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert report.stdout == "100\n", report.stderr


_PROGRAM = """
from pytest_timestamps.recording import Capture, timestamp

@timestamp(name="leaf")
def leaf(n):
    if n:
        return 1
    return 2

with Capture() as capture:
    for n in range(3):
        leaf(n)
print(capture.recording().paths[0].calls, "calls")
"""


def _environment() -> dict[str, str]:
    import os
    from pathlib import Path

    import pytest_timestamps

    root = str(Path(pytest_timestamps.__file__).parents[1])
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("COV", "PYTEST"))}
    return {**kept, "PYTHONPATH": root}


@needs_monitoring
def test_beside_another_monitoring_tool(trunk: Callable[[], None]) -> None:
    """Another `sys.monitoring` tool gets its own events, and keeps them after the stop."""
    monitoring = sys.monitoring  # type: ignore[attr-defined]
    seen: list[str] = []
    monitoring.use_tool_id(4, "other")
    try:
        monitoring.register_callback(
            4, monitoring.events.PY_START, lambda code, offset: seen.append(code.co_name)
        )
        monitoring.set_events(4, monitoring.events.PY_START)
        with Capture() as capture:
            trunk()
        trunk()
    finally:
        monitoring.set_events(4, 0)
        monitoring.register_callback(4, monitoring.events.PY_START, None)
        monitoring.free_tool_id(4)
    assert tree(capture) == EXPECTED
    assert (seen.count("trunk"), seen.count("leaf")) == (2, 4)


@needs_monitoring
def test_every_tool_id_taken(clock: FakeClock, trunk: Callable[[], None]) -> None:
    """With no id left a warning says what isn't recorded; blocks and templates still are."""
    from pytest_timestamps.recording import timestamp_block

    @timestamp(name="templated {n}")
    def templated(n: int) -> None:
        clock.work(n)

    monitoring = sys.monitoring  # type: ignore[attr-defined]
    taken = [tool for tool in (0, 2, 3, 4) if monitoring.get_tool(tool) is None]
    for tool in taken:
        monitoring.use_tool_id(tool, "other")
    try:
        capture = Capture()
        with pytest.warns(RuntimeWarning) as caught:
            capture.__enter__()
        with capture, timestamp_block("block"):
            trunk()
            templated(3)
        capture.stop()
    finally:
        for tool in taken:
            monitoring.free_tool_id(tool)
    assert [str(warning.message) for warning in caught] == [
        "every sys.monitoring tool id is taken: calls of @timestamp functions are not "
        "recorded (blocks and templated names are); free one of the ids 0, 2, 3, 4"
    ]
    assert caught[0].filename == __file__
    assert tree(capture) == {"block": (1, 10, 7), "block/templated 3": (1, 3, 3)}


@needs_monitoring
def test_coverages_id_is_never_taken(trunk: Callable[[], None]) -> None:
    """Id 1 stays free for coverage, and 2 for cProfile, while others can be had."""
    monitoring = sys.monitoring  # type: ignore[attr-defined]
    before = [monitoring.get_tool(tool) for tool in range(6)]
    with Capture():
        during = [monitoring.get_tool(tool) for tool in range(6)]
    assert during[1:3] == before[1:3]
    assert during.count("pytest_timestamps") == 1


@needs_monitoring
def test_nothing_is_left_of_it(trunk: Callable[[], None]) -> None:
    """After the last capture there is no tool id and no event; a call costs nothing."""
    monitoring = sys.monitoring  # type: ignore[attr-defined]
    before = [monitoring.get_tool(tool) for tool in range(6)]
    with Capture(), Capture():
        trunk()
    assert [monitoring.get_tool(tool) for tool in range(6)] == before
    free = next(tool for tool in range(6) if monitoring.get_tool(tool) is None)
    monitoring.use_tool_id(free, "probe")
    try:
        assert monitoring.get_local_events(free, trunk.__code__) == 0  # type: ignore[attr-defined]
        assert monitoring.get_events(free) == 0
    finally:
        monitoring.free_tool_id(free)
    assert leftovers() == []


def test_no_patch_is_left(clock: FakeClock) -> None:
    """The standard library's functions are the same objects before, and after."""
    import asyncio
    import asyncio.events
    import concurrent.futures.thread

    def parts() -> list[object]:
        return [
            asyncio.to_thread,
            asyncio.threads.to_thread,
            asyncio.BaseEventLoop.create_task,
            asyncio.events.Handle._run,
            threading.Thread.start,
            vars(threading.Thread)["_bootstrap_inner"],
            concurrent.futures.thread._WorkItem.run,  # type: ignore[attr-defined]
            concurrent.futures.thread._WorkItem.__init__,  # type: ignore[attr-defined]
        ]

    before = parts()
    with Capture():
        during = parts()
    assert parts() == before
    assert (during == before) is MONITORED


def test_locals_are_not_kept_alive(clock: FakeClock) -> None:
    """A recorded function's locals die with its call, also in callers and generators."""

    class Local:
        pass

    refs = []

    @timestamp(name="leaf")
    def leaf() -> None:
        local = Local()
        refs.append(weakref.ref(local))

    @timestamp(name="items")
    def items() -> Iterator[int]:
        local = Local()
        refs.append(weakref.ref(local))
        yield 1

    def caller() -> None:
        local = Local()
        refs.append(weakref.ref(local))
        with Capture() as inner:
            leaf()
        assert inner.recording().paths

    gc.disable()
    try:
        with Capture() as capture:
            caller()
            list(items())
            abandoned = items()
            next(abandoned)
            del abandoned
            assert [ref() for ref in refs] == [None] * 4
    finally:
        gc.enable()
    assert capture.recording().paths


def test_faults_stay_inside(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of recording's own is counted, and never reaches the program."""

    @timestamp(name="leaf")
    def leaf() -> int:
        return 7

    def broken(*args: object) -> None:
        raise ZeroDivisionError

    with Capture():
        monkeypatch.setattr(ENGINE, "_find_scope", broken)
        lane = ENGINE.lanes.here()
        monkeypatch.setattr(lane, "find_scope", broken)
        assert leaf() == 7
        assert ENGINE.faults > 0
        monkeypatch.undo()
    ENGINE.faults = 0
