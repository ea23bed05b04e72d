"""Comparing session reports: what is compared, what is warned about, what is said."""

import json
from dataclasses import replace
from typing import Any

import pytest
from markdown_it import MarkdownIt

from pytest_timestamps.analysis.changes import Bounds, Subject
from pytest_timestamps.analysis.gates import Metric, parse_gates
from pytest_timestamps.report.comparing import ReportComparison, compare_reports
from pytest_timestamps.report.comparison_formats import COMPARISON_FORMATS
from pytest_timestamps.report.comparison_text import render_comparison
from pytest_timestamps.report.figures import comparable_figures, growth_doubts
from pytest_timestamps.report.model import SessionReport
from tests.hostile import hostile_report
from tests.runs import OBSERVED, PENDING, VERIFIED, run_entry
from tests.samples import case, fixture, path, report, thinned_report

MS = 1_000_000


def session(calls: int = 3, query_ms: int = 100, **more: Any) -> SessionReport:
    """A session with a test whose function queries so often, for so long in all."""
    total = query_ms * MS + 5 * MS
    made = report(
        [
            case(
                "tests/test_cart.py::test_total",
                path("shop.total", section="call", total_ns=total, self_ns=5 * MS),
                path("shop.query", parent=0, calls=calls, total_ns=query_ms * MS),
                call_ns=total + 7 * MS,
            )
        ]
    )
    return replace(made, **more)


def compared(base: SessionReport, head: SessionReport, gates: str = "") -> ReportComparison:
    return compare_reports([base], [head], parse_gates(gates) if gates else ())


def on_machine(made: SessionReport, **changed: Any) -> SessionReport:
    return replace(made, machines=tuple(replace(m, **changed) for m in made.machines))


def test_functions_tests_and_runs_are_compared() -> None:
    """Each with the metrics that it has; runs are told apart by framework and test."""
    figures = comparable_figures(session(runs=(VERIFIED, OBSERVED)))
    assert {(subject.kind, subject.name): dict(row) for subject, row in figures.items()} == {
        ("function", "shop.query"): {
            "calls": 3, "errors": 0, "self": 100 * MS, "total": 100 * MS,
        },
        ("function", "shop.total"): {"calls": 1, "errors": 0, "self": 5 * MS, "total": 105 * MS},
        ("test", "tests/test_cart.py::test_total"): {
            "calls": 4, "errors": 0, "self": 7 * MS + 4_000, "total": 112 * MS + 4_000,
        },
        ("run", "baes: tests/test_a.py::test_a"): {"calls": 15, "tokens": 45_014, "cost": 0.42},
        ("run", "baes"): {"calls": 2, "tokens": 150, "cost": None},
    }  # fmt: skip


def test_runs_of_one_label_are_summed_or_unknown() -> None:
    """Two runs of one test count together; one unknown among them makes the sum unknown."""
    figures = comparable_figures(session(runs=(OBSERVED, {**OBSERVED, "run_id": "run-d"})))
    assert [row.get("tokens") for subject, row in figures.items() if subject.kind == "run"] == [300]
    figures = comparable_figures(session(runs=(OBSERVED, PENDING)))
    assert [row["tokens"] for subject, row in figures.items() if subject.kind == "run"] == [None]


def test_nothing_changed_is_said() -> None:
    """Equal sessions give one line that says what was looked for."""
    lines = render_comparison(compared(session(), session()))
    assert lines == [
        "HEAD (1 report) compared with BASE (1 report)",
        "No count changed, and no time grew by more than 50% and 50.0 ms.",
    ]


def test_verdict_and_rows_are_told() -> None:
    """What failed, by how much, and how sure that is."""
    found = compared(session(), session(calls=4, query_ms=300), "calls>+0,self>+50%,errors>0")
    assert found.failed
    text = "\n".join(render_comparison(found))
    assert "FAILED calls>+0: 2 figures over it" in text
    assert "FAILED self>+50%: 1 figure over it" in text
    assert "passed errors>0" in text
    rows = [" ".join(line.split()) for line in text.splitlines()]
    assert "function shop.query calls 3 4 +1 (+33.3%) exact" in rows
    assert (
        "function shop.query self 100 ms 300 ms +200 ms (+200.0%) "
        "unsure: 1 v 1 reports, can't tell it from noise"
    ) in rows
    assert any(row.startswith("function shop.total total 105 ms 305 ms") for row in rows)


