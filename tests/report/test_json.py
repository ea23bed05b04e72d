"""The report as JSON, there and back."""

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pytest_timestamps.errors import ReportFileError, ReportFormatError
from pytest_timestamps.report.build import build_report
from pytest_timestamps.report.json_reader import load_report, parse_report
from pytest_timestamps.report.json_writer import render_json
from pytest_timestamps.report.schema import check_report, load_schema
from tests.samples import (
    SESSION_ID,
    case,
    facts,
    package_report,
    path,
    report,
    thinned_report,
)

VALIDATOR = jsonschema.Draft202012Validator(load_schema())


def document() -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(render_json(report()))
    return parsed


def test_the_schema_is_a_schema() -> None:
    """What is published is valid JSON Schema itself."""
    jsonschema.Draft202012Validator.check_schema(load_schema())


def test_a_report_fits_the_published_schema() -> None:
    """A full validator accepts what is written."""
    VALIDATOR.validate(document())


def test_a_report_survives_the_round_trip() -> None:
    """Reading what was written gives an equal report, and writing it the same bytes."""
    written = render_json(report())
    assert parse_report(written) == report()
    assert render_json(parse_report(written)) == written


@pytest.mark.parametrize(
    "more",
    [{field: 3} for field in ("errors", "open", "suspended_ns", "estimated", "untimed")]
    + [{"detached": True}, {"section": "call", "parent": -1}, {"self_ns": 0}, {"calls": 0}],
    ids=lambda more: next(iter(more)),
)
def test_what_one_row_alone_has_survives_the_round_trip(more: dict[str, Any]) -> None:
    """Most columns are the same in all rows, and written as such; one row can be different."""
    rows = path("a", calls=4), path("b", **{"parent": 0, "calls": 4, **more}), path("c", parent=0)
    for tests in ([case("one", *rows)], [case("one", rows[1]._replace(parent=-1))]):
        made = build_report(facts(), {}, tests)
        written = render_json(made)
        assert parse_report(written) == made
        VALIDATOR.validate(json.loads(written))


def test_hostile_names_survive_the_round_trip() -> None:
    """Quotes, line ends, escapes, right-to-left and lone surrogates are text like any other."""
    name = "\"'\\</script>\n\r\x00\x1b[31m\u202e\u2028\U0001f600\ud800"
    made = build_report(facts(), {}, [case(name, path(name, section="call"))])
    written = render_json(made)
    assert parse_report(written) == made
    VALIDATOR.validate(json.loads(written))


def test_the_fields_are_the_contract() -> None:
    """The names of the fields, which other programs rely on."""
    made = document()
    assert made["format_version"] == 1
    assert set(made["session"]) >= {
        "id", "shards", "start_s", "end_s", "duration_ns", "outcomes",
        "pytest_version", "plugin_version", "python_version",
    }  # fmt: skip
    assert made["session"]["shards"] == [SESSION_ID]
    row = made["functions"][0]
    assert [row[key] for key in (
        "name", "calls", "errors", "total_ns", "self_ns", "min_ns", "max_ns", "suspended_ns",
    )] == ["shop.query", 4, 1, 4_009_000, 4_009_000, 3_000, 4_000_000, 0]  # fmt: skip
    test = made["tests"][1]
    assert test["phases"] == {"setup_ns": 1_000, "call_ns": 20_000, "teardown_ns": 3_000}
    assert (test["nodeid"], test["outcome"]) == ("tests/test_cart.py::test_total", "passed")
    assert set(test["functions"][0]) == set(row)
    assert made["call_tree"][1]["parent"] == 0
    assert made["runs"] == []


def test_modules_survive_the_round_trip() -> None:
    """What was instrumented, and each module's and package's figures, are read back as written."""
    written = render_json(package_report())
    made = json.loads(written)
    VALIDATOR.validate(made)
    assert parse_report(written) == package_report()
    assert made["session"]["instrumented"] == ["!shop.slow", "bank", "shop"]
    assert made["modules"][0] == {
        "name": "shop", "kind": "package", "functions": 4, "calls": 16, "errors": 2,
        "self_ns": 27_000, "cumulative_ns": 31_000,
    }  # fmt: skip


def test_a_report_from_before_modules_is_read() -> None:
    """It has none, and is a report all the same."""
    made = document()
    del made["modules"], made["session"]["instrumented"], made["session"]["process_ns"]
    VALIDATOR.validate(made)
    read = parse_report(json.dumps(made).encode())
    assert (read.modules, read.session.instrumented, read.session.process_ns) == ((), (), 0)


