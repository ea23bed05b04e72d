"""The overhead as a share of the program's own time, and what is said of its budget."""

from dataclasses import replace

import pytest

from pytest_timestamps.report.budget import budget_lines, overhead_share
from pytest_timestamps.report.closing import closing_lines
from pytest_timestamps.report.model import SessionReport
from tests.samples import case, path, report


def session(
    budget: float | None = None, taken_ns: int = 2_000, instrumented: tuple[str, ...] = ("shop",)
) -> SessionReport:
    """A test of 24 µs, of which recording took so much."""
    made = report(
        [
            case(
                "t", path("shop.often", calls=9), path("shop.f.<locals>.more", calls=10),
                path("shop.seldom"), path("decorated", calls=99),
            )
        ]
    )  # fmt: skip
    (overhead,) = made.overhead
    return replace(
        made,
        session=replace(made.session, budget=budget, instrumented=instrumented),
        overhead=(replace(overhead, total_ns=taken_ns),),
    )


@pytest.mark.parametrize(
    ("taken_ns", "share"),
    [(0, "0.0%"), (10, "<0.1%"), (2_000, "9.1%"), (16_000, "200.0%"), (23_999, "2,399,900.0%")],
)
def test_the_overhead_is_a_share_of_the_programs_own_time(taken_ns: int, share: str) -> None:
    """What tests and fixtures took without it."""
    assert overhead_share(session(taken_ns=taken_ns)) == f"{share} of the program's own time"


def test_what_was_spent_between_the_tests_counts_too() -> None:
    """It is in no test's time, and has been taken out of none."""
    made = session(taken_ns=2_000)
    (overhead,) = made.overhead
    made = replace(made, overhead=(replace(overhead, freezing_ns=9_000),))
    assert made.overhead_share == 11_000 / 22_000
    said = "overhead 2.00 µs taken out and 9.00 µs between tests, 50.0% "
    assert said in closing_lines(made)[0]


@pytest.mark.parametrize("taken_ns", [24_000, 99_000])
def test_where_nothing_is_left_there_is_no_share(taken_ns: int) -> None:
    """Children that ran beside each other can cost more than the tests took."""
    made = session(taken_ns=taken_ns)
    assert made.overhead_share is None
    assert overhead_share(made) == "more than the program's own time"


def test_a_session_without_tests_kept_every_budget() -> None:
    """Nothing was recorded, and nothing was spent."""
    made = report([])
    made = replace(made, session=replace(made.session, budget=0.1))
    assert budget_lines(made) == ["budget 10%: kept"]


def test_a_session_without_a_budget_says_nothing_of_it() -> None:
    """The share is stated all the same."""
    assert budget_lines(session()) == []
    assert "taken out, 9.1% of the program's own time (" in closing_lines(session())[0]


@pytest.mark.parametrize(("budget", "text"), [(0.1, "10%"), (0.0908, "9.08%"), (2.5, "250%")])
def test_a_budget_that_was_kept_is_stated(budget: float, text: str) -> None:
    """Below the totals; what reads the same as the budget is no excess."""
    assert closing_lines(session(budget))[1] == f"budget {text}: kept"


@pytest.mark.parametrize("taken_ns", [2_000, 24_000])
def test_a_budget_that_was_exceeded_says_what_to_do(taken_ns: int) -> None:
    """With an example: the function called most often that can be left out."""
    assert budget_lines(session(0.05, taken_ns)) == [
        "budget 5%: exceeded; leave out what is called most often, "
        "such as --timestamps-instrument='!shop.often'"
    ]


def test_without_such_a_function_the_example_has_no_name() -> None:
    """What is decorated can't be left out."""
    (line,) = budget_lines(session(0.05, instrumented=("bank",)))
    assert line.endswith("such as --timestamps-instrument='!NAME'")