def test_repetitions_are_tested() -> None:
    """With three reports on each side the text names the test, its p and the numbers."""
    base = [session(query_ms=at) for at in (100, 101, 102)]
    head = [session(query_ms=at) for at in (300, 301, 302)]
    found = compare_reports(base, head, parse_gates("self>+50%"))
    text = "\n".join(render_comparison(found))
    assert "p = 0.05 (Mann-Whitney), 3 v 3 reports" in text
    assert "101 ms" in text


def test_small_growth_and_noise_are_mentioned() -> None:
    """A gate that passes says what it did not count."""
    text = "\n".join(render_comparison(compared(session(), session(query_ms=149), "self>+10%")))
    assert "passed self>+10% (1 grew by less than 50.0 ms not counted)" in text


def test_different_machines_are_warned_about() -> None:
    """Each field that differs is named with both values; the counts can still be trusted."""
    head = on_machine(session(), hostname="other", cpu="Z CPU")
    assert compared(session(), head).warnings == (
        "BASE and HEAD come from different machines (hostname host and other; cpu A CPU and Z CPU):"
        " trust the counts, not the times",
    )
    assert compared(session(), session()).warnings == ()


def by_core(*compiled: bool, **more: Any) -> SessionReport:
    """A session of as many shards, in some of which the core was compiled."""
    made = session(**more)
    (overhead,) = made.overhead
    return replace(made, overhead=tuple(replace(overhead, compiled=one) for one in compiled))


DIFFERS = (
    "what of recording's cost remains in the times of short functions differs, as a call costs "
    "half with the core compiled; counts are the same"
)


@pytest.mark.parametrize(
    ("base", "head", "said"),
    [
        ((True,), (False,), "BASE was recorded by the compiled core, HEAD by plain Python"),
        ((False,), (True,), "BASE was recorded by plain Python, HEAD by the compiled core"),
        (
            (True,),
            (True, False),
            "BASE was recorded by the compiled core, HEAD by the compiled core and plain Python",
        ),
    ],
)
def test_different_cores_are_noted(
    base: tuple[bool, ...], head: tuple[bool, ...], said: str
) -> None:
    """In every format, and it fails nothing; nor is it a warning, as counts are the same."""
    found = compared(by_core(*base), by_core(*head), "calls>+0,total>+0")
    assert found.notes == (f"{said}: {DIFFERS}",)
    assert not found.failed
    assert found.warnings == ()
    assert f"note: {said}: {DIFFERS}" in render_comparison(found)
    assert f"- Note: {said}: " in COMPARISON_FORMATS["markdown"][1](found).decode()
    assert json.loads(COMPARISON_FORMATS["json"][1](found))["notes"] == [f"{said}: {DIFFERS}"]


def test_cores_that_are_alike_or_recorded_nothing_are_no_difference() -> None:
    """A shard without a span has been bent by no core."""
    assert compared(by_core(True), by_core(True)).notes == ()
    idle = by_core(True)
    idle = replace(idle, overhead=tuple(replace(one, spans=0) for one in idle.overhead))
    assert compared(idle, by_core(False)).notes == ()


def test_token_gates_say_what_they_rest_on() -> None:
    """Unknown figures, partial ones and those of different sources are each warned about."""
    partial = run_entry(
        "run-p",
        observed={
            "calls": 1, "input_tokens": 10, "output_tokens": 1, "cached_tokens": 0,
            "complete": False,
        },
    )  # fmt: skip
    verified = {**VERIFIED, "test": None}
    found = compared(session(runs=(verified,)), session(runs=(partial,)), "tokens>+10%,cost>0")
    assert found.warnings == (
        "1 run with figures of different sources (baes): verified ones may differ from "
        "observed ones",
        "1 run observed only in part (baes): more was used than is shown",
        "the cost of 1 run is unknown and not compared",
    )
    lines = render_comparison(found)
    assert "withheld cost>0: 1 figure not known well enough, such as run baes" in lines
    assert "passed tokens>+10%" in lines
    nothing = compared(session(), session(), "cost>0")
    assert "no data cost>0: nothing has cost" in render_comparison(nothing)


