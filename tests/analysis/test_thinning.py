"""What is said of functions that were not always timed."""

from pytest_timestamps.analysis.thinning import thinning_lines
from pytest_timestamps.analysis.timings import Timing, time_names
from tests.samples import thinned_report


def thinned(name: str, calls: int, estimated: int, untimed: int = 0) -> Timing:
    return Timing(name, calls, 0, 9, 9, 1, 1, 0, 0, estimated, untimed)


def test_nothing_is_said_of_nothing() -> None:
    """A session in which every call was timed has no line."""
    assert thinning_lines([thinned("f", 9, 0)]) == []


def test_functions_their_rates_and_their_marks_are_told() -> None:
    """How many were thinned and counted only, how often they were timed, and the busiest."""
    assert thinning_lines(list(time_names(thinned_report().call_tree).values())) == [
        "~ estimated: 2 functions thinned, with 1 call in 61 timed: "
        "shop.cart.item (1 in 61 of 6,100), shop.tax (1 in 60 of 600)",
        "≥ counted only: 2 functions, 3,400 calls whose time is with their callers "
        "(≤, ? for callers among them): shop.price (3,000), shop.tax (400 of 1,000)",
    ]


def test_where_most_calls_were_timed_their_number_is_told() -> None:
    """One in one would say nothing: the function was thinned late."""
    assert thinning_lines([thinned("f", 2_000, 127)]) == [
        "~ estimated: 1 function thinned, with 1,873 of 2,000 calls timed: f (1,873 of 2,000)"
    ]


def test_the_busiest_are_named() -> None:
    """Of many functions three are named, or all of them if asked."""
    many = [thinned(f"f{at}", 640 + at, 630 + at) for at in range(80)]
    (line,) = thinning_lines(many)
    assert line.endswith(
        ": f79 (1 in 72 of 719), f78 (1 in 72 of 718), f77 (1 in 72 of 717) and 77 more"
    )
    assert "more" not in thinning_lines(many, None)[0]
    assert "f0 (1 in 64 of 640)" in thinning_lines(many, None)[0]
    (line,) = thinning_lines([thinned(f"f{at}", 9, 0, 9) for at in range(4)])
    assert line.endswith("f0 (9), f1 (9), f2 (9) and 1 more")


def test_a_function_that_was_never_timed_has_no_rate() -> None:
    """Shards may have such; a hostile name stays on its line."""
    assert thinning_lines([thinned("f\n", 9, 9)]) == [
        "~ estimated: 1 function thinned, with no call timed: f\\n (none of 9)"
    ]
