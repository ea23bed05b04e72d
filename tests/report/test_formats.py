"""Each format against its published schema, or against a parser that others wrote."""

import csv
import io
import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from markdown_it import MarkdownIt
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from pytest_timestamps.analysis.text import format_ns, format_share, printable
from pytest_timestamps.recording.results import PathStats, TimelineSpan
from pytest_timestamps.report.csv_table import render_csv
from pytest_timestamps.report.folded import render_folded
from pytest_timestamps.report.json_writer import render_json
from pytest_timestamps.report.markdown import render_markdown
from pytest_timestamps.report.model import SessionReport
from pytest_timestamps.report.openmetrics import render_openmetrics
from pytest_timestamps.report.perfetto import render_perfetto
from pytest_timestamps.report.renderers import BUILT_IN, Renderer
from pytest_timestamps.report.speedscope import render_speedscope
from tests.hostile import HOSTILE, hostile_report
from tests.runs import OBSERVED, PENDING, VERIFIED
from tests.samples import case, package_report, path, recording, report, thinned_report

SCHEMA = Path(__file__).parents[1] / "data" / "speedscope-file-format.schema.json"

with_runs = replace(report(), runs=(VERIFIED, OBSERVED, PENDING))
REPORTS = {
    "full": report(),
    "empty": report([]),
    "hostile": hostile_report(),
    "with runs": with_runs,
    "packages": package_report(),
    "thinned": thinned_report(),
}
every_report = pytest.mark.parametrize("made", REPORTS.values(), ids=REPORTS)


def as_json(content: bytes) -> Any:
    return json.loads(content)


@every_report
@pytest.mark.parametrize("renderer", BUILT_IN, ids=lambda renderer: renderer.name)
def test_every_format_renders_any_report(renderer: Renderer, made: SessionReport) -> None:
    """Each format makes bytes of any report that UTF-8 can read, the same each time."""
    content = renderer.render(made)
    assert content
    assert content.endswith(b"\n")
    content.decode("utf-8")
    assert renderer.render(made) == content


@every_report
def test_speedscope_follows_its_schema(made: SessionReport) -> None:
    """The document fits the schema that speedscope publishes, and its events are balanced."""
    document = as_json(render_speedscope(made))
    jsonschema.validate(document, json.loads(SCHEMA.read_text()))
    for profile in document["profiles"]:
        assert_balanced(profile, document["shared"]["frames"])


def assert_balanced(profile: dict[str, Any], frames: list[dict[str, str]]) -> None:
    stack: list[int] = []
    at = 0
    for event in profile["events"]:
        assert event["at"] >= at
        assert 0 <= event["frame"] < len(frames)
        at = event["at"]
        if event["type"] == "O":
            stack.append(event["frame"])
        else:
            assert stack.pop() == event["frame"]
    assert not stack
    assert profile["endValue"] == at


def test_speedscope_profiles_hold_all_self_time() -> None:
    """A profile is as long as its tree's self times, the session's first, then tests by time."""
    document = as_json(render_speedscope(report()))
    names = [profile["name"] for profile in document["profiles"]]
    assert names == ["all tests and fixtures", "tests/test_cart.py::test_total"]
    total_ns = sum(timing.self_ns for timing in report().functions)
    assert document["profiles"][0]["endValue"] == total_ns


def test_deep_trees_cost_what_flat_ones_do() -> None:
    """A path 20,000 deep is exported without recursion, and folded stacks don't grow squared."""
    rows = tuple(path(f"f{at}", parent=at - 1, total_ns=1) for at in range(20_000))
    made = report([case("test_deep", *rows)])
    assert len(as_json(render_speedscope(made))["profiles"][0]["events"]) == 40_000
    lines = render_folded(made).decode().splitlines()
    assert max(line.count(";") for line in lines) == 500
    assert sum(int(line.rpartition(" ")[2]) for line in lines) == 20_000


