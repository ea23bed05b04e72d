"""The report for a terminal."""

import dataclasses

import pytest

from pytest_timestamps.analysis.text import display_width
from pytest_timestamps.report.closing import closing_lines
from pytest_timestamps.report.model import SessionReport
from pytest_timestamps.report.terminal import TerminalStyle, render_sections, render_terminal
from tests.samples import case, fixture, path, recording, report, thinned_report


def text(made: SessionReport, **style: object) -> str:
    sections = render_sections(made, TerminalStyle(**style))  # type: ignore[arg-type]
    return "\n".join(f"== {title}\n" + "\n".join(lines) for title, lines in sections)


def test_the_report_reads_from_hotspots_to_totals() -> None:
    """Hotspots by self time, the slowest tests with their functions, fixtures, one closing line."""
    assert text(report(), width=80).splitlines() == [
        "== hotspots",
        "function      calls    total     self    average    share    errors",
        "----------  -------  -------  -------  ---------  -------  --------",
        "shop.query        4  4.01 ms  4.01 ms    1.00 ms    79.4%         1",
        "shop.total        1  15.0 µs  6.00 µs    15.0 µs     0.1%         0",
        "== slowest tests",
        "test                              total    setup     call    teardown",
        "------------------------------  -------  -------  -------  ----------",
        "tests/test_cart.py::test_empty  24.0 µs  1.00 µs  20.0 µs     3.00 µs",
        "tests/test_cart.py::test_total  24.0 µs  1.00 µs  20.0 µs     3.00 µs",
        "    shop.query 9.00 µs, shop.total 6.00 µs",
        "== class, module and session fixtures",
        "fixture    scope      setups    setup    teardown",
        "---------  -------  --------  -------  ----------",
        "database   session         1  5.00 ms        0 ns",
        "    shop.query 4.00 ms",
        "",
        "2 tests, 5 spans of 2 functions, 5.05 ms in tests and fixtures (2.00 s in all); "
        "overhead 27 ns taken out, <0.1% of the session's wall time, <0.1% of the program's own "
        "time (7 ns ± 2 ns a span, Python 3.13.1, 33 frames deep)",
    ]


def test_times_that_are_no_plain_ones_are_marked() -> None:
    """In the hotspots, by module and flat, and below the tests; the last lines say of whom."""
    lines = text(thinned_report(), width=100).splitlines()
    assert lines[1:9] == [
        "function   calls      total       self  share",
        "---------  -----  ---------  ---------  -----",
        "shop.cart  6,101     900 µs   ≤~840 µs  83.7%",
        "  total        1     900 µs   ≤~540 µs  53.8%",
        "  item     6,100    ~300 µs    ~300 µs  29.9%",
        "shop       4,000  ≥~60.0 µs  ≥~60.0 µs   6.0%",
        "  tax      1,000  ≥~60.0 µs  ≥~60.0 µs   6.0%",
        "  price    3,000          -          -      -",
    ]
    assert lines[9:14] == [
        "== modules",
        "module       functions   calls      total       self  share",
        "-----------  ---------  ------  ---------  ---------  -----",
        "shop                 4  10,101     900 µs     900 µs  89.6%",
        "  .cart              2   6,101     900 µs   ≤~840 µs  83.7%",
    ]
    assert "    shop.cart.total ≤~540 µs, shop.cart.item ~300 µs, shop.tax ≥~60.0 µs" in lines
    assert [line[:15] for line in lines[-2:]] == ["~ estimated: 2 ", "≥ counted only:"]
    flat = text(thinned_report(), width=120, modules=0, verbosity=1, per_test=True)
    row = "shop.cart.item     6,100    ~300 µs    ~300 µs     ~49 ns    29.9%"
    assert flat.count(f"{row}         0  ~40 ns  ~900 ns") == 2
    row = "shop.price         3,000          -          -          -        -"
    assert flat.count(f"{row}         0       -        -") == 2


def test_what_was_only_counted_is_no_top_function() -> None:
    """Of a fixture neither: it has no time to be at the top with."""
    only = path("f", calls=9, total_ns=0, untimed=9)
    shown = text(report([case("t", only), fixture("base", only)]))
    assert "    f" not in shown
    assert "    g 10 ns\n" in text(report([case("t", only, path("g")), fixture("base")]))


def test_all_such_functions_are_named_on_request() -> None:
    """With -v; by default the busiest three."""
    rows = [path(f"f{at}", calls=9, estimated=8) for at in range(5)]
    assert " and 2 more" in text(report([case("t", *rows)])).splitlines()[-1]
    assert "f4 (1 in 9 of 9)" in text(report([case("t", *rows)]), verbosity=1).splitlines()[-1]


def many(number: int) -> SessionReport:
    rows = [path(f"f{at:02}", total_ns=1_000 * (at + 1)) for at in range(number)]
    return report([case(f"t{at:02}", rows[at], call_ns=at) for at in range(number)])


def test_each_table_keeps_to_the_top() -> None:
    """The rows left out are counted, with the way to see them."""
    shown = text(many(12), top=3)
    assert shown.count("... and 9 more (--timestamps-top=N shows N, -vv all)") == 2
    assert "f11" in shown
    assert "f08" not in shown


