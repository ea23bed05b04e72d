"""A run as its test sees it: the value of the fixture ``token_run``."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_timestamps.errors import TokenRunError
from pytest_timestamps.tokens.keys import EXECUTION_KEY, without_admin_keys
from pytest_timestamps.tokens.recorder import OpenStep, RunRecorder
from pytest_timestamps.tokens.secret import SecretText
from pytest_timestamps.tokens.usage import ObservedUsage

if TYPE_CHECKING:
    from pytest_timestamps.tokens.forwarding import Forwarder
    from pytest_timestamps.tokens.observed import Tally

__all__ = ["StepHandle", "TokenRun"]

BASE_URL = "OPENAI_BASE_URL"


class StepHandle:
    """A step while it goes on: count what happens in it."""

    def __init__(self, recorder: RunRecorder, step: OpenStep) -> None:
        self._recorder = recorder
        self._step = step

    @property
    def name(self) -> str:
        """What the step was called."""
        return self._step.name

    def retry(self) -> None:
        """Something in this step is tried again."""
        self._recorder.retry(self._step)

    def human_intervention(self) -> None:
        """Somebody had to help in this step."""
        self._recorder.human_intervention(self._step)


class TokenRun:
    """The running run: its id, its key, its steps, and what was seen of it so far."""

    def __init__(
        self,
        recorder: RunRecorder,
        tally: Tally,
        api_key: SecretText | None,
        *,
        scope: str = "function",
        forwarder: Forwarder | None = None,
    ) -> None:
        self._recorder = recorder
        self._tally = tally
        self._api_key = api_key
        self._scope = scope
        self._forwarder = forwarder
        self._test_step: StepHandle | None = None

    def __repr__(self) -> str:
        return f"<TokenRun {self.run_id} framework={self.framework!r}>"

    @property
    def run_id(self) -> str:
        """The run's UUID."""
        return self._recorder.plan.run_id

    @property
    def framework(self) -> str:
        """The framework under test, by its slug."""
        return self._recorder.plan.framework

    @property
    def path(self) -> Path:
        """The run's file."""
        return self._recorder.path

    @property
    def api_key(self) -> SecretText:
        """The run's key: a string that is masked in every repr and traceback.

        Raises `TokenRunError` where the session observes and no key was found.
        """
        if self._api_key is None:
            raise TokenRunError(
                f"run {self.run_id} has no key: none was found for framework "
                f"'{self.framework}', and --token-run-keys=observe does without"
            )
        return self._api_key

    @property
    def observed(self) -> ObservedUsage:
        """What was seen of the run so far, its children included."""
        return self._tally.snapshot()

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[StepHandle]:
        """Time a part of the run; an exception that leaves the block marks it as failed.

        Raises `TokenRunError` inside another step, and in a run of several tests, where each
        test is a step.
        """
        if self._scope != "function":
            raise TokenRunError(
                f"step {name!r} can't begin: this run has scope='{self._scope}', where each test "
                "is a step; use scope='function' for steps of your own"
            )
        if not name:
            raise TokenRunError("a step's name can't be empty; say what it does")
        step = self._recorder.begin_step(name)
        success = False
        try:
            yield StepHandle(self._recorder, step)
            success = True
        finally:
            self._recorder.end_step(step, success=success)

    @property
    def test_step(self) -> StepHandle:
        """This test's step, in a run of several tests."""
        if self._test_step is None:
            raise TokenRunError(
                "there is no step for this test: only a run with scope='class', 'module' or "
                "'session' makes each test a step; use token_run.step()"
            )
        return self._test_step

    def enter_test(self, step: StepHandle | None) -> None:
        """Make *step* that of the test which begins; None when it ends."""
        self._test_step = step

    def human_intervention(self) -> None:
        """Somebody had to help, in this test's step or outside any step."""
        if self._test_step is not None:
            self._test_step.human_intervention()
        else:
            self._recorder.human_intervention()

    def env(self) -> dict[str, str]:
        """The environment for a subprocess that works for this run.

        It is this process's own, with the run's key as ``OPENAI_API_KEY``, without any admin key,
        and with what makes a Python child report what it sees to this run. Where the session
        forwards, ``OPENAI_BASE_URL`` is that of the endpoint, which reports for any program.
        """
        environ = without_admin_keys(os.environ)
        if self._api_key is not None:
            environ[EXECUTION_KEY] = self._api_key
        return environ | self.child_variables(environ)

    def child_variables(self, environ: dict[str, str]) -> dict[str, str]:
        """What a child needs, beside *environ*, to report to this run.

        Raises `ArgumentError` where the session forwards and ``OPENAI_BASE_URL`` is no address.
        """
        from pytest_timestamps.tokens.observed.children import child_environment

        variables = child_environment(self._tally, api_key=self._api_key, environ=environ)
        if self._forwarder is not None:
            variables |= self._forwarder.environment(
                self._tally, api_key=self._api_key, upstream=environ.get(BASE_URL) or None
            )
        return variables