def test_folded_stacks_are_paths_with_self_time() -> None:
    """One line a path, its phase first, and the sum of all is the sum of self times."""
    assert render_folded(report()).decode().splitlines() == [
        "call;shop.total 6000",
        "call;shop.total;shop.query 9000",
        "setup;shop.query 4000000",
    ]


def test_frames_of_times_that_are_no_plain_ones_have_their_mark() -> None:
    """Before the name, the same for all of a function's frames; what was only counted has none."""
    stacks = [
        "call;≤~shop.cart.total 540000",
        "call;≤~shop.cart.total;~shop.cart.item 300000",
        "call;≤~shop.cart.total;≥~shop.tax 60000",
    ]
    assert render_folded(thinned_report()).decode().splitlines() == stacks
    frames = as_json(render_speedscope(thinned_report()))["shared"]["frames"]
    assert [frame["name"] for frame in frames] == [
        "call", "≤~shop.cart.total", "~shop.cart.item", "≥~shop.tax",
    ]  # fmt: skip


def test_folded_names_cannot_pretend_to_be_stacks() -> None:
    """Neither semicolons nor line breaks of a name divide anything."""
    lines = render_folded(hostile_report()).decode().splitlines()
    assert len(lines) == 2 * len(HOSTILE)
    assert all(line.startswith("call;") and line.count(";") <= 2 for line in lines)
    assert all(int(line.rpartition(" ")[2]) > 0 for line in lines)


def spans(*rows: tuple[int, int, str, str]) -> SessionReport:
    timeline = tuple(
        TimelineSpan(f"s{at}", "call", start, end, thread, task)
        for at, (start, end, thread, task) in enumerate(rows)
    )
    # The session starts 500 ns before the test.
    return report([case("test_it", recording=recording(timeline=timeline))])


def test_perfetto_events_are_the_timeline() -> None:
    """Complete events in microseconds since the session's start, each with its test."""
    events = as_json(render_perfetto(report()))["traceEvents"]
    assert [event for event in events if event["ph"] == "X"] == [
        {
            "ph": "X", "name": "shop.total", "cat": "call", "pid": 1, "tid": 1,
            "ts": 0.51, "dur": 15.0, "args": {"test": "tests/test_cart.py::test_total"},
        }
    ]  # fmt: skip
    assert {event["ph"] for event in events} == {"X", "M"}


def test_perfetto_rows_nest() -> None:
    """Within a row, two spans are apart or one within the other: the format knows no other way."""
    made = spans(
        (0, 10, "T", ""), (2, 8, "T", ""), (5, 15, "T", ""), (15, 20, "T", ""), (1, 9, "U", "")
    )
    events = [e for e in as_json(render_perfetto(made))["traceEvents"] if e["ph"] == "X"]
    for one in events:
        for two in events:
            if one is not two and one["tid"] == two["tid"]:
                a, b = (one["ts"], one["ts"] + one["dur"]), (two["ts"], two["ts"] + two["dur"])
                nested = (a[0] <= b[0] and b[1] <= a[1] + 1e-9) or (
                    b[0] <= a[0] and a[1] <= b[1] + 1e-9
                )
                assert nested or a[1] <= b[0] + 1e-9 or b[1] <= a[0] + 1e-9
    assert len({event["tid"] for event in events}) == 3


def test_perfetto_without_a_timeline_says_so() -> None:
    """The file is valid, and tells how to get a timeline."""
    document = as_json(render_perfetto(report([])))
    assert document["otherData"]["note"] == (
        "this report has no timeline; run pytest with --timestamps-timeline"
    )


def metrics(made: SessionReport) -> dict[str, dict[tuple[str, ...], float]]:
    families = text_string_to_metric_families(render_openmetrics(made).decode())
    return {
        family.name: {tuple(sample.labels.values()): sample.value for sample in family.samples}
        for family in families
    }


