"""The overhead as a share of the program's own time, and what is said of its budget."""

import html
from collections.abc import Sequence
from dataclasses import replace

import pytest

from pytest_timestamps.recording.results import PathStats
from pytest_timestamps.report.advice import find_spent
from pytest_timestamps.report.budget import budget_lines, overhead_share
from pytest_timestamps.report.closing import closing_lines
from pytest_timestamps.report.html.page import render_html
from pytest_timestamps.report.model import SessionReport
from tests.samples import case, fixture, path, report


def session(
    budget: float | None = None,
    taken_ns: int = 2_000,
    instrumented: tuple[str, ...] = ("shop",),
    process_ns: int = 0,
) -> SessionReport:
    """A test of 24 µs, of which recording took so much; of no known wall time."""
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
        session=replace(
            made.session, budget=budget, instrumented=instrumented, process_ns=process_ns
        ),
        overhead=(replace(overhead, total_ns=taken_ns),),
    )


@pytest.mark.parametrize(
    ("taken_ns", "share"),
    [(0, "0.0%"), (10, "<0.1%"), (2_000, "9.1%"), (16_000, "200.0%"), (23_999, "2,399,900.0%")],
)
def test_the_overhead_is_a_share_of_the_programs_own_time(taken_ns: int, share: str) -> None:
    """What tests and fixtures took without it."""
    said = overhead_share(session(taken_ns=taken_ns))
    assert said == f"{share} of the program's own time"


def test_it_is_a_share_of_the_wall_time_too() -> None:
    """Of all processes that ran tests, side by side; what isn't known isn't told."""
    made = session(taken_ns=30_000_000, process_ns=2_000_000_000)
    (overhead,) = made.overhead
    made = replace(made, overhead=(replace(overhead, freezing_ns=50_000_000),))
    own = "more than the program's own time"
    assert overhead_share(made) == f"4.0% of the session's wall time, {own}"
    workers = replace(made, session=replace(made.session, process_ns=4_000_000_000))
    assert workers.overhead_wall_share == 0.02
    assert overhead_share(workers) == f"2.0% of all processes' wall time, {own}"
    earlier = replace(made, session=replace(made.session, process_ns=0))
    assert earlier.overhead_wall_share is None
    assert overhead_share(earlier) == own


def test_where_the_program_took_next_to_nothing_its_share_is_not_told() -> None:
    """Thousands of percent of a short test's time would say nothing of longer ones."""
    made = session(taken_ns=22_000, process_ns=50_000)
    assert made.overhead_share == 11.0
    assert overhead_share(made) == "44.0% of the session's wall time"


def test_a_budget_is_about_the_wall_time_where_that_is_known() -> None:
    """What whoever waits for the session notices; of all processes where there are several."""
    made = session(0.1, taken_ns=20_000, process_ns=240_000)
    assert (made.overhead_share, made.budget_share) == (5.0, 1 / 12)
    assert budget_lines(made) == ["budget 10% of the session's wall time: kept"]
    workers = session(0.01, taken_ns=20_000, process_ns=4_000_000_000)
    assert budget_lines(workers) == ["budget 1% of all processes' wall time: kept"]
    what, todo = budget_lines(session(0.05, taken_ns=20_000, process_ns=240_000))
    assert what.startswith("budget 5% of the session's wall time: exceeded; ")
    allow = "and allow more, such as --timestamps-budget=9%"
    assert todo == f"leave it out: --timestamps-instrument='!shop.often', {allow}"


def test_what_is_advised_brings_it_within_the_wall_times_budget() -> None:
    """And no more than that."""
    rows = [path("shop.often", calls=80), path("shop.less", calls=15), path("shop.seldom", calls=5)]
    what, todo = spending(rows, taken_ns=12_000, process_ns=100_000)
    assert what == (
        "budget 10% of the session's wall time: exceeded; dearest to record: about 80% of the "
        "overhead for shop.often"
    )
    assert todo == "leave it out: --timestamps-instrument='!shop.often'"


