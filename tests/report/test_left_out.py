"""What every output says of functions that were left out to keep to a budget."""

import csv
import io
import json
from typing import Any

import jsonschema
import pytest

from pytest_timestamps.analysis.certainty import find_callers, mark_modules, mark_self, time_texts
from pytest_timestamps.analysis.changes import Bounds, Subject
from pytest_timestamps.analysis.gates import parse_gates
from pytest_timestamps.analysis.modules import time_modules
from pytest_timestamps.analysis.summary import summarize
from pytest_timestamps.analysis.timings import time_names
from pytest_timestamps.plugin.junit import junit_properties
from pytest_timestamps.report.build import build_report
from pytest_timestamps.report.comparing import ReportComparison, compare_reports
from pytest_timestamps.report.comparison_formats import COMPARISON_FORMATS
from pytest_timestamps.report.comparison_text import render_comparison
from pytest_timestamps.report.csv_table import render_csv
from pytest_timestamps.report.figures import comparable_figures
from pytest_timestamps.report.folded import render_folded
from pytest_timestamps.report.html.page_data import COUNTED, MISSED, page_data
from pytest_timestamps.report.json_reader import parse_report
from pytest_timestamps.report.json_writer import render_json
from pytest_timestamps.report.left_out import part_callers, session_callers
from pytest_timestamps.report.markdown import render_markdown
from pytest_timestamps.report.merging import merge_reports
from pytest_timestamps.report.model import SessionReport
from pytest_timestamps.report.openmetrics import render_openmetrics
from pytest_timestamps.report.records import CaseRecord, KeptRecords, read_lines, to_line
from pytest_timestamps.report.schema import load_schema
from pytest_timestamps.report.terminal import render_terminal
from tests.samples import case, facts, path, recording, tally

BEFORE = (
    path("shop.all", section="call", calls=1, total_ns=9_000, self_ns=3_000),
    path("shop.item", parent=0, calls=30, total_ns=6_000, errors=2),
    path("bank.pay", section="call", total_ns=500),
)
AFTER = (path("shop.all", section="call", calls=1, total_ns=9_000, self_ns=9_000),)


def records(*, left_out: tuple[str, ...] = ("shop.item",)) -> list[CaseRecord]:
    """Two tests, in the second of which one function was left out."""
    lacking = recording(*AFTER, name="t2", left_out=left_out)
    return [
        case("t1", *BEFORE, modules=("shop", "bank")),
        case("t2", recording=lacking),
    ]


def report(**more: Any) -> SessionReport:
    """A session of these two, held to a tenth."""
    made = records(**more)
    tallies = {record.nodeid: tally() for record in made}
    return build_report(facts(instrumented=("shop", "bank"), budget=0.1), tallies, made)


# What is known


def test_the_report_tells_what_was_left_out_and_where() -> None:
    """The names once, and of each test how many they were."""
    made = report()
    assert made.left_out == ("shop.item",)
    assert [test.left_out for test in made.tests] == [0, 1]


def test_the_function_is_known_in_part_and_who_ran_meanwhile_holds_the_rest() -> None:
    """Who ran before that only is known for sure; so are the figures of the tests before."""
    made = report()
    callers = session_callers(made)
    by_name = {timing.name: timing for timing in made.functions}
    texts = {name: time_texts(timing, callers) for name, timing in by_name.items()}
    assert texts["shop.item"] == (
        "≥6.00 µs",
        "≥6.00 µs",
        "~200 ns",
        "~200 ns",
        "~200 ns",
        "≥30",
        "≥2",
    )
    assert texts["shop.all"].self == "≤12.0 µs"
    assert texts["shop.all"].total == "18.0 µs"
    assert texts["bank.pay"] == ("500 ns", "500 ns", "500 ns", "500 ns", "500 ns", "1", "0")
    first, second = made.tests
    assert part_callers(made, first).left_out == frozenset()
    assert part_callers(made, second).of_counted == {"shop.all"}


def test_what_was_left_out_may_hold_others_time_too() -> None:
    """Where it was recorded while others were left out it may be more or less."""
    rows = [path("a"), path("b", parent=0)]
    callers = find_callers(time_names(rows).values(), rows, ["b", "c"], ["b"])
    assert mark_self(time_names(rows)["b"], callers) == "?"
    assert mark_self(time_names(rows)["a"], callers) == ""


