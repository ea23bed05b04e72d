"""What a session report says beside a run's figures."""

import pytest

from pytest_timestamps.report.run_figures import read_run
from tests.runs import VERIFIED


def test_a_figure_that_was_taken_against_the_observation_says_so() -> None:
    """Verified by the books' word alone is not proven, and isn't shown as if it were."""
    premise = "if no other run than those in the ledger used the key"
    assert read_run(VERIFIED).note == premise
    verdict = {**VERIFIED["usage_api_reconciliation"], "trusted_books": True}
    trusted = read_run({**VERIFIED, "usage_api_reconciliation": verdict})
    assert trusted.trust == "verified"
    assert trusted.note == f"the books' word against what was observed; {premise}"


@pytest.mark.parametrize(
    ("written", "duration_s"), [(2, 2), (0.25, 0.25), (1e308, None), (-1, None), ("2", None)]
)
def test_what_is_no_duration_is_unknown(written: object, duration_s: float | None) -> None:
    """No table converts a number to nanoseconds that 64 bits don't hold."""
    totals = {**VERIFIED["aggregate_metrics"], "DUR": written}
    assert read_run({**VERIFIED, "aggregate_metrics": totals}).duration_s == duration_s