@pytest.mark.parametrize(
    ("budget", "verdict"), [(0.0997, "kept"), (0.099, "about kept"), (0.091, "about kept")]
)
def test_a_budget_is_held_to_about_its_figure(budget: float, verdict: str) -> None:
    """A tenth more is about the same."""
    made = session(budget, taken_ns=24_000, process_ns=240_000)
    assert budget_lines(made) == [f"budget {100 * budget:g}% of the session's wall time: {verdict}"]
    (line, _) = budget_lines(session(0.09, taken_ns=24_000, process_ns=240_000))
    assert "exceeded" in line


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
    assert budget_lines(made) == ["budget 10% of the session's wall time: kept"]


def test_a_session_without_a_budget_says_nothing_of_it() -> None:
    """The share is stated all the same."""
    assert budget_lines(session()) == []
    assert "taken out, 9.1% of the program's own time (" in closing_lines(session())[0]


@pytest.mark.parametrize(("budget", "text"), [(0.1, "10%"), (0.0908, "9.08%"), (2.5, "250%")])
def test_a_budget_that_was_kept_is_stated(budget: float, text: str) -> None:
    """Below the totals; what reads the same as the budget is no excess."""
    assert closing_lines(session(budget))[1] == f"budget {text} of the program's own time: kept"


# What is said of a budget that was exceeded


def spending(
    rows: Sequence[PathStats],
    *,
    tests: int = 1,
    taken_ns: int = 0,
    freezing_ns: int = 0,
    compiled: bool = False,
    left_out: tuple[str, ...] = (),
    process_ns: int = 0,
) -> list[str]:
    """What is said of so many tests of 24 µs with these call paths, and a budget of 10%."""
    made = report([case(f"t{at}", *rows) for at in range(tests)])
    (overhead,) = made.overhead
    overhead = replace(
        overhead, total_ns=taken_ns, freezing_ns=freezing_ns, compiled=compiled, spans=1
    )
    modules = ("shop", "bank.*_views", "!bank.slow")
    asked = replace(made.session, budget=0.1, instrumented=modules, process_ns=process_ns)
    made = replace(made, session=asked, overhead=(overhead,), left_out=left_out)
    return budget_lines(made)


EXCEEDED = "budget 10% of the program's own time: exceeded; "


def test_the_dearest_functions_are_named() -> None:
    """By what recording them cost, and no more of them than it takes to keep to the budget."""
    rows = [path("shop.often", calls=80), path("shop.less", calls=15), path("shop.seldom", calls=5)]
    assert spending(rows, taken_ns=4_000) == [
        f"{EXCEEDED}dearest to record: about 80% of the overhead for shop.often",
        "leave it out: --timestamps-instrument='!shop.often'",
    ]
    assert spending(rows, taken_ns=12_000, left_out=("shop.often",)) == [
        f"{EXCEEDED}dearest to record before functions were left out: about 80% of the overhead "
        "for shop.often, 15% for shop.less",
        "leave them out: --timestamps-instrument='!shop.often,!shop.less'",
    ]


def test_a_call_that_was_only_counted_costs_less_than_one_that_was_timed() -> None:
    """So the dearest function isn't the one that is called most often."""
    rows = [path("shop.counted", calls=100, untimed=90), path("shop.timed", calls=60)]
    what, _ = spending(rows, taken_ns=4_000)
    assert what == f"{EXCEEDED}dearest to record: about 52% of the overhead for shop.timed"


def test_call_paths_cost_something_too() -> None:
    """Those that are added up between tests: here five of one function, each called once."""
    rows = [path("shop.a", calls=9), *(path("shop.b", parent=at) for at in range(600))]
    what, _ = spending(rows, taken_ns=609, freezing_ns=681 * 100)
    # 600 of 681 paths' worth are its own, 80 the test's
    assert what == f"{EXCEEDED}dearest to record: about 88% of the overhead for shop.b"


def test_what_a_name_cannot_leave_out_is_not_named() -> None:
    """What no pattern has brought in, and what isn't a name; a glob's functions are named."""
    rows = [
        path("decorated", calls=50), path("shop.f.<locals>.more", calls=30),
        path("bank.slow.f", calls=10), path("bank.cart_views.show", calls=10),
    ]  # fmt: skip
    assert spending(rows, taken_ns=12_000) == [
        f"{EXCEEDED}dearest to record: about 10% of the overhead for bank.cart_views.show",
        "leave it out: --timestamps-instrument='!bank.cart_views.show', and allow more, such as "
        "--timestamps-budget=100%",
    ]