def test_openmetrics_carries_the_figures() -> None:
    """A parser that others wrote reads back what the report has, in seconds."""
    read = metrics(report())
    assert read["timestamps_function_calls"] == {("shop.query",): 4, ("shop.total",): 1}
    assert read["timestamps_function_self_seconds"][("shop.query",)] == pytest.approx(0.004009)
    assert read["timestamps_test_seconds"][("tests/test_cart.py::test_total", "call")] == 20e-6
    assert read["timestamps_tests"][("passed",)] == 2


def test_openmetrics_tells_of_calls_without_a_time() -> None:
    """Of the functions that have any, and of no others."""
    read = metrics(thinned_report())
    assert read["timestamps_function_estimated_calls"] == {
        ("shop.cart.item",): 6_000, ("shop.tax",): 590,
    }  # fmt: skip
    assert read["timestamps_function_untimed_calls"] == {
        ("shop.price",): 3_000, ("shop.tax",): 400,
    }  # fmt: skip
    assert "timestamps_function_untimed_calls" not in metrics(report())


def test_openmetrics_has_no_time_of_what_was_only_counted() -> None:
    """It is unknown, and not 0 s; a part of the calls has one."""
    read = metrics(thinned_report())
    for metric in ("self", "total"):
        assert read[f"timestamps_function_{metric}_seconds"].keys() == {
            ("shop.cart.total",), ("shop.cart.item",), ("shop.tax",),
        }  # fmt: skip
    assert read["timestamps_function_calls"]["shop.price",] == 3_000


def test_openmetrics_labels_survive() -> None:
    """Quotes, backslashes and line breaks come back as they were; half a character is escaped."""
    names = {labels[0] for labels in metrics(hostile_report())["timestamps_function_calls"]}
    for name in HOSTILE:
        if "\ud83d" not in name:
            assert name in names


def test_openmetrics_has_no_sample_for_what_nobody_knows() -> None:
    """An unknown number of tokens is absent, not 0."""
    read = metrics(with_runs)
    assert [labels[2] for labels in read["timestamps_run_input_tokens"]] == ["run-a", "run-b"]
    assert read["timestamps_run_cost_usd"] == {
        ("baes", "tests/test_a.py::test_a", "run-a", "verified"): 0.42
    }


def rendered_tables(text: str) -> list[list[list[str]]]:
    """Each table's cells, as ``kinds:source``, by a Markdown parser that others wrote."""
    tables: list[list[list[str]]] = []
    in_cell = False
    for token in MarkdownIt("commonmark", {"html": True}).enable("table").parse(text):
        if token.type == "table_open":
            tables.append([])
        elif token.type == "tr_open":
            tables[-1].append([])
        elif token.type in ("th_open", "td_open", "th_close", "td_close"):
            in_cell = token.type.endswith("open")
        elif token.type == "inline" and in_cell:
            kinds = ",".join(child.type for child in token.children or ())
            tables[-1][-1].append(f"{kinds}:{token.content}")
    return tables


def test_markdown_is_a_table_of_hotspots_and_tests() -> None:
    """Each row has as many cells as its heading, and the figures of the report."""
    hotspots, tests = rendered_tables(render_markdown(report()).decode())
    assert {len(row) for row in hotspots} == {6}
    assert {len(row) for row in tests} == {6}
    assert [cell.partition(":")[2] for cell in hotspots[1][:3]] == ["`shop.query`", "4", "4.01 ms"]