def test_verbosity_follows_pytests() -> None:
    """-qq shows nothing, -q five hotspots, -v more columns, -vv every row."""
    assert text(many(12), verbosity=-2) == ""
    brief = text(many(12), verbosity=-1)
    assert brief.count("\nf") == 1 + 5
    assert "slowest" not in brief
    assert " min " in text(many(12), verbosity=1)
    assert text(many(12), verbosity=2).count("\nf") == 1 + 12


def test_the_order_can_be_chosen() -> None:
    """Sorted by calls or total the heading says so."""
    assert "== hotspots (by total)\n" in text(report(), sort="total")
    assert text(report(), sort="total").index("shop.query") > 0


def test_a_minimum_time_leaves_out_small_fry() -> None:
    """Functions, tests and fixtures that took less in total are not shown."""
    shown = text(report(), min_time_ns=1_000_000)
    assert "shop.total" not in shown
    assert "slowest tests" not in shown
    assert "database" in shown


def test_each_test_can_have_its_table() -> None:
    """Functions by test, with the test's outcome and time."""
    shown = text(report(), per_test=True)
    assert "tests/test_cart.py::test_total: passed, 24.0 µs\nfunction " in shown
    assert "test_empty: passed" not in shown


def test_the_timeline_can_be_shown() -> None:
    """The first spans in order of their start, and whose they are."""
    lines = text(report(), timeline=True, width=100).splitlines()
    at = lines.index("== timeline")
    assert lines[at + 3].split() == [
        "shop.total", "510", "ns", "15.0", "µs", "call", "tests/test_cart.py::test_total",
    ]  # fmt: skip
    assert "No span was recorded." in text(report([]), timeline=True)


@pytest.mark.parametrize("width", [40, 80, 120])
def test_long_and_hostile_names_keep_to_their_lines(width: int) -> None:
    """A name of 10,000 characters is shortened, an escape is shown as text."""
    name = "\x1b[31m" + "x" * 10_000 + "\n\u202e"
    shown = text(report([case(name, path(name))]), width=width, per_test=True)
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    *tables, _ = shown.splitlines()
    assert max(map(len, tables)) <= max(width, 90)


def test_nothing_decorated_says_what_to_do() -> None:
    """The first run of a newcomer is told the next step."""
    shown = text(report([case("t")]))
    assert "No decorated function was called: put @timestamp" in shown
    assert "hotspots" not in shown


def test_reservations_are_told() -> None:
    """Open spans and what the caps left out stand below the totals."""
    shown = text(
        report(
            [case("t", recording=recording(path("f", open=1), dropped_paths=1, dropped_spans=2))]
        )
    )
    assert shown.splitlines()[-3:] == [
        "1 span was still open at a test's end, counted with the time so far",
        "1 span past the cap on call paths, folded into their parents",
        "2 spans left out of the timeline, which is full",
    ]


def test_figures_of_several_shards_are_each_stated() -> None:
    """The overhead of merged sessions is told for each Python version."""
    one = report()
    other = dataclasses.replace(one.overhead[0], python_version="3.11.2", span_ns=900)
    shown = text(dataclasses.replace(one, overhead=(one.overhead[0], other)))
    assert "Python 3.13.1" in shown
    assert "900 ns ± 2 ns a span, Python 3.11.2" in shown


def test_many_shards_overhead_is_one_line() -> None:
    """Shards of one Python version are told by their extremes: a job may have twenty."""
    made = report()
    (one,) = made.overhead
    shards = [
        dataclasses.replace(one, span_ns=560 + at, spread_ns=at, stack_depth=24 + at % 2)
        for at in range(20)
    ]
    other = dataclasses.replace(one, span_ns=300, spread_ns=1, python_version="3.9")
    text = closing_lines(dataclasses.replace(made, overhead=(*shards, other)))[0]
    assert text.endswith(
        "(560 ns to 579 ns ± 19 ns a span, Python 3.13.1, 24 to 25 frames deep; "
        "300 ns ± 1 ns a span, Python 3.9, 33 frames deep)"
    )


def test_a_compiled_core_is_told_beside_the_python_version() -> None:
    """What a span costs depends on it, so that shards with and without one stand apart."""
    made = report()
    (one,) = made.overhead
    other = dataclasses.replace(one, span_ns=3, spread_ns=1, compiled=True)
    text = closing_lines(dataclasses.replace(made, overhead=(other, one)))[0]
    assert text.endswith(
        "(7 ns ± 2 ns a span, Python 3.13.1, 33 frames deep; "
        "3 ns ± 1 ns a span, Python 3.13.1, compiled core, 33 frames deep)"
    )


def test_the_text_format_is_plain() -> None:
    """As a file the report has headings of its own."""
    lines = render_terminal(report()).decode().splitlines()
    assert lines[0] == " hotspots ".center(100, "=")


def test_figures_line_up_whatever_the_names_are() -> None:
    """Wide characters, marks, and names that tabulate would take for numbers or strip."""
    names = ("日本語", "🎉 load", "e\u0301", "0x10", "1e5", "  lead", "")
    made = report([case("t", *(path(name, total_ns=5_000) for name in names))])
    lines = text(made, width=80).splitlines()
    rows = [line for line in lines[3:] if "5.00 µs  5.00 µs" in line]
    assert len(rows) == len(names)
    for row in rows:
        assert display_width(row) == display_width(lines[1])
