"""Options, their ini twins, and what is refused before any test runs."""

import os
from collections.abc import Callable
from typing import Any

import pytest

from pytest_timestamps.errors import ArgumentError
from pytest_timestamps.plugin.settings import parse_duration_ns
from tests.plugin.conftest import Run

Written = Callable[..., dict[str, Any]]


@pytest.fixture(autouse=True)
def one_test(suite: pytest.Pytester) -> None:
    suite.makepyfile(test_it="import shop\ndef test_it(): shop.total()")


ENABLING: list[tuple[tuple[str, ...], str, bool]] = [
    ((), "", False),
    (("--timestamps",), "", True),
    ((), "timestamps = true", True),
    ((), "timestamps = false", False),
    ((), "addopts = --timestamps", True),
    (("--no-timestamps",), "addopts = --timestamps", False),
    (("--no-timestamps",), "timestamps = true", False),
    (("--no-timestamps", "--timestamps-report=json"), "timestamps_report = json", False),
    (("--timestamps-report=term",), "", True),
    (("--timestamps-top=3",), "", True),
    (("--timestamps-sort=calls",), "", True),
    (("--timestamps-min-time=1ns",), "", True),
    (("--timestamps-per-test",), "", True),
    (("--timestamps-timeline",), "", True),
    ((), "timestamps_report = term", True),
    ((), "timestamps_per_test = true", True),
    ((), "timestamps_timeline = true", True),
    (("--timestamps-modules=3",), "", True),
    ((), "timestamps_top = 3", False),
    ((), "timestamps_modules = 3", False),
    ((), "timestamps_sort = calls", False),
    ((), "timestamps_min_time = 1ms", False),
]


@pytest.mark.parametrize(("arguments", "ini", "on"), ENABLING)
def test_what_switches_recording_on(
    suite: pytest.Pytester, alone: Run, arguments: tuple[str, ...], ini: str, on: bool
) -> None:
    """Asking for output implies the switch, ``--no-timestamps`` beats everything."""
    suite.makeini(f"[pytest]\n{ini}\n")
    result = alone(*arguments)
    result.assert_outcomes(passed=1)
    assert ("hotspots" in result.stdout.str()) is on


@pytest.mark.parametrize(
    ("option", "ini", "expected"),
    [
        (("--timestamps-top=1",), "timestamps_top = 1", "*... and 1 more*"),
        (("--timestamps-sort=total",), "timestamps_sort = total", "*hotspots (by total)*"),
        (("--timestamps-min-time=59s",), "timestamps_min_time = 59s", "=* timestamps =*"),
        (("--timestamps-per-test",), "timestamps_per_test = true", "*functions by test*"),
        (("--timestamps-timeline",), "timestamps_timeline = true", "*= timeline =*"),
    ],
)
def test_an_option_and_its_ini_twin_mean_the_same(
    suite: pytest.Pytester, alone: Run, option: tuple[str, ...], ini: str, expected: str
) -> None:
    """What the command line can say, an ini file can say for good."""
    alone("--timestamps", *option).stdout.fnmatch_lines([expected])
    suite.makeini(f"[pytest]\n{ini}\n")
    alone("--timestamps").stdout.fnmatch_lines([expected])


def test_the_command_line_beats_the_ini_file(suite: pytest.Pytester, alone: Run) -> None:
    """For one run another order or another report can be had."""
    suite.makeini("[pytest]\ntimestamps_sort = total\ntimestamps_report = json:ini.json\n")
    result = alone("--timestamps-sort=calls", "--timestamps-report=json:line.json")
    result.stdout.fnmatch_lines(["*hotspots (by calls)*"])
    assert sorted(path.name for path in suite.path.glob("*.json")) == ["line.json"]


def test_several_reports_are_written(suite: pytest.Pytester, alone: Run) -> None:
    """The option is repeatable, relative paths count from the rootdir, folders are made."""
    (suite.path / "sub").mkdir()
    (suite.path / "sub" / "test_sub.py").write_text("def test_sub(): pass")
    os.chdir(suite.path / "sub")
    result = alone(
        "--timestamps-report=json", "--timestamps-report=json:out/deep.json",
        "--timestamps-report=term", "--rootdir=..", "-c", "../tox.ini",
    )  # fmt: skip
    result.stdout.fnmatch_lines(
        [f"json report: {suite.path / 'timestamps.json'}",
         f"json report: {suite.path / 'out' / 'deep.json'}"]
    )  # fmt: skip
    assert (suite.path / "out" / "deep.json").exists()