def test_markdown_has_modules_where_packages_were_recorded() -> None:
    """Below their packages, each row with the figures of the JSON report."""
    made = package_report()
    _, modules, _ = rendered_tables(render_markdown(made).decode())
    cells = [[cell.partition(":")[2] for cell in row] for row in modules]
    assert [row[0] for row in cells[1:]] == [
        "`shop.*`", "`shop.prices`", "`shop.cart`", "`shop`", "`bank`",
    ]  # fmt: skip
    for name, *figures in cells[1:]:
        kind = "package" if name.endswith(".*`") else "module"
        row = json_modules(made)[name.strip("`").removesuffix(".*"), kind]
        assert figures == [
            str(row["functions"]), str(row["calls"]), format_ns(row["self_ns"]),
            format_share(row["self_ns"], made.session.work_ns), format_ns(row["cumulative_ns"]),
            str(row["errors"]),
        ]  # fmt: skip
    plain = replace(made, session=replace(made.session, instrumented=()))
    assert "Module" not in render_markdown(plain).decode()


def json_modules(made: SessionReport) -> dict[tuple[str, str], dict[str, int]]:
    rows = as_json(render_json(made))["modules"]
    return {(row["name"], row["kind"]): row for row in rows}


def test_csv_has_modules_and_packages() -> None:
    """Each with the figures of the JSON report."""
    made = package_report()
    rows = csv.DictReader(io.StringIO(render_csv(made).decode(), newline=""))
    found = {(row["name"], row["kind"]): row for row in rows if row["functions"]}
    expected = json_modules(made)
    assert found.keys() == expected.keys()
    for key, row in found.items():
        for field in ("functions", "calls", "errors", "self_ns"):
            assert int(row[field]) == expected[key][field]
        assert int(row["total_ns"]) == expected[key]["cumulative_ns"]
        assert row["min_ns"] == ""


def test_markdown_marks_times_that_are_no_plain_ones() -> None:
    """Those of functions and of modules; the text below the tables says what the marks mean."""
    html = (
        MarkdownIt()
        .enable("table")
        .enable("strikethrough")
        .render(render_markdown(thinned_report()).decode())
    )
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in html.split("<tr>")]
    cells = {row[0]: row[1:] for row in rows if row}
    assert cells["<code>shop.cart.item</code>"] == ["6,100", "~300 µs", "29.9%", "~300 µs", "0"]
    assert cells["<code>shop.cart.total</code>"] == ["1", "≤~540 µs", "53.8%", "900 µs", "0"]
    assert cells["<code>shop.price</code>"] == ["3,000", "-", "-", "-", "0"]
    assert cells["<code>shop</code>"][2:5] == ["≥~60.0 µs", "6.0%", "≥~60.0 µs"]
    assert "~ estimated: 2 functions thinned" in html
    assert "<s>" not in html


def test_markdown_names_stay_text() -> None:
    """No name makes a cell, a link, a mention or markup."""
    text = render_markdown(hostile_report()).decode()
    for table in rendered_tables(text):
        assert len({len(row) for row in table}) == 1
        for row in table[1:]:
            kinds = row[0].partition(":")[0]
            assert set(kinds.split(",")) <= {"code_inline", "text", "html_inline"}
            inside = row[0].partition(":")[2]
            assert inside.startswith(("`", "<code>"))
            if "html_inline" in kinds:
                assert kinds.startswith("html_inline")
                assert "<" not in inside.removeprefix("<code>").removesuffix("</code>")


def test_markdown_is_bounded() -> None:
    """A large session's summary leaves room for others': GitHub shows 1 MB at most."""
    records = [
        case(f"tests/{'long' * 500}_{at}.py::test", path("name" * 500 + str(at), section="call"))
        for at in range(300)
    ]
    content = render_markdown(report(records))
    assert len(content) < 30_000
    assert "… and 270 more." in content.decode()


def test_markdown_shows_a_dash_for_what_nobody_knows() -> None:
    """A pending run has dashes, an observed one says that it is observed."""
    text = render_markdown(with_runs).decode()
    assert (
        "| `run-a` | `tests/test_a.py::test_a` | verified | 15 | 25,202 | 1,280 | 19,812 | 0.4200 |"
        in text
    )
    assert "| `run-b` | - | observed | 2 | 100 | 0 | 50 | - |" in text
    assert "| `run-c` | - | unknown | - | - | - | - | - |" in text
    assert "if no other run than those in the ledger used the key" in text