def test_every_format_tells_the_same() -> None:
    """Text, Markdown and JSON of one comparison, hostile names included."""
    found = compared(report([]), hostile_report(), "calls>+0")
    for _, render in COMPARISON_FORMATS.values():
        assert render(found) == render(found)
        assert render(found).endswith(b"\n")
    document = json.loads(COMPARISON_FORMATS["json"][1](found))
    assert document["failed"] is True
    assert {row["gate"] for row in document["breaches"]} == {"calls>+0"}
    markdown = COMPARISON_FORMATS["markdown"][1](found).decode()
    assert markdown.startswith("## Compared with BASE: a gate failed\n")
    parsed = MarkdownIt("commonmark", {"html": True}).enable("table").parse(markdown)
    inline = [child for token in parsed for child in token.children or ()]
    assert {child.type for child in inline} <= {
        "text",
        "code_inline",
        "html_inline",
        "strong_open",
        "strong_close",
    }
    tags = {child.content for child in inline if child.type == "html_inline"}
    assert tags == {"<code>", "</code>"}


def test_an_upper_bound_of_cost_is_told() -> None:
    """A cost that may be too high isn't compared as if it were known."""
    seen = {
        "calls": 1, "input_tokens": 10, "output_tokens": 1, "cached_tokens": 0,
        "complete": True, "cost_usd": 0.00002, "cost": {"unpriced": [], "is_upper_bound": True},
    }  # fmt: skip
    run = run_entry("run-u", observed=seen)
    found = compared(session(), session(runs=(run,)), "cost>0.00001")
    assert found.warnings == (
        "1 run whose cost is an upper bound (baes): a part may have been cheaper",
    )
    rows = [line.split() for line in render_comparison(found)]
    assert ["run", "baes", "cost", "-", "$0.000020", "new", "exact"] in rows


def test_the_largest_growth_is_listed_first() -> None:
    """The table shows twenty figures over a gate: the rest should be the least of them."""

    def calling(times: int) -> SessionReport:
        rows = [path(f"shop.f{at:02}", section="call", calls=1 + at * times) for at in range(30)]
        return report([case("tests/test_a.py::test_a", *rows, call_ns=90)])

    lines = render_comparison(compared(calling(1), calling(2), "calls>+0"))
    first = lines.index("over a gate:") + 3
    assert lines[first].startswith("function shop.f29 ")
    assert not any("shop.f01 " in line for line in lines)
    # Without a BASE nothing grew: the largest figure is the first.
    lines = render_comparison(replace(compared(calling(2), calling(2), "calls>5"), base_ids=()))
    assert lines[lines.index("over a gate:") + 3].startswith("test tests/test_a.py::test_a ")
    assert lines[lines.index("over a gate:") + 4].startswith("function shop.f29 ")


def test_fixtures_that_each_worker_sets_up_are_warned_about() -> None:
    """Their calls count once a set-up, which is no change of the code; a new one is."""

    def made(setups: int, name: str = "database") -> SessionReport:
        rows = path("shop.connect", section="setup")
        return report([*(fixture(name, rows) for _ in range(setups)), fixture("idle")])

    found = compared(made(1), made(2), "calls>+0")
    assert found.warnings == (
        "1 fixture not set up equally often in all reports (database), as xdist does it once a "
        "worker: so often their calls count",
    )
    assert compared(made(2), made(2)).warnings == ()
    assert compared(made(1), made(2, "cache")).warnings == ()


def test_counted_only_times_are_bounds() -> None:
    """The function's own at least what is told, its caller's self time at most: it holds them."""
    figures = comparable_figures(thinned_report())
    found = {subject.name: (row["self"], row["total"]) for subject, row in figures.items()}
    assert found == {
        "shop.cart.total": (Bounds(0, 540_000), 900_000),
        "shop.cart.item": (300_000, 300_000),
        "shop.price": (Bounds(0), Bounds(0)),
        "shop.tax": (Bounds(60_000), Bounds(60_000)),
        "t": (104_000, 1_004_000),
    }
    top = report([case("t", path("f", calls=9, total_ns=0, untimed=9))])
    assert [row["self"] for subject, row in comparable_figures(top).items()] == [
        Bounds(0),
        Bounds(0, 24_000),
    ]


