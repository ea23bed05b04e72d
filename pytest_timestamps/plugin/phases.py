"""The hooks that run around a test and around fixtures: one-liners into the recorder."""

from collections.abc import Callable, Generator
from functools import partial

import pytest

from pytest_timestamps.plugin.recorder import CaseRecorder, FixtureWork
from pytest_timestamps.recording import arm, disarm

__all__ = ["RecorderPlugin", "records_all", "records_on_request"]


def records_all(item: pytest.Item) -> bool:
    """Every test is recorded: the session was started with ``--timestamps``."""
    return True


def records_on_request(item: pytest.Item) -> bool:
    """Only tests that ask for the fixture ``timestamp_collector`` are recorded."""
    return "timestamp_collector" in getattr(item, "fixturenames", ())


class RecorderPlugin:
    """Registered in the processes that run tests: without xdist, and in xdist's workers.

    Its wrappers are the outermost, so a phase's time is all of that phase.
    """

    def __init__(self, recorder: CaseRecorder, applies_to: Callable[[pytest.Item], bool]) -> None:
        self._recorder = recorder
        self._applies_to = applies_to
        self._arms = applies_to is records_all

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtestloop(self) -> Generator[None, object, object]:
        """Instruments once a session: collectors that come and go with the tests cost little.

        Where only some tests are recorded, they alone pay for it.
        """
        if not self._arms:
            return (yield)
        arm()
        try:
            return (yield)
        finally:
            disarm()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, None, None]:
        if self._arms or self._applies_to(item):
            self._recorder.begin_case(item.nodeid)
        self._recorder.begin_phase("setup")
        try:
            return (yield)
        finally:
            self._recorder.end_phase("setup")

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self) -> Generator[None, None, None]:
        self._recorder.begin_phase("call")
        try:
            return (yield)
        finally:
            self._recorder.end_phase("call")

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_teardown(self) -> Generator[None, None, None]:
        self._recorder.begin_phase("teardown")
        try:
            return (yield)
        finally:
            self._recorder.end_phase("teardown")
            self._recorder.finish_case()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest
    ) -> Generator[None, object, object]:
        if fixturedef.scope == "function":
            return (yield)
        begin = partial(
            self._recorder.begin_fixture,
            fixturedef.argname,
            fixturedef.scope,
            request.node.nodeid,
        )
        # Finalizers run last in, first out: one added before the set-up and one added after it
        # enclose all that the fixture itself adds.
        teardown = _Teardown(begin, self._recorder.end_fixture)
        fixturedef.addfinalizer(teardown.end)
        work = begin("setup")
        try:
            return (yield)
        finally:
            self._recorder.end_fixture(work)
            fixturedef.addfinalizer(teardown.begin)

    # Last, so that the fixtures that are still set up have been torn down; not a wrapper,
    # because an xdist worker reports back as its wrappers end.
    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        self._recorder.close()


class _Teardown:
    """A fixture's teardown, from its first finalizer to its last."""

    def __init__(
        self,
        begin: Callable[[str], FixtureWork],
        end: Callable[[FixtureWork], None],
    ) -> None:
        self._begin = begin
        self._end = end
        self._work: FixtureWork | None = None

    def begin(self) -> None:
        self._work = self._begin("teardown")

    def end(self) -> None:
        if self._work is not None:
            self._end(self._work)