def test_where_no_function_stands_out_nobody_is_blamed() -> None:
    """Thirty that cost alike: to leave out three of them would help little."""
    rows = [path(f"shop.f{at}") for at in range(30)]
    assert spending(rows, taken_ns=12_000) == [
        f"{EXCEEDED}no function that can be left out stands out",
        "allow more, such as --timestamps-budget=100%",
    ]
    assert spending(rows, taken_ns=24_000)[1] == "allow more"


def test_the_fixed_cost_of_many_tests_is_told_as_such() -> None:
    """That a test is recorded at all costs more than the budget allows, whatever is left out."""
    rows = [path("shop.f", calls=2)]
    said = spending(rows, tests=900, taken_ns=1_800, freezing_ns=900 * 8_100)
    assert said == [
        f"{EXCEEDED}about 99% of the overhead is for recording 900 tests, whatever they call",
        "to record fewer functions helps little: install the package with its core compiled, "
        "allow more, such as --timestamps-budget=34%, or record a part of the tests",
    ]
    _, todo = spending(rows, tests=900, taken_ns=1_800, freezing_ns=900 * 8_100, compiled=True)
    assert todo.startswith("to record fewer functions helps little: allow more, such as ")
    assert spending(rows, freezing_ns=9_000, compiled=True) == [
        f"{EXCEEDED}about 99% of the overhead is for recording 1 test, whatever it calls",
        "to record fewer functions helps little: allow more, such as --timestamps-budget=38%",
    ]
    # tests in which everything was left out cost something as well
    what, _ = spending([], tests=900, freezing_ns=900 * 8_000)
    assert (
        what == f"{EXCEEDED}about 100% of the overhead is for recording 900 tests, "
        "whatever they call"
    )


def test_what_is_too_much_for_the_tests_is_the_sessions_start() -> None:
    """A few tests don't take milliseconds each: a short session has had no time to save."""
    rows = [path("shop.f", calls=2)]
    assert spending(rows, tests=4, taken_ns=6_000, freezing_ns=100_000_000) == [
        f"{EXCEEDED}about 90% of the overhead is for the session's start, when what is dear isn't "
        "known yet",
        "a longer session makes up for it; for this one allow more, such as "
        "--timestamps-budget=111118%",
    ]
    # 81 paths' worth each, at 30 µs
    said, _ = spending(rows, tests=4, taken_ns=6_000, freezing_ns=4 * 81 * 30_000)
    assert "about 99% of the overhead is for recording 4 tests" in said


def test_functions_are_named_where_that_brings_it_within_the_budget() -> None:
    """Though recording the test takes more than they do: 80 of 140 paths' worth."""
    rows = [path("shop.a"), *(path("shop.b", parent=0) for _ in range(59))]
    what, todo = spending(rows, freezing_ns=3_500)
    assert what == f"{EXCEEDED}dearest to record: about 42% of the overhead for shop.b"
    assert todo == "leave it out: --timestamps-instrument='!shop.b'"


def test_the_page_says_no_more_than_that_it_was_exceeded() -> None:
    """On a card there is room for a few words."""
    page = html.unescape(render_html(session(0.05)).decode())
    assert "; budget 5% of the program's own time: exceeded<" in page
    assert page.count("leave it out: ") == 1


def test_what_was_spent_is_all_that_it_cost() -> None:
    """Shared among the tests and the functions, none of it twice."""
    rows = [path("shop.a", calls=9), path("shop.b", parent=0, calls=3, untimed=3)]
    made = report([case("t", *rows), fixture("f", *rows), case("idle")])
    (overhead,) = made.overhead
    made = replace(made, overhead=(replace(overhead, total_ns=2_100, freezing_ns=1_840),))
    spent = find_spent(made)
    assert spent.starting_ns == pytest.approx(0)
    # 3 parts of 20 paths each, 60 more for the two that have any, and these two's 2 paths each
    assert spent.fixed_ns == pytest.approx(1_800)
    assert spent.by_function == pytest.approx({"shop.a": 1_820, "shop.b": 320})
    assert spent.total_ns == pytest.approx(2_100 + 1_840)
