"""A collector's figures as text."""

from pytest_timestamps.analysis.summary import summarize
from tests.samples import path, recording, thinned_report

ROWS = (
    path("a", calls=2, total_ns=60, self_ns=20),
    path("b", parent=0, calls=4, total_ns=40, errors=1),
)


def test_the_text_has_totals_table_and_hotspots() -> None:
    """Everything that was asked of a report, aligned, hottest first."""
    assert summarize(recording(*ROWS, name="import")).splitlines() == [
        "import: 100 ns, 6 spans of 2 functions traced "
        "(wall time 109 ns, recording's own 9 ns taken out)",
        "",
        "function  calls  total  % total   self  % self  average  errors",
        "--------  -----  -----  -------  -----  ------  -------  ------",
        "b             4  40 ns    40.0%  40 ns   40.0%    10 ns       1",
        "a             2  60 ns    60.0%  20 ns   20.0%    30 ns",
        "",
        "hotspots (self time)",
        "  1. b: 40 ns (40.0%)",
        "  2. a: 20 ns (20.0%)",
    ]


def test_the_order_and_the_limit_are_the_callers() -> None:
    """A row that is left out is counted."""
    lines = summarize(recording(*ROWS), sort="total", limit=1).splitlines()
    assert lines[4].startswith("a ")
    assert lines[5] == "... and 1 more"


def test_nothing_recorded_is_said() -> None:
    """An empty recording has no table, and says why."""
    assert summarize(recording()).splitlines()[1:] == [
        "No decorated function was called while it ran."
    ]


def test_reservations_are_said() -> None:
    """Open spans, suspended time and what the caps left out are told, each on a line."""
    text = summarize(
        recording(
            path("a", open=1, suspended_ns=5_000), path("b"), dropped_paths=2, dropped_spans=1
        )
    )
    assert text.splitlines()[-4:] == [
        "1 span still open, counted with the time so far",
        "suspended for 5.00 µs, in neither self nor total",
        "2 spans past the cap on call paths, folded into their parents",
        "1 span left out of the full timeline",
    ]


def test_times_that_are_no_plain_ones_are_marked() -> None:
    """What is unknown is a dash and no hotspot; the last lines say which functions these are."""
    lines = summarize(recording(*thinned_report().call_tree, total_ns=1_000_000)).splitlines()
    assert lines[4:8] == [
        "shop.cart.total      1     900 µs    90.0%   ≤~540 µs   54.0%   900 µs",
        "shop.cart.item   6,100    ~300 µs    30.0%    ~300 µs   30.0%   ~49 ns",
        "shop.tax         1,000  ≥~60.0 µs     6.0%  ≥~60.0 µs    6.0%  ~100 ns",
        "shop.price       3,000          -        -          -       -        -",
    ]
    assert lines[9:13] == [
        "hotspots (self time)",
        "  1. shop.cart.total: ≤~540 µs (54.0%)",
        "  2. shop.cart.item: ~300 µs (30.0%)",
        "  3. shop.tax: ≥~60.0 µs (6.0%)",
    ]
    assert [line.partition(":")[0] for line in lines[14:]] == ["~ estimated", "≥ counted only"]
