"""A test's one outcome, from the stream of what happened to it."""

from collections.abc import Mapping
from dataclasses import dataclass

from pytest_timestamps.analysis.text import count
from pytest_timestamps.report.model import Outcome

__all__ = ["CaseTally", "outcomes_text"]


@dataclass(slots=True)
class CaseTally:
    """Folds the events of one test, in the order in which they happened.

    The rules: a failure of the test's body is ``failed``; a failure of its set-up or teardown
    is ``error``, unless the body failed too; a test that was never seen to finish is ``error``.
    A set-up begins a run: the last run decides, and the time of all runs is kept.
    """

    outcome: Outcome | None = None
    finished: bool = False
    runs: int = 0
    setup_ns: int = 0
    call_ns: int = 0
    teardown_ns: int = 0

    @property
    def reruns(self) -> int:
        """How often the test was run again."""
        return max(0, self.runs - 1)

    def add_phase(
        self, phase: str, result: str, duration_ns: int = 0, *, expected_to_fail: bool = False
    ) -> None:
        """Take in what a phase came to, ``passed``, ``failed`` or ``skipped``, and its duration.

        ``expected_to_fail`` says that an xfail mark had its say in the result.
        Any other result (``rerun``) announces a further run and decides nothing.
        A phase other than the three is a crash: its test never finished.
        """
        if phase == "setup":
            self.runs += 1
            self.outcome = None
            self.finished = False
            self.setup_ns += duration_ns
        elif phase == "call":
            self.call_ns += duration_ns
        elif phase == "teardown":
            self.finished = True
            self.teardown_ns += duration_ns
        else:
            self.finished = True
            self.outcome = "error"
            return
        if result == "passed":
            if phase == "call" and self.outcome is None:
                self.outcome = "xpassed" if expected_to_fail else "passed"
        elif result == "failed":
            if self.outcome != "failed":
                self.outcome = "failed" if phase == "call" else "error"
        elif result == "skipped" and self.outcome in (None, "passed"):
            self.outcome = "xfailed" if expected_to_fail else "skipped"

    def add_failed_part(self) -> None:
        """A subtest of the test's body failed, and with it the test."""
        self.outcome = "failed"

    def final(self) -> Outcome:
        """What the test came to."""
        if self.finished:
            # Set up, torn down, and no body in between: pytest ran with --setup-only.
            return self.outcome or "skipped"
        return "failed" if self.outcome == "failed" else "error"


def outcomes_text(outcomes: Mapping[str, int]) -> str:
    """``3 passed, 2 errors``: what there was, as pytest itself says it."""
    parts = [
        count(number, name) if name == "error" else f"{number:,} {name}"
        for name, number in outcomes.items()
        if number
    ]
    return ", ".join(parts) or "none was run"
