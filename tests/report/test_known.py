"""What programs are told of figures that aren't plainly measured: as much as the terminal says."""

import csv
import io
import json

import jsonschema

from pytest_timestamps.report.build import build_report
from pytest_timestamps.report.csv_table import render_csv
from pytest_timestamps.report.json_writer import render_json
from pytest_timestamps.report.model import SessionReport
from pytest_timestamps.report.schema import load_schema
from tests.report.test_formats import metrics
from tests.report.test_left_out import report as left_out_report
from tests.samples import (
    case,
    facts,
    fixture,
    package_report,
    path,
    recording,
    report,
    thinned_report,
)


def known_in_csv(made: SessionReport) -> dict[str, list[str]]:
    """Of calls, total and self time of the functions, modules and packages that say anything."""
    rows = csv.DictReader(io.StringIO(render_csv(made).decode(), newline=""))
    found = {
        f"{row['kind']} {row['name']}": [row[f"{one}_is"] for one in ("calls", "total", "self")]
        for row in rows
    }
    return {name: words for name, words in found.items() if any(words)}


def known_in_json(made: SessionReport) -> dict[str, list[str]]:
    """The same from the JSON report, which fits its schema."""
    document = json.loads(render_json(made))
    jsonschema.Draft202012Validator(load_schema()).validate(document)
    rows = [("function", row) for row in document["functions"]]
    rows += [(row["kind"], row) for row in document["modules"]]
    found = {}
    for kind, row in rows:
        total = row.get("total_is" if kind == "function" else "cumulative_is", "")
        words = [row.get("calls_is", ""), total, row.get("self_is", "")]
        if any(words):
            found[f"{kind} {row['name']}"] = words
    return found


def known_in_openmetrics(made: SessionReport) -> dict[str, list[str]]:
    """The same of functions."""
    read = metrics(made)
    found: dict[str, list[str]] = {}
    for at, metric in enumerate(("calls", "total", "self")):
        for (name, word), value in read.get(f"timestamps_function_{metric}_is", {}).items():
            assert value == 1
            found.setdefault(f"function {name}", [""] * 3)[at] = word
    return found


def test_programs_are_told_what_people_see_marks_of() -> None:
    """What was estimated and only counted, and what was left out; nothing of what is plain."""
    thinned = {
        "function shop.cart.total": ["", "", "at most, estimated"],
        "function shop.cart.item": ["", "estimated", "estimated"],
        "function shop.price": ["", "unknown", "unknown"],
        "function shop.tax": ["", "at least, estimated", "at least, estimated"],
    }
    left_out = {
        "function shop.item": ["at least", "at least", "at least"],
        "function shop.all": ["", "", "at most"],
    }
    modules = (
        {
            "module shop": ["", "at least, estimated", "at least, estimated"],
            "module shop.cart": ["", "", "at most, estimated"],
        },
        {"module shop": ["at least", "at least", "not bounded"]},
    )
    for made, of_functions, of_modules in (
        (thinned_report(), thinned, modules[0]),
        (left_out_report(), left_out, modules[1]),
        (package_report(), {}, {}),
    ):
        assert known_in_csv(made) == known_in_json(made) == of_functions | of_modules
        assert known_in_openmetrics(made) == of_functions


def test_json_tells_it_of_each_tests_functions() -> None:
    """By what is known in that test: the first one was recorded whole."""
    first, second = json.loads(render_json(left_out_report()))["tests"]
    assert not any(key.endswith("_is") for row in first["functions"] for key in row)
    assert [row["self_is"] for row in second["functions"]] == ["at most"]
    (test,) = json.loads(render_json(thinned_report()))["tests"]
    assert {row["name"]: row.get("self_is") for row in test["functions"]} == {
        "shop.cart.total": "at most, estimated", "shop.cart.item": "estimated",
        "shop.price": "unknown", "shop.tax": "at least, estimated",
    }  # fmt: skip


def test_csv_has_no_time_of_a_module_that_was_only_counted() -> None:
    """It is unknown, and not 0."""
    only = path("shop.rate", calls=9, total_ns=0, min_ns=0, max_ns=0, untimed=9)
    made = report([case("t", only, modules=("shop",))])
    rows = csv.DictReader(io.StringIO(render_csv(made).decode(), newline=""))
    (row,) = (row for row in rows if row["kind"] == "module")
    assert [row[key] for key in ("total_ns", "self_ns", "self_is")] == ["", "", "unknown"]


def test_openmetrics_names_the_tests_that_lack_functions() -> None:
    """And the fixtures: what is told of these is the least there was."""
    rows = path("shop.query", section="setup")
    lacking = recording(rows, name="database", left_out=("shop.item", "shop.more"))
    made = build_report(facts(), {}, [fixture("database", recording=lacking)])
    assert metrics(made)["timestamps_fixture_left_out"] == {("database", "session", ""): 2}
    assert metrics(left_out_report())["timestamps_test_left_out"] == {("t2",): 1}
    assert not any("left_out" in name for name in metrics(report()))
