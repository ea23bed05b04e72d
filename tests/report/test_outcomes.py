"""A test's one outcome."""

import pytest

from pytest_timestamps.report.outcomes import CaseTally, outcomes_text

PASSED = [("setup", "passed", False), ("call", "passed", False), ("teardown", "passed", False)]


@pytest.mark.parametrize(
    ("events", "outcome"),
    [
        (PASSED, "passed"),
        ([PASSED[0], ("call", "failed", False), PASSED[2]], "failed"),
        ([PASSED[0], ("call", "skipped", False), PASSED[2]], "skipped"),
        ([PASSED[0], ("call", "skipped", True), PASSED[2]], "xfailed"),
        ([PASSED[0], ("call", "passed", True), PASSED[2]], "xpassed"),
        ([("setup", "skipped", False), PASSED[2]], "skipped"),
        ([("setup", "skipped", True), PASSED[2]], "xfailed"),
        ([("setup", "failed", False), PASSED[2]], "error"),
        ([*PASSED[:2], ("teardown", "failed", False)], "error"),
        ([PASSED[0], ("call", "skipped", True), ("teardown", "failed", False)], "error"),
        ([PASSED[0], ("call", "failed", False), ("teardown", "failed", False)], "failed"),
        ([PASSED[0], PASSED[2]], "skipped"),
        ([PASSED[0]], "error"),
        ([PASSED[0], ("call", "failed", False)], "failed"),
        ([], "error"),
        ([("???", "failed", False)], "error"),
        ([PASSED[0], ("???", "failed", False)], "error"),
    ],
)
def test_each_course_of_events_has_one_outcome(
    events: list[tuple[str, str, bool]], outcome: str
) -> None:
    """The six outcomes, and what an interrupted or crashed test comes to."""
    tally = CaseTally()
    for phase, result, expected_to_fail in events:
        tally.add_phase(phase, result, expected_to_fail=expected_to_fail)
    assert tally.final() == outcome


def test_the_last_run_decides() -> None:
    """A rerun starts over; the runs after the first are counted."""
    tally = CaseTally()
    for phase, result, _ in [PASSED[0], ("call", "rerun", False), PASSED[2], *PASSED]:
        tally.add_phase(phase, result)
    assert (tally.final(), tally.reruns) == ("passed", 1)


def test_a_failed_subtest_fails_its_test() -> None:
    """The test's own report may say passed: its parts have the last word."""
    tally = CaseTally()
    tally.add_phase("setup", "passed")
    tally.add_failed_part()
    tally.add_phase("call", "passed")
    tally.add_phase("teardown", "passed")
    assert tally.final() == "failed"


def test_times_add_up_over_runs() -> None:
    """All runs' phases are kept; a phase that pytest doesn't have is no time."""
    tally = CaseTally()
    for phase in ("setup", "call", "teardown", "call", "???"):
        tally.add_phase(phase, "passed", 5)
    assert (tally.setup_ns, tally.call_ns, tally.teardown_ns) == (5, 10, 5)


def test_outcomes_are_told_as_pytest_tells_them() -> None:
    """Those that occurred, and errors in their plural."""
    assert outcomes_text({"passed": 1_200, "failed": 0, "error": 2}) == "1,200 passed, 2 errors"
    assert outcomes_text({"xfailed": 2, "error": 1}) == "2 xfailed, 1 error"
    assert outcomes_text({"passed": 0}) == "none was run"