def test_a_module_lacks_what_its_functions_lack() -> None:
    """And holds what those of other modules do."""
    rows = (path("shop.all", self_ns=5), path("tax.rate", parent=0), path("bank.pay"))
    modules = time_modules(rows, {"shop", "tax", "bank"})
    callers = find_callers((), rows, ("tax.rate",), ("shop.all",))
    found = mark_modules((), rows, modules, callers)
    assert {row.name: tuple(marks) for row, marks in found.items()} == {
        "tax": ("≥", "≥", "≥"),
        "shop": ("≤", "", ""),
    }


# How it is told


def test_tables_for_people_mark_calls_and_times() -> None:
    """A line says what was left out, in how many of the tests, and after how many calls."""
    made = report()
    line = (
        "≥ left out: 1 function in 1 of 2 tests, whose calls and times are at least these, and "
        "whose time is with their callers (≤, ? for callers among them): shop.item (after 30 calls)"
    )
    terminal = render_terminal(made).decode()
    assert line in terminal
    assert "2 tests, ≥33 spans of 3 functions" in terminal
    rows = [" ".join(line.split()) for line in terminal.splitlines()]
    assert "item ≥30 ≥6.00 µs ≥6.00 µs 12.5% ≥2" in rows
    assert "all 2 18.0 µs ≤12.0 µs 25.0% 0" in rows
    assert "shop 2 ≥32 ≥18.0 µs ?18.0 µs 37.5% ≥2" in rows
    assert "shop.all ≤9.00 µs" in rows
    slowest = next(row for row in rows if row.startswith("shop.item 6.00"))
    assert slowest == "shop.item 6.00 µs, shop.all 3.00 µs, bank.pay 500 ns"
    markdown = render_markdown(made).decode()
    assert "| `shop.item` | ≥30 | ≥6.00 µs |" in markdown
    assert "| `shop` | 2 | ≥32 |" in markdown
    summary = summarize(recording(*BEFORE, left_out=("shop.item",)))
    assert "≥30" in summary
    assert "≥ left out: 1 function, whose calls" in summary


def test_json_says_it_and_can_be_read_back() -> None:
    """By its schema; a session in which nothing was left out doesn't mention it."""
    made = report()
    document = json.loads(render_json(made))
    jsonschema.Draft202012Validator(load_schema()).validate(document)
    assert document["left_out"] == ["shop.item"]
    assert [test.get("left_out") for test in document["tests"]] == [None, 1]
    assert parse_report(render_json(made)) == made
    assert b"left_out" not in render_json(report(left_out=()))


def test_other_formats_say_it() -> None:
    """CSV in a column of its own, OpenMetrics as a family, stacks before the name."""
    made = report()
    rows = list(csv.DictReader(io.StringIO(render_csv(made).decode())))
    assert {row["name"]: row["left_out"] for row in rows if row["left_out"]} == {
        "shop.item": "1", "t2": "1",
    }  # fmt: skip
    assert (
        'timestamps_function_left_out{function="shop.item"} 1' in render_openmetrics(made).decode()
    )
    assert "call;≤shop.all;≥shop.item 6000" in render_folded(made).decode()
    properties = dict(junit_properties(records()[1]))
    assert properties["timestamps.left_out_functions"] == "1"
    assert properties["timestamps.hotspot_self_is"] == "at most"


def test_the_page_has_it_by_row() -> None:
    """Of the session's functions and call paths, and of each test's."""
    data: Any = page_data(report())
    names = data["strings"]
    functions = data["functions"]
    bits = dict(zip((names[at] for at in functions["name"]), functions["callees"], strict=True))
    assert bits == {"shop.all": COUNTED, "shop.item": MISSED, "bank.pay": 0}
    assert sorted(data["tree"]["callees"]) == [0, COUNTED, MISSED]
    assert data["test_trees"]["callees"] == [0, 0, 0, COUNTED]
    marks = {names[at] for at in data["modules"]["calls_mark"]}
    assert marks == {"≥", ""}