def test_a_gate_on_times_that_nobody_knows_is_withheld_with_a_warning() -> None:
    """Calls are gated all the same."""
    gates = "self>1s,total>2s,calls>9999"
    found = compared(thinned_report(), thinned_report(), gates)
    text = "\n".join(render_comparison(found))
    assert "warning: 2 self times withheld: calls were only counted or left out, and " in text
    assert "warning: 2 total times withheld: calls were only counted" in text
    assert "FAILED calls>9999: 1 figure over it" in text
    assert "withheld total>2s: 2 figures not known well enough, such as function shop.price" in text
    assert "passed total>2s" not in text


def sampled(total_ms: int, longest_ms: int = 3) -> SessionReport:
    """A function called 1,000 times by one that calls nothing else, every tenth call timed."""
    leaf = path(
        "shop.leaf", parent=0, calls=1_000, total_ns=total_ms * MS, min_ns=total_ms * 500,
        max_ns=longest_ms * MS, estimated=900,
    )  # fmt: skip
    rows = [path("shop.all", section="call", total_ns=9_000 * MS, self_ns=500 * MS), leaf]
    return report([case("t", *rows, call_ns=10_000 * MS)])


def test_estimates_are_compared_beyond_their_doubt() -> None:
    """The warning names the functions, the verdict counts what is doubtful, a row says ±."""
    sure = compared(sampled(500), sampled(2_500), "self>+50%")
    (breach,) = sure.comparison.breaches
    assert (breach.change.subject.name, breach.change.metric) == ("shop.leaf", "self")
    rows = [" ".join(line.split()) for line in render_comparison(sure)]
    assert any("estimated, ± 318 ms at most; 1 v 1 reports" in row for row in rows)
    assert rows[1] == (
        "warning: times of 1 function are estimated (shop.leaf): "
        "gates count only what exceeds the doubt about them"
    )
    unsure = compared(sampled(500), sampled(800), "self>+50%")
    text = "\n".join(render_comparison(unsure))
    assert "passed self>+50% (1 within the doubt about estimated times not counted)" in text
    assert not unsure.failed


def test_of_repeated_reports_the_most_doubtful_counts() -> None:
    """In whichever order they come, and both sides' doubts are taken together."""
    key: tuple[Subject, Metric] = (Subject("function", "shop.leaf"), "total")
    small, large = sampled(500), sampled(500, longest_ms=300)
    one, two = (growth_doubts([], [made])[key] for made in (small, large))
    assert 0 < one < two
    assert growth_doubts([], [small, large])[key] == growth_doubts([], [large, small])[key] == two
    assert growth_doubts([small], [large])[key] == pytest.approx((one**2 + two**2) ** 0.5)


def test_a_caller_of_estimated_calls_is_doubted_too() -> None:
    """Its self time is its total less an estimate; its total and the test's are not doubted."""
    found = compared(sampled(500), sampled(2_500)).comparison
    doubts = {(change.subject.name, change.metric): change.doubt for change in found.changes}
    leaf = doubts.pop(("shop.leaf", "self"))
    assert doubts.pop(("shop.leaf", "total")) == doubts.pop(("shop.all", "self")) == leaf > 0
    assert set(doubts.values()) == {0}


def test_the_doubt_is_in_the_comparisons_json() -> None:
    """In whole nanoseconds, null where there is no end of it, and not at all for other figures."""
    never = report([case("t", path("shop.leaf", calls=1_000, total_ns=MS, estimated=1_000))])
    render = COMPARISON_FORMATS["json"][1]
    changes = json.loads(render(compared(sampled(500), sampled(2_500))))["changes"]
    assert {row["metric"]: row["doubt_ns"] for row in changes}.keys() == {"self_ns", "total_ns"}
    assert all(type(row["doubt_ns"]) is int for row in changes)
    changes = json.loads(render(compared(never, sampled(500))))["changes"]
    assert {row["doubt_ns"] for row in changes if row["name"] == "shop.leaf"} == {None}