REFUSED: list[tuple[str, str]] = [
    ("--timestamps-top=ten", "--timestamps-top must be a positive integer, got 'ten'"),
    ("--timestamps-top=0", "--timestamps-top must be a positive integer, got '0'"),
    ("--timestamps-top=-1", "--timestamps-top must be a positive integer, got '-1'"),
    ("--timestamps-top=1.5", "--timestamps-top must be a positive integer, got '1.5'"),
    ("--timestamps-top=", "--timestamps-top must be a positive integer, got ''"),
    ("--timestamps-top=٣", "--timestamps-top must be a positive integer, got '٣'"),
    ("--timestamps-modules=few", "--timestamps-modules must be 0 or more, got 'few'"),
    ("--timestamps-modules=-1", "--timestamps-modules must be 0 or more, got '-1'"),
    ("--timestamps-modules=", "--timestamps-modules must be 0 or more, got ''"),
    ("--timestamps-sort=cpu", "--timestamps-sort must be one of self, total, calls, got 'cpu'"),
    ("--timestamps-min-time=5", "--timestamps-min-time must be a time with its unit (ns, us, ms"),
    ("--timestamps-min-time=-5ms", "--timestamps-min-time must be a time with its unit"),
    ("--timestamps-report=pdf", "--timestamps-report: unknown format 'pdf'; expected one of"),
    ("--timestamps-report=json:", "--timestamps-report: the path in 'json:' is empty"),
    ("--timestamps-report=term:x", "--timestamps-report: term takes no path, got 'term:x'"),
    ("--timestamps-report=json:.", "--timestamps-report: * is a directory; expected"),
    ("--timestamps-report=json:shop.py/x", "--timestamps-report: * can't be written: *shop.py is"),
]


@pytest.mark.parametrize(("option", "message"), REFUSED)
def test_a_value_that_cannot_be_used_is_refused(
    suite: pytest.Pytester, alone: Run, option: str, message: str
) -> None:
    """A usage error names the option, before any test runs, and nothing is written."""
    before = sorted(os.listdir(suite.path))
    result = alone(option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {message}*"])
    assert "Traceback" not in result.stderr.str()
    assert sorted(os.listdir(suite.path)) == before


def test_an_ini_value_that_cannot_be_used_is_refused(suite: pytest.Pytester, alone: Run) -> None:
    """The message is that of the option."""
    suite.makeini("[pytest]\ntimestamps_top = many\n")
    result = alone("--timestamps")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --timestamps-top must be a positive integer, got 'many'"])


@pytest.mark.parametrize(
    "name", ["timestamps", "timestamps_per_test", "timestamps_timeline", "token_run_set_env"]
)
def test_an_ini_value_that_is_neither_true_nor_false_is_refused(
    suite: pytest.Pytester, alone: Run, name: str
) -> None:
    """By its name, with what was given."""
    suite.makeini(f"[pytest]\n{name} = maybe\ntoken_run_keys = observe\n")
    result = alone()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    expected = f"ERROR: {name} must be true or false: invalid truth value 'maybe'"
    result.stderr.fnmatch_lines([expected])


def test_a_refusal_reaches_the_user_under_xdist(suite: pytest.Pytester) -> None:
    """The controller refuses before it starts a worker."""
    result = suite.runpytest_inprocess("-n2", "--timestamps-top=ten")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: --timestamps-top must be a positive integer, got 'ten'"])


@pytest.mark.parametrize(
    ("text", "duration_ns"),
    [("0", 0), ("7ns", 7), ("20us", 20_000), ("20µs", 20_000), ("1.5 ms", 1_500_000),
     (" 2s ", 2_000_000_000), (".5s", 500_000_000), ("0.3s", 300_000_000)],
)  # fmt: skip
def test_times_are_written_as_people_write_them(text: str, duration_ns: int) -> None:
    """A number and its unit, exact to the nanosecond."""
    assert parse_duration_ns(text) == duration_ns


@pytest.mark.parametrize("text", ["", "5", "ms", "5 m", "1e3ms", "-1ms", "٣ms", "1,5ms", "nan s"])
def test_what_is_no_time_is_refused(text: str) -> None:
    """The message shows what was given."""
    with pytest.raises(ArgumentError, match=r"must be a time with its unit .* such as 5ms, got '"):
        parse_duration_ns(text)


def test_the_options_form_one_group(alone: Run) -> None:
    """``pytest --help`` shows each option, and each ini twin."""
    text = alone("--help").stdout.str()
    for name in ("report", "top", "modules", "sort", "min-time", "per-test", "timeline"):
        assert f"--timestamps-{name}" in text
        assert f"timestamps_{name.replace('-', '_')} (" in text