def test_shards_are_merged() -> None:
    """All names, and of a test that ran in both the most that it lacks."""
    one = report()
    other = build_report(
        facts("7" * 8 + SUFFIX), {"t2": tally()}, [records(left_out=("a", "b"))[1]]
    )
    merged = merge_reports([one, other])
    assert merged.left_out == ("a", "b", "shop.item")
    assert [test.left_out for test in merged.tests] == [0, 2]


SUFFIX = "-ab4e-4a4f-8c7a-1d2f3a4b5c6d"


def test_records_keep_it() -> None:
    """In memory as it is; between processes the names are sent only where they change."""
    made = [*records(), *records()]
    kept = KeptRecords()
    for record in made:
        kept.keep(record)
    assert list(kept) == made
    lines, before = [], None
    for record in made:
        lines.append(to_line(record, before))
        before = record.recording.left_out
    assert list(read_lines("".join(lines))) == made
    same = to_line(made[1], made[1].recording.left_out)
    assert "shop.item" not in same


# What is compared


def compared(base: SessionReport, head: SessionReport, gates: str) -> ReportComparison:
    return compare_reports([base], [head], parse_gates(gates))


def test_what_is_known_in_part_is_compared_as_bounds() -> None:
    """Of what isn't there nothing is known: it may have been called all the same."""
    found = comparable_figures(report())
    nothing = {"calls": None, "errors": None, "self": None, "total": None}
    assert found[Subject("function", "shop.item")] == {
        "calls": Bounds(30), "errors": Bounds(2), "self": Bounds(6_000), "total": Bounds(6_000),
    }  # fmt: skip
    assert found[Subject("function", "shop.all")] == {
        "calls": 2, "errors": 0, "self": Bounds(0, 12_000), "total": 18_000,
    }  # fmt: skip
    assert found[Subject("function", "bank.pay")]["self"] == 500
    assert found[Subject("test", "t1")]["calls"] == 32
    second = found[Subject("test", "t2")]
    assert (second["calls"], second["errors"]) == (Bounds(1), Bounds(0))
    assert (second["self"], second["total"]) == (Bounds(0, 15_000), 24_000)
    absent = comparable_figures(report(left_out=("gone",)))
    assert absent[Subject("function", "gone")] == nothing


def test_what_lacks_and_holds_has_no_bounds() -> None:
    """The self time of what was left out, and was running while something else was, too."""
    rows = (path("a", section="call"), path("b", parent=0))
    made = case("t", recording=recording(*rows, name="t", left_out=("b",)))
    found = comparable_figures(build_report(facts(), {"t": tally()}, [made]))
    assert found[Subject("function", "b")]["self"] == Bounds(0, None)
    assert found[Subject("function", "b")]["total"] == Bounds(10, None)


LEFT_OUT = (
    "warning: 1 function left out to keep to the budget (shop.item): of them, of the calls of "
    "tests without them, and of the self times of what may have called them only bounds are "
    "known, and a gate fails only where these prove it"
)


@pytest.mark.parametrize("gates", ["calls>+0", "errors>+0", "self>+0", "calls>50", "total>+0"])
def test_gates_are_withheld_of_what_nobody_knows(gates: str) -> None:
    """Whichever side lacks it: they don't cry wolf, and don't say that all is well."""
    whole = report(left_out=())
    for base, head in ((whole, report()), (report(), report())):
        found = compared(base, head, gates)
        lines = render_comparison(found)
        assert not found.failed
        assert LEFT_OUT in lines
        metric = gates.partition(">")[0]
        times = "withheld: calls were only counted or left out, and their time is with their"
        number = f"of {metric} withheld: there may have been more"
        assert any((times if metric in ("self", "total") else number) in line for line in lines)
        (verdict,) = (line for line in lines if f" {gates}" in line)
        assert verdict.startswith(f"withheld {gates}: ")
        assert "such as function shop.item" in verdict or metric == "self"
    assert "of what is known." in lines[-1]


def test_a_limit_on_head_is_no_question_of_what_base_lacks() -> None:
    """It passes by HEAD's own figures."""
    found = compared(report(), report(left_out=()), "calls>50,total>1s")
    assert render_comparison(found)[2:4] == ["passed calls>50", "passed total>1s"]


