"""Follow pytest's reports: what each test came to, and how long its phases took."""

import pytest

from pytest_timestamps.report.outcomes import CaseTally

__all__ = ["OutcomeListener"]


class OutcomeListener:
    """Gathers a tally for each test, from this process or from xdist's workers."""

    def __init__(self) -> None:
        self.tallies: dict[str, CaseTally] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        tally = self.tallies.get(report.nodeid)
        if tally is None:
            tally = self.tallies[report.nodeid] = CaseTally()
        if _is_subtest(report):
            # Its time is part of the body's, which has a report of its own.
            if report.outcome == "failed":
                tally.add_failed_part()
            return
        tally.add_phase(
            report.when or "",
            report.outcome,
            round(report.duration * 1_000_000_000),
            expected_to_fail=hasattr(report, "wasxfail"),
        )


def _is_subtest(report: pytest.TestReport) -> bool:
    """Whether the report is of a part of a test: pytest's own subtests, or pytest-subtests'.

    Both give their reports a ``context`` that says which part; there is no public class that
    all supported versions of pytest have.
    """
    if type(report) is pytest.TestReport:
        return False
    return "context" in vars(report) and "sub" in type(report).__name__.lower()