def test_a_compiled_core_survives_the_round_trip() -> None:
    """Each overhead says whether it was; a report from before there was one was plain Python."""
    made = build_report(facts(compiled=True), {}, [])
    content = json.loads(render_json(made))
    VALIDATOR.validate(content)
    assert content["overhead"][0]["compiled"] is True
    assert parse_report(render_json(made)).overhead[0].compiled
    del content["overhead"][0]["compiled"]
    VALIDATOR.validate(content)
    assert not parse_report(json.dumps(content).encode()).overhead[0].compiled


def test_calls_without_a_time_survive_the_round_trip() -> None:
    """Of functions, of the merged tree, and of each test's and fixture's own."""
    made = thinned_report()
    written = render_json(made)
    parsed = json.loads(written)
    VALIDATOR.validate(parsed)
    assert parse_report(written) == made
    assert render_json(parse_report(written)) == written
    rows = {row["name"]: row for row in parsed["functions"]}
    assert (rows["shop.cart.item"]["estimated"], rows["shop.price"]["untimed"]) == (6_000, 3_000)
    assert parsed["tests"][0]["call_tree"][1][-2:] == [6_000, 0]


def test_a_report_without_such_calls_says_nothing_of_them() -> None:
    """It is the same, byte for byte, as before there was thinning."""
    made = document()
    assert "estimated" not in made["functions"][0].keys() | made["call_tree"][0].keys()
    assert {len(row) for test in made["tests"] for row in test["call_tree"]} == {12}
    parsed = json.loads(render_json(thinned_report()))
    rows = {row["name"]: set(row) for row in parsed["functions"]}
    assert rows["shop.cart.item"] - rows["shop.cart.total"] == {"estimated", "total_is"}
    assert rows["shop.price"] - rows["shop.cart.total"] == {"untimed", "total_is"}
    assert [len(row) for row in parsed["tests"][0]["call_tree"]] == [12, 14, 14, 14]


@pytest.mark.parametrize("budget", [0.07, 2.5])
def test_a_budget_survives_the_round_trip(budget: float) -> None:
    """With the share that recording cost beside it, which is worked out anew by the reader."""
    made = thinned_report()
    made = replace(made, session=replace(made.session, budget=budget))
    written = render_json(made)
    parsed = json.loads(written)
    VALIDATOR.validate(parsed)
    assert (parsed["session"]["budget"], parsed["session"]["overhead_share"]) == (budget, 9e-6)
    assert parsed["session"]["overhead_wall_share"] == 0.0
    assert parse_report(written) == made
    (overhead,) = made.overhead
    made = replace(made, overhead=(replace(overhead, total_ns=made.session.work_ns),))
    assert "overhead_share" not in json.loads(render_json(made))["session"]


def test_a_report_without_a_budget_says_nothing_of_it() -> None:
    """As those don't that were written before there was one."""
    session = json.loads(render_json(thinned_report()))["session"]
    assert not session.keys() & {"budget", "overhead_share", "overhead_wall_share"}
    assert session["process_ns"] == session["duration_ns"]
    assert parse_report(render_json(thinned_report())).session.budget is None


def test_a_module_may_be_listed_once_as_each_kind() -> None:
    """A second row of one name and kind is refused, as it is for functions."""
    made: Any = json.loads(render_json(package_report()))
    made["modules"].append(made["modules"][0])
    with pytest.raises(ReportFormatError) as refused:
        parse_report(json.dumps(made).encode())
    assert str(refused.value) == (
        'modules[5]: expected one row a name, got a second ["shop", "package"]'
    )


def test_a_module_of_an_unknown_kind_is_refused() -> None:
    """By our checker as by a full validator."""
    made: Any = json.loads(render_json(package_report()))
    made["modules"][1]["kind"] = "folder"
    assert not VALIDATOR.is_valid(made)
    with pytest.raises(ReportFormatError) as refused:
        parse_report(json.dumps(made).encode())
    assert str(refused.value) == ('modules[1].kind: expected "module" or "package", got "folder"')


def test_each_row_has_a_line() -> None:
    """Line tools can find a test or a function."""
    lines = render_json(report()).decode().splitlines()
    assert sum(line.startswith('{"nodeid":') for line in lines) == 2


def test_unknown_fields_are_left_alone() -> None:
    """A field that a later plugin adds to version 1 does no harm."""
    made = document()
    made["later"] = made["session"]["later"] = made["tests"][0]["later"] = {"a": [1]}
    VALIDATOR.validate(made)
    assert parse_report(json.dumps(made).encode()) == report()