def test_what_was_seen_proves_a_breach() -> None:
    """30 calls of a function were seen before it was left out: however many there were."""
    found = compared(report(left_out=()), report(), "calls>25,calls>+5")
    names = {breach.change.subject.name for breach in found.comparison.breaches}
    assert names == {"shop.item", "t1"}
    lines = render_comparison(found)
    assert "FAILED calls>25: 2 figures over it (1 not known well enough not counted)" in lines
    assert "withheld calls>+5: 2 figures not known well enough, such as function shop.item" in lines
    rows = [" ".join(line.split()) for line in lines]
    assert "function shop.item calls 30 ≥30 unknown proven by bounds" in rows
    assert "test t1 calls 32 32 none exact" in rows


def less(calls: int = 20) -> SessionReport:
    """A session in which nothing was left out, and the function was called less often."""
    rows = (BEFORE[0], BEFORE[1]._replace(calls=calls, total_ns=1_000, self_ns=1_000), BEFORE[2])
    made = [case("t1", *rows), case("t2", *AFTER)]
    return build_report(facts(), {"t1": tally(), "t2": tally()}, made)


def test_the_least_that_was_seen_is_growth_over_base() -> None:
    """In each metric, with the mark of what is known in part, in every format."""
    found = compared(less(), report(), "calls>+0,total>+4000ns,self>+4000ns")
    assert found.failed
    rows = [" ".join(line.split()) for line in render_comparison(found)]
    assert "function shop.item calls 20 ≥30 ≥+10 (≥+50.0%) proven by bounds" in rows
    assert (
        "function shop.item total 1.00 µs ≥6.00 µs ≥+5.00 µs (≥+500.0%) "
        "unsure: by bounds; 1 v 1 reports, can't tell it from noise"
    ) in rows
    markdown = COMPARISON_FORMATS["markdown"][1](found).decode()
    assert "| function `shop.item` | calls | 20 | ≥30 | ≥+10 (≥+50.0%) | proven by" in markdown
    document = json.loads(COMPARISON_FORMATS["json"][1](found))
    (row,) = (
        row
        for row in document["breaches"]
        if row["gate"] == "calls>+0" and row["kind"] == "function"
    )
    assert (row["base"], row["head"], row["growth"]) == ([20], [30], 10)
    assert row["head_is"] == "at least"
    assert "base_is" not in row


def test_json_and_markdown_say_what_was_withheld() -> None:
    """The state of each gate, and the figures with what is known of them."""
    found = compared(report(), report(left_out=("gone", "shop.item")), "calls>+0,errors>9,cost>1")
    markdown = COMPARISON_FORMATS["markdown"][1](found).decode()
    assert markdown.startswith("## Compared with BASE: a gate was withheld\n")
    assert "- withheld calls\\>+0: " in markdown
    document = json.loads(COMPARISON_FORMATS["json"][1](found))
    assert document["verdicts"] == [
        {"gate": "calls>+0", "state": "withheld"},
        {"gate": "errors>9", "state": "withheld"},
        {"gate": "cost>1", "state": "no data"},
    ]
    assert document["failed"] is False
    rows = {row["name"]: row for row in document["withheld"] if row["gate"] == "calls>+0"}
    assert rows["gone"] | {"kind": "", "metric": ""} == {
        "gate": "calls>+0", "kind": "", "name": "gone", "metric": "", "base": [0], "head": [None],
        "growth": None, "is_new": True, "is_gone": False, "p": None, "head_is": "unknown",
    }  # fmt: skip
    assert (rows["shop.item"]["base"], rows["shop.item"]["head"]) == ([30], [30])
    assert rows["shop.item"]["base_is"] == rows["shop.item"]["head_is"] == "at least"
    assert rows["shop.item"]["growth"] is None


def test_names_that_find_no_room_are_counted() -> None:
    """A warning names three functions, and says how many there are besides."""
    many = report(left_out=("a", "b", "c", "d", "e"))
    text = "\n".join(render_comparison(compared(many, many, "calls>+0")))
    assert "warning: 5 functions left out to keep to the budget (a, b, c, and 2 more): " in text