def test_csv_reads_back() -> None:
    """One row for each function, test, fixture and run, two for the overhead; else empty."""
    rows = list(csv.DictReader(io.StringIO(render_csv(with_runs).decode(), newline="")))
    assert [row["kind"] for row in rows] == [
        *["function"] * 2,
        *["test"] * 2,
        "fixture",
        *["run"] * 3,
        *["overhead"] * 2,
    ]
    assert (rows[0]["name"], rows[0]["calls"], rows[0]["self_ns"]) == ("shop.query", "4", "4009000")
    assert (rows[3]["total_ns"], rows[3]["outcome"]) == ("24000", "passed")
    assert (rows[5]["input_tokens"], rows[7]["input_tokens"]) == ("25202", "")


def test_csv_says_what_recording_cost() -> None:
    """Summed over the shards: what was taken out of all times, and what was spent between tests."""
    shard = with_runs.overhead[0]
    shards = (
        replace(shard, spans=7, total_ns=2_000, freezing_ns=300),
        replace(shard, shard="other", spans=3, total_ns=40, freezing_ns=5),
    )
    made = replace(with_runs, overhead=shards)
    rows = csv.DictReader(io.StringIO(render_csv(made).decode(), newline=""))
    told = [
        (row["name"], row["calls"], row["total_ns"]) for row in rows if row["kind"] == "overhead"
    ]
    assert told == [("taken out", "10", "2040"), ("between tests", "", "305")]


def test_csv_counts_the_calls_without_a_time() -> None:
    """Beside each function's figures, and for nothing else."""
    rows = csv.DictReader(io.StringIO(render_csv(thinned_report()).decode(), newline=""))
    found = {(row["kind"], row["name"]): (row["estimated"], row["untimed"]) for row in rows}
    assert found == {
        ("function", "shop.cart.item"): ("6000", "0"),
        ("function", "shop.price"): ("0", "3000"),
        ("function", "shop.tax"): ("590", "400"),
        ("function", "shop.cart.total"): ("0", "0"),
        ("module", "shop.cart"): ("", ""),
        ("module", "shop"): ("", ""),
        ("package", "shop"): ("", ""),
        ("test", "t"): ("", ""),
        ("overhead", "taken out"): ("", ""),
        ("overhead", "between tests"): ("", ""),
    }


def test_csv_has_no_time_that_nobody_knows() -> None:
    """Of a function that was only counted none, and no extremes where no call was timed."""
    made = report(
        [case("t", *thinned_report().call_tree, path("guessed", calls=9, min_ns=0, estimated=9))]
    )
    rows = csv.DictReader(io.StringIO(render_csv(made).decode(), newline=""))
    found = {
        row["name"]: [row[f"{time}_ns"] for time in ("total", "self", "min", "max")]
        for row in rows
        if row["kind"] == "function"
    }
    assert found["shop.price"] == ["", "", "", ""]
    assert found["guessed"] == ["10", "10", "", ""]
    assert found["shop.tax"] == ["60000", "60000", "50", "90"]


def test_csv_names_come_back_as_they_were() -> None:
    """Line breaks, quotes and commas of a name stay within its cell."""
    rows = list(csv.DictReader(io.StringIO(render_csv(hostile_report()).decode(), newline="")))
    names = {row["name"] for row in rows if row["kind"] == "run"}
    assert names == {name.encode("utf-8", "backslashreplace").decode() for name in HOSTILE}


def test_an_empty_table_has_no_frames() -> None:
    """A path without self time is no stack, and a session without any says so."""
    made = report([case("test_it", PathStats(-1, "idle", "call", False, 1, 0, 0, 0, 0, 0, 0, 0))])
    assert render_folded(made) == b"(nothing) 0\n"
    assert printable("idle") == "idle"