def test_a_tests_call_tree_may_be_absent() -> None:
    """What other programs write needs only the fields that are required."""
    made = document()
    for test in made["tests"]:
        del test["call_tree"], test["reruns"]
    VALIDATOR.validate(made)
    assert parse_report(json.dumps(made).encode()).tests[1].call_tree == ()


def test_an_integer_beyond_64_bits_is_refused() -> None:
    """A number that no float can hold is no duration; JSON itself has no limit."""
    made = document()
    made["functions"][0]["self_ns"] = 10**400
    with pytest.raises(ReportFileError) as refused:
        parse_report(json.dumps(made).encode())
    assert "has 401 characters; expected numbers that 64 bits hold" in str(refused.value)


BROKEN: list[tuple[tuple[str | int, ...], object, str]] = [
    (("functions", 0, "calls"), -1, "functions[0].calls: expected 0 or more, got -1"),
    (("functions", 0, "calls"), True, "functions[0].calls: expected an integer, got true"),
    (("functions", 0, "calls"), "3", 'functions[0].calls: expected an integer, got "3"'),
    (("functions", 0, "name"), None, "functions[0].name: expected a string, got null"),
    (("tests", 0, "outcome"), "ok", 'tests[0].outcome: expected "passed" or "failed" or'),
    (("tests", 1, "phases"), [], "tests[1].phases: expected an object, got []"),
    (("tests", 1, "call_tree", 0), [1], "tests[1].call_tree[0]: expected 12 to 14 columns, got 1"),
    (("tests", 1, "call_tree", 0, 3), 0, "tests[1].call_tree[0][3]: expected a boolean, got 0"),
    (("session", "id"), "me", "session.id: expected text that matches"),
    (("session", "shards"), {}, "session.shards: expected an array, got {}"),
    (("session", "start_s"), "now", 'session.start_s: expected a number, got "now"'),
    (("session", "outcomes", "passed"), 1.5, "session.outcomes.passed: expected an integer"),
    (("timeline", "spans"), [[0]], "timeline.spans[0]: expected 7 columns, got 1"),
    (("session", "budget"), "10%", 'session.budget: expected a number, got "10%"'),
    (("session", "budget"), -1, "session.budget: expected 0 or more, got -1"),
    (("functions", 0, "estimated"), -1, "functions[0].estimated: expected 0 or more, got -1"),
    (("call_tree", 0, "untimed"), "2", 'call_tree[0].untimed: expected an integer, got "2"'),
    (("timeline", "spans"), [[0, 0, 0, 0, 0, 0, -1]], "timeline.spans[0][6]: expected 0 or more"),
    (("session", "shards"), [], "session.shards: expected 1 item or more, got 0"),
    (("session", "start_s"), 1e300, "session.start_s: expected 253402300799 or less, got 1e+300"),
    (("session", "end_s"), -0.5, "session.end_s: expected 0 or more, got -0.5"),
    (("runs",), [1], "runs[0]: expected an object, got 1"),
]


@pytest.mark.parametrize(("place", "value", "message"), BROKEN)
def test_values_that_break_the_schema_are_refused(
    place: tuple[str | int, ...], value: object, message: str
) -> None:
    """Our checker says where and why, and a full validator agrees that it is wrong."""
    made: Any = document()
    inner = made
    for key in place[:-1]:
        inner = inner[key]
    inner[place[-1]] = value
    assert not VALIDATOR.is_valid(made)
    with pytest.raises(ReportFormatError) as refused:
        parse_report(json.dumps(made).encode())
    assert str(refused.value).startswith(message)


def required_places(schema: dict[str, Any], made: Any, at: tuple[Any, ...]) -> list[Any]:
    """Every required field of every object in the document, as a path to it."""
    if "$ref" in schema:
        schema = load_schema()["$defs"][schema["$ref"].rpartition("/")[2]]
    places: list[Any] = []
    if isinstance(made, dict):
        places += [(*at, key) for key in schema.get("required", ())]
        for key, sub in schema.get("properties", {}).items():
            places += required_places(sub, made.get(key), (*at, key))
    elif isinstance(made, list) and made and isinstance(schema.get("items"), dict):
        places += required_places(schema["items"], made[0], (*at, 0))
    return places


