"""The collector: gathering by hand, and asking."""

import pytest

import pytest_timestamps
from pytest_timestamps import Collector, timestamp
from pytest_timestamps.errors import ArgumentError, ArgumentTypeError


@timestamp(name="leaf")
def leaf(fail: bool = False) -> None:
    if fail:
        raise LookupError


@timestamp(name="trunk")
def trunk(leaves: int) -> None:
    # Work that no inexact calibration makes vanish.
    sum(range(50_000))
    for _ in range(leaves):
        leaf()


@pytest.fixture
def collector() -> Collector:
    """A trunk of three leaves, and a leaf that failed."""
    with Collector("import", timeline=True) as made:
        trunk(3)
        with pytest.raises(LookupError):
            leaf(fail=True)
    return made


def test_timings_are_by_name(collector: Collector) -> None:
    """Calls and errors are exact, the total holds the self time, the average is derived."""
    timings = collector.timings()
    assert {name: (row.calls, row.errors) for name, row in timings.items()} == {
        "trunk": (1, 0),
        "leaf": (4, 1),
    }
    assert timings["trunk"].total_ns >= timings["trunk"].self_ns > 0
    assert timings["leaf"].avg_ns == timings["leaf"].total_ns // 4
    assert collector.span_count == 5
    assert collector.total_ns >= timings["trunk"].total_ns


def test_hotspots_are_ranked(collector: Collector) -> None:
    """The most self time comes first, and the limit bounds the rows."""
    ranked = collector.hotspots()
    assert [row.self_ns for row in ranked] == sorted((r.self_ns for r in ranked), reverse=True)
    assert collector.hotspots(limit=1) == ranked[:1]
    assert collector.hotspots(limit=None) == ranked
    assert collector.hotspots(0) == ()


def test_the_call_tree_has_the_collectors_name(collector: Collector) -> None:
    """Paths from the collector down, the same name twice where it was called from two places."""
    tree = collector.call_tree()
    assert (tree.name, tree.total_ns) == ("import", collector.total_ns)
    assert tree.find("trunk", "leaf").calls == 3
    assert tree.find("leaf").errors == 1


def test_the_timeline_is_chronological(collector: Collector) -> None:
    """Spans by start, outer before inner, as many as asked for."""
    names = [span.name for span in collector.timeline()]
    assert names == ["trunk", "leaf", "leaf", "leaf", "leaf"]
    assert len(collector.timeline(limit=2)) == 2
    starts = [span.start_ns for span in collector.timeline(None)]
    assert starts == sorted(starts)


def test_without_a_timeline_there_are_no_spans() -> None:
    """Nothing per call is kept unless asked for."""
    with Collector("plain") as collector:
        leaf()
    assert collector.timeline() == ()


def test_the_report_is_text(collector: Collector) -> None:
    """Totals, functions, the table and the hotspots, in the order asked for."""
    lines = collector.report(sort="calls", limit=1).splitlines()
    assert lines[0].startswith("import: ")
    assert "5 spans of 2 functions traced" in lines[0]
    assert lines[2].split()[:2] == ["function", "calls"]
    assert lines[4].split()[:2] == ["leaf", "4"]
    assert lines[5] == "... and 1 more"
    assert "hotspots (self time)" in lines


def test_every_question_may_be_asked_while_running() -> None:
    """Open spans count with their time so far, and asking changes nothing."""
    with Collector("running", timeline=True) as collector:

        @timestamp(name="asking")
        def ask() -> None:
            leaf()
            timing = collector.timings()["asking"]
            assert (timing.calls, timing.open) == (1, 1)
            assert timing.total_ns > 0
            assert collector.total_ns >= timing.total_ns
            assert collector.span_count == 2
            assert collector.call_tree().find("asking", "leaf").calls == 1
            assert [row.name for row in collector.hotspots()] != []
            assert "1 span still open" in collector.report()
            assert [span.name for span in collector.timeline()] == ["leaf"]

        ask()
    assert (collector.timings()["asking"].calls, collector.timings()["asking"].open) == (1, 0)


@pytest.mark.parametrize("name", [None, 7, b"x"])
def test_a_name_must_be_text(name: object) -> None:
    """The message says what was seen, and what would do."""
    with pytest.raises(ArgumentTypeError, match=r"^a collector's name must be a string, got "):
        Collector(name)  # type: ignore[arg-type]


def test_a_limit_must_be_a_number_of_rows(collector: Collector) -> None:
    """Every question with a limit refuses a negative one, and one that is no number."""
    for ask in (collector.hotspots, collector.timeline, lambda n: collector.report(limit=n)):
        with pytest.raises(ArgumentError, match="limit must be 0 or more, got -1"):
            ask(-1)
        with pytest.raises(ArgumentTypeError, match="limit must be a whole number or None"):
            ask("3")


def test_an_order_must_be_known(collector: Collector) -> None:
    """The message lists the orders."""
    with pytest.raises(ArgumentError, match="sort must be one of self, total, calls, got 'time'"):
        collector.report(sort="time")  # type: ignore[arg-type]


def test_bad_arguments_are_also_pythons_own_errors() -> None:
    """Callers that know nothing of this package catch ValueError and TypeError."""
    with pytest.raises(ValueError, match="limit"):
        Collector("x").hotspots(-1)
    with pytest.raises(TypeError, match="name"):
        Collector(1)  # type: ignore[arg-type]


def test_the_collector_is_public() -> None:
    """It is what the package itself offers under that name."""
    assert pytest_timestamps.Collector is Collector