@pytest.mark.parametrize(
    "place", required_places(load_schema(), document(), ()), ids=lambda p: ".".join(map(str, p))
)
def test_a_missing_field_is_refused(place: tuple[str | int, ...]) -> None:
    """Every required field is missed, by our checker as by a full validator."""
    made: Any = copy.deepcopy(document())
    inner = made
    for key in place[:-1]:
        inner = inner[key]
    del inner[place[-1]]
    assert not VALIDATOR.is_valid(made)
    with pytest.raises(ReportFormatError, match=f"the field '{place[-1]}' is missing"):
        check_report(made)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not JSON: Expecting value in line 1, column 1 of 0 bytes; is the file complete?"),
        (b'{"format_version": 1,', "not JSON: Expecting property name"),
        (b"\x89PNG\r\n", "not JSON: byte 0 is not UTF-8 text"),
        (b"[]", "not a session report: expected a JSON object with a format_version"),
        (b'{"tests": []}', "not a session report: expected a JSON object"),
        (
            b'{"format_version": 2}',
            "format_version is 2, this version of pytest-timestamps reads 1",
        ),
        (b'{"format_version": true}', "format_version is true"),
        (b'{"format_version": "1"}', 'format_version is "1"'),
        (b'{"format_version": NaN}', "not JSON: NaN is not a JSON number"),
        (
            b'{"format_version": ' + b"1" * 5_000 + b"}",
            "not a session report: the number 11111111111111111111... has 5000 characters; "
            "expected numbers that 64 bits hold",
        ),
        (
            b'{"format_version": 1, "dropped_paths": 9223372036854775808}',
            "not a session report: the number 9223372036854775808... has 19 characters; ",
        ),
        (
            b'{"format_version": 1, "runs": [-1e999]}',
            "not a session report: the number -1e999 is too large; expected finite numbers",
        ),
        (b"[" * 200_000, "not a session report: nested too deeply"),
        (b'{"format_version": 1}', "the document: the field 'session' is missing"),
    ],
)
def test_what_is_no_report_is_refused(content: bytes, message: str) -> None:
    """Each kind of wrong file has a message of its own."""
    with pytest.raises(ReportFormatError) as refused:
        parse_report(content)
    assert str(refused.value).startswith(message)


def test_a_parent_must_come_first() -> None:
    """The rule that the schema can't say: no loops, no parents to come."""
    made = document()
    made["call_tree"][0]["parent"] = 0
    with pytest.raises(ReportFormatError, match=r"call_tree\[0\]\.parent: expected a row before 0"):
        parse_report(json.dumps(made).encode())


@pytest.mark.parametrize(
    ("place", "message"),
    [
        (("functions",), r"functions\[2\]: expected one row a name, got a second \"shop.query\"$"),
        (("tests",), r"tests\[2\]: expected one row a name, got a second \"tests/test_ca"),
        (("tests", 1, "functions"), r"tests\[1\]\.functions\[2\]: expected one row a name, got a"),
        (("fixtures",), r"fixtures\[1\]: expected one row a name, got a second \[\"\","),
        (("fixtures", 0, "functions"), r"fixtures\[0\]\.functions\[1\]: expected one row a name"),
    ],
)
def test_nothing_may_be_listed_twice(place: tuple[str | int, ...], message: str) -> None:
    """One table would show both rows, and a comparison only the last of them."""
    rows: Any = document()
    made = rows
    for key in place:
        rows = rows[key]
    rows.append(copy.deepcopy(rows[0]))
    with pytest.raises(ReportFormatError, match=message):
        parse_report(json.dumps(made).encode())


def test_a_timelines_numbers_must_name_strings() -> None:
    """A span that names a string that isn't there is refused."""
    made = document()
    made["timeline"]["spans"][0][0] = 99
    with pytest.raises(ReportFormatError, match=r"timeline\.spans\[0\]: expected numbers of the 5"):
        parse_report(json.dumps(made).encode())


def test_a_file_is_named_in_the_message(tmp_path: Path) -> None:
    """Whether it is absent, a folder, or holds something else."""
    with pytest.raises(ReportFileError, match=r"gone\.json: can't be read \(No such file"):
        load_report(tmp_path / "gone.json")
    with pytest.raises(ReportFileError, match=r"can't be read \(Is a directory\)"):
        load_report(tmp_path)
    (tmp_path / "text.json").write_text("hello")
    with pytest.raises(ReportFormatError, match=r"text\.json: not JSON"):
        load_report(tmp_path / "text.json")
    (tmp_path / "good.json").write_bytes(b"\xef\xbb\xbf" + render_json(report()))
    assert load_report(tmp_path / "good.json") == report()


def test_numbers_may_have_as_many_digits_as_64_bits() -> None:
    """Names may have any number of them."""
    made: Any = document()
    made["functions"][0]["name"] = "n" + "1" * 400
    made["functions"][0]["total_ns"] = 2**63 - 1
    read = parse_report(json.dumps(made).encode()).functions[0]
    assert (read.name, read.total_ns) == ("n" + "1" * 400, 2**63 - 1)
