"""How the benchmark on whole packages reads what profilers write, and compares it."""

import cProfile
import json
import marshal
import os
import pstats
import runpy
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.packages import measuring, plain_cprofile, profilers, sampled
from benchmarks.packages.agreement import Agreement, added, agreement
from benchmarks.packages.compiled_core import compiled_first
from benchmarks.packages.functions import functions_of, place
from benchmarks.packages.measuring import (
    Measured,
    measure_suite,
    measured_from_json,
    measured_to_json,
)
from benchmarks.packages.page import print_measured, render_page
from benchmarks.packages.profilers import (
    COMPILED,
    CPROFILE,
    OURS,
    OURS_MODULE,
    PROFILERS,
    SAMPLED,
    WITHOUT,
    Profiler,
    missing,
)
from benchmarks.packages.reports import overhead_in_table
from benchmarks.packages.sampled import RATE
from benchmarks.packages.self_times import from_pstats, from_report, from_samples, from_trace
from benchmarks.packages.total_times import totals_from_pstats, totals_from_report
from tools.real_suites.running import SuiteRun
from tools.real_suites.suites import PROFILED

SHOP = """
def outer():
    def inner():
        return [number for number in range(3)]
    return inner()

class Cart:
    @property
    def total(self):
        return (lambda: 1)()
"""

OUTER, INNER = ("/shop.py", 1, "outer"), ("/shop.py", 5, "inner")
SORTED, KEY = ("~", 0, "sorted"), ("/other.py", 9, "key")
TEST = ("/test_shop.py", 1, "test")
FUNCTIONS = {place(*OUTER): "shop.outer", place(*INNER): "shop.inner"}


def _write_pstats(file: Path, rows: dict[object, object]) -> Path:
    file.write_bytes(marshal.dumps(rows))
    return file


def test_functions_are_named_by_place(tmp_path: Path) -> None:
    """Nested functions, methods and lambdas are a package's functions, comprehensions aren't."""
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "__init__.py").write_text(SHOP)
    (tmp_path / "shop" / "cart.py").write_text("def add(): ...\n")
    found = functions_of("shop", tmp_path)
    assert set(found.values()) == {
        "shop.outer",
        "shop.outer.<locals>.inner",
        "shop.Cart.total",
        "shop.Cart.total.<locals>.<lambda>",
        "shop.cart.add",
    }
    assert found[place(str(tmp_path / "shop" / "__init__.py"), 8, "total")] == "shop.Cart.total"


def test_places_are_those_of_cprofile(tmp_path: Path) -> None:
    """What cProfile writes of a package is found by the places that its source tells."""
    (tmp_path / "shop").mkdir()
    program = tmp_path / "shop" / "__init__.py"
    program.write_text(f"{SHOP}\nouter()\nCart().total\n")
    profile = cProfile.Profile()
    profile.runcall(runpy.run_path, str(program))
    profile.dump_stats(tmp_path / "stats")
    functions = functions_of("shop", tmp_path)
    assert set(from_pstats(tmp_path / "stats", functions)) == set(functions.values())


def test_time_of_others_goes_to_the_package_that_called_them(tmp_path: Path) -> None:
    """What builtins and other libraries take is their caller's self time, through others too."""
    rows = {
        TEST: (1, 1, 0.5, 20.0, {}),
        OUTER: (1, 1, 1.0, 14.0, {TEST: (1, 1, 1.0, 14.0)}),
        INNER: (1, 1, 2.0, 5.0, {OUTER: (1, 1, 2.0, 5.0)}),
        # three quarters of its own time for outer, and half of the time of what it calls
        SORTED: (2, 2, 4.0, 12.0, {OUTER: (1, 1, 3.0, 6.0), INNER: (1, 1, 1.0, 6.0)}),
        KEY: (8, 8, 8.0, 8.0, {SORTED: (8, 8, 8.0, 8.0)}),
    }
    found = from_pstats(_write_pstats(tmp_path / "stats", rows), FUNCTIONS)
    assert found == pytest.approx({"shop.outer": 1 + 3 + 4, "shop.inner": 2 + 1 + 4})


def test_time_that_no_one_of_the_package_asked_for_is_dropped(tmp_path: Path) -> None:
    """Recursion among others ends, and what tests do themselves is nobody's."""
    rows = {
        TEST: (1, 1, 0.5, 20.0, {}),
        OUTER: (1, 1, 1.0, 1.0, {TEST: (1, 1, 1.0, 1.0)}),
        SORTED: (2, 2, 4.0, 9.0, {TEST: (1, 1, 2.0, 9.0), KEY: (1, 1, 2.0, 3.0)}),
        KEY: (8, 8, 5.0, 5.0, {SORTED: (4, 4, 2.0, 3.0), KEY: (4, 4, 3.0, 2.0)}),
    }
    found = from_pstats(_write_pstats(tmp_path / "stats", rows), FUNCTIONS)
    assert found == {"shop.outer": 1.0}


def test_totals_are_read_as_they_are_written(tmp_path: Path) -> None:
    """cProfile's cumulative times, and a report's total ones, of the package alone."""
    rows = {
        OUTER: (1, 1, 1.0, 14.0, {TEST: (1, 1, 1.0, 14.0)}),
        SORTED: (2, 2, 4.0, 12.0, {OUTER: (2, 2, 4.0, 12.0)}),
    }
    found = totals_from_pstats(_write_pstats(tmp_path / "stats", rows), FUNCTIONS)
    assert found == {"shop.outer": 14.0}
    functions = [{"name": "shop.inner", "total_ns": 2_500}, {"name": "other", "total_ns": 9}]
    file = tmp_path / "report.json"
    file.write_text(json.dumps({"functions": functions}))
    assert totals_from_report(file, FUNCTIONS) == {"shop.inner": 2.5e-6}


def test_spans_of_a_trace_are_less_those_within(tmp_path: Path) -> None:
    """A trace's spans count less the package's own spans in them, thread by thread."""
    spans = [
        ("shop.outer (/shop.py:1)", 0, 100, 1),
        ("sorted", 10, 50, 1),
        ("shop.inner (/shop.py:5)", 20, 30, 1),
        ("shop.outer (/shop.py:1)", 25, 5, 1),
        ("shop.inner (/shop.py:5)", 200, 7, 1),
        ("shop.inner (/shop.py:5)", 0, 11, 2),
    ]
    events: list[object] = [
        {"ph": "X", "name": name, "ts": start, "dur": dur, "tid": thread}
        for name, start, dur, thread in spans
    ]
    file = tmp_path / "trace.json"
    file.write_text(json.dumps({"traceEvents": [{"ph": "M", "name": "process_name"}, *events]}))
    found = from_trace(file, FUNCTIONS)
    assert found == pytest.approx({"shop.outer": 75e-6, "shop.inner": 43e-6})


def test_samples_go_to_the_innermost_function_of_the_package(tmp_path: Path) -> None:
    """What it calls of others is its own doing; what runs outside of tests doesn't count."""
    test = "pytest_runtest_protocol (/pytest/runner.py:116)"
    outer, inner = "outer (/shop.py:1)", "inner (/shop.py:5)"
    stacks = [
        (f"<module> (/main.py:1);{test};{outer};sorted_by (/other.py:3)", 30),
        (f"<module> (/main.py:1);{test};{outer};{inner};{outer};{inner}", 9),
        (f"{test};call (/pytest/runner.py:9)", 5),
        (f"<module> (/main.py:1);{outer}", 700),
        (f"{test};{inner}", 1),
    ]
    file = tmp_path / "samples"
    file.write_text("".join(f"{stack} {looks}\n" for stack, looks in stacks))
    found = from_samples(file, FUNCTIONS)
    assert found == pytest.approx({"shop.outer": 30 / RATE, "shop.inner": 10 / RATE})


def test_a_table_tells_what_recording_cost(tmp_path: Path) -> None:
    """In tests and between them; JSON is left out, as making it costs more."""
    file = tmp_path / "report"
    rows = ["function,shop.inner,9", "overhead,taken out,2000", "overhead,between tests,531"]
    file.write_text("\r\n".join(["kind,name,total_ns", *rows, ""]))
    assert overhead_in_table(file) == pytest.approx(2_531e-9)
    file.write_text(json.dumps({"overhead": []}))
    assert overhead_in_table(file) is None


def test_a_sampler_runs_several_times_a_round(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its runs are held against each other by halves, and what the others find against all."""
    suite = next(iter(PROFILED))
    sampler = Profiler(SAMPLED, "pytest", reads=lambda file, functions: {}, repeats=4)
    ours = Profiler(OURS, OURS_MODULE, reads=lambda file, functions: {})
    found = {
        SAMPLED: iter([{"a": 1.0}, {"b": 1.0}] * 4),
        OURS: iter([{"b": 3.0, "a": 2.0}] * 2),
    }

    def run(subject: Any, *_: Any) -> None:
        took_s = {WITHOUT: 2.0, OURS: 5.0}.get(subject.profiler.name, 4.0)
        # the second round is on a machine that is half as fast
        took_s *= 1 + len(subject.runs) // subject.profiler.repeats
        subject.runs.append(SuiteRun({"test": ["call passed"]}, took_s, took_s, Path("log")))
        if subject.profiler.name in found:
            subject.times.append(next(found[subject.profiler.name]))
        if subject.profiler.name == OURS:
            subject.overheads_s.append(2.4 * len(subject.runs))

    monkeypatch.setattr(measuring, "download", lambda suite: Path())
    monkeypatch.setattr(measuring, "functions_of", lambda *_: {})
    monkeypatch.setattr(measuring, "lay_out", lambda *_: None)
    first = SuiteRun({"test": ["call passed"]}, 1.0, 1.0, Path("log"))
    monkeypatch.setattr(measuring, "run_suite", lambda *_: first)
    monkeypatch.setattr(measuring, "_run", run)
    rows = {row.profiler: row for row in measure_suite(suite, [sampler, ours], rounds=2)}
    assert (rows[SAMPLED].rounds, rows[OURS].rounds) == (2, 2)
    assert (rows[SAMPLED].wall_ratio, rows[OURS].wall_ratio) == (2.0, 2.5)
    # one half of the runs has found the one function, and the other half the other
    assert rows[SAMPLED].sampled_agreement == Agreement(0, 0, 0.0)
    assert rows[OURS].sampled_agreement == Agreement(2, 2, 1.0)
    assert rows[OURS].told == pytest.approx(2.4 / 3)
    assert (rows[SAMPLED].told, rows[WITHOUT].told) == (None, None)


def test_a_sampler_that_is_not_there_is_missed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its program has to lie beside Python."""
    assert missing(Profiler("any", "pytest", program="no-such")) == "no-such is not installed"
    assert missing(Profiler("any", "pytest", program=Path(sys.executable).name)) == ""


def test_a_sampler_runs_the_program_with_this_python(monkeypatch: pytest.MonkeyPatch) -> None:
    """It takes the place of the process, so that what it takes is measured as well."""
    became: list[Any] = []
    monkeypatch.setattr(os, "execv", lambda *arguments: became.extend(arguments))
    monkeypatch.setattr("sys.argv", ["", "written", "pytest", "-q"])
    sampled.main()
    program, arguments = became
    assert program == Path(sys.executable).with_name("py-spy")
    assert arguments[arguments.index("--output") + 1] == "written"
    assert arguments[arguments.index("--") + 1 :] == [sys.executable, "-m", "pytest", "-q"]


def test_a_report_as_a_table_tells_the_same(tmp_path: Path) -> None:
    """Rows of tests and modules in a table are no functions, whatever they are called."""
    file = tmp_path / "report.csv"
    rows = ["function,shop.inner,2500,1500", "test,shop.outer,9,", "function,other,7,7"]
    file.write_text("\r\n".join(["kind,name,total_ns,self_ns", *rows, ""]))
    assert from_report(file, FUNCTIONS) == {"shop.inner": 1.5e-6}
    assert totals_from_report(file, FUNCTIONS) == {"shop.inner": 2.5e-6}


def test_report_tells_of_the_package_alone(tmp_path: Path) -> None:
    """What else was recorded has no part in a package's ranking."""
    rows = [{"name": "shop.inner", "self_ns": 2_500}, {"name": "other", "self_ns": 9}]
    file = tmp_path / "report.json"
    file.write_text(json.dumps({"functions": rows}))
    assert from_report(file, FUNCTIONS) == {"shop.inner": 2.5e-6}


def test_agreement_counts_what_both_have_at_the_top() -> None:
    """Order within the five or ten doesn't count, and the weight is the reference's."""
    reference = {f"f{n}": float(20 - n) for n in range(12)}
    other = {**reference, "f4": 0.0, "f11": 30.0}
    ten_s = sum(20 - n for n in range(10))
    expected = Agreement(4, 9, pytest.approx((ten_s - 16 + 9) / ten_s))
    assert agreement(other, [reference]) == expected


def test_agreement_takes_what_any_round_of_the_reference_has() -> None:
    """Of two that change places between the reference's rounds either one agrees, others don't."""
    first = {f"f{n}": float(20 - n) for n in range(6)}
    second = {**first, "f4": 15.0, "f5": 16.0}
    assert agreement({**first, "f4": 0.0}, [first, second]).five == 5
    assert agreement({**first, "f5": 0.0}, [first, second]).five == 5
    # there is one place for both
    assert agreement({**first, "f3": 0.0}, [first, second]).five == 4


def test_rounds_are_added() -> None:
    """A function that one round had not counts with what the others had."""
    assert added([{"a": 1.0}, {"a": 2.0, "b": 3.0}]) == {"a": 3.0, "b": 3.0}


def test_page_judges_ours_and_names_what_is_missing() -> None:
    """The page marks the plugin against cProfile, tells of other outcomes and of absent ones."""
    machine = {
        "python": "3.12.1", "processor": "Chip", "processors": "2", "system": "Linux",
        "pytest": "9.2.0", "load": "0.4",
    }  # fmt: skip
    suite = "shop==1.0"
    rows = [
        Measured(suite, WITHOUT, tests=7, rounds=3, wall_s=2.0, wall_ratio=1, processor_ratio=1),
        Measured(suite, CPROFILE, rounds=3, wall_ratio=2, processor_ratio=2.1),
        Measured(
            suite, OURS, rounds=3, wall_ratio=1.5, processor_ratio=1.6,
            differing="1 tests, such as test_a", agreement=Agreement(4, 9, 0.98),
            plain_agreement=Agreement(5, 10, 1.0), total_agreement=Agreement(5, 8, 0.97),
            sampled_agreement=Agreement(4, 10, 0.99), told=0.876,
        ),
        Measured(suite, "viztracer", absent="viztracer is not installed"),
    ]  # fmt: skip
    page = render_page([(machine, rows)])
    assert "Measured on Chip (2 processors), Linux; pytest 9.2.0." in page
    assert "The machine's load over the last 15 minutes was 0.4." in page
    assert "| | shop 1.0 |" in page
    assert "| no profiler | 2.00 s, 7 tests |" in page
    assert "| cProfile | 2.00 × (2.10 ×) |" in page
    line = "| --timestamps-instrument | 1.50 × ✓ (1.60 ×)<br>"
    agreed = "4 of 5, 9 of 10, 98%<br>**5 of 5, 10 of 10, 100%**<br>total 5 of 5, 8 of 10, 97%"
    agreed += "<br>*4 of 5, 10 of 10, 99%*<br>told 88%"
    assert f"{line}{agreed} |" in page
    assert "viztracer was not measured on shop==1.0: viztracer is not installed." in page
    differ = "Outcomes of shop==1.0 differ under --timestamps-instrument: 1 tests, such as test_a."
    assert differ in page
    assert "Every test came out the same" not in page


def test_figures_survive_their_file() -> None:
    """What one Python's process writes is what the page's process reads."""
    row = Measured(
        "shop==1.0", OURS, agreement=Agreement(5, 9, 0.98), plain_agreement=Agreement(4, 8, 0.9),
        total_agreement=Agreement(3, 7, 0.8), sampled_agreement=Agreement(2, 6, 0.7), told=0.9,
        hottest=(("a", 1.0),),
    )  # fmt: skip
    again = measured_from_json(json.loads(json.dumps(measured_to_json(row))))
    assert (again.agreement, again.plain_agreement) == (row.agreement, row.plain_agreement)
    assert again.total_agreement == row.total_agreement
    assert (again.sampled_agreement, again.told) == (row.sampled_agreement, 0.9)
    assert [tuple(one) for one in again.hottest] == list(row.hottest)


def test_terminal_shows_all_agreements(capsys: pytest.CaptureFixture[str]) -> None:
    """The one with cProfile as it is run comes first, the others say what they are."""
    row = Measured(
        "shop==1.0", OURS, agreement=Agreement(4, 9, 0.98), plain_agreement=Agreement(5, 10, 1.0),
        total_agreement=Agreement(3, 7, 0.8), sampled_agreement=Agreement(2, 6, 0.7), told=0.9,
    )  # fmt: skip
    print_measured([row], details=False)
    shown = capsys.readouterr().out
    assert "  4 of 5, 9 of 10, 98%  without builtins 5 of 5, 10 of 10, 100%  by total" in shown
    assert "  by total 3 of 5, 7 of 10, 80%" in shown
    assert "  with what was sampled 2 of 5, 6 of 10, 70%" in shown
    assert "  told 90%" in shown


def test_plain_cprofile_leaves_builtins_to_their_callers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It runs a module as a program with its arguments, and knows of no builtin."""
    (tmp_path / "shop_program.py").write_text(
        "import sys\n\ndef work():\n    sorted(sys.argv[1:])\n\nwork()\nsys.exit(3)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr("sys.argv", ["", str(tmp_path / "stats"), "shop_program", "b", "a"])
    with pytest.raises(SystemExit, match="3"):
        plain_cprofile.main()
    stats = pstats.Stats(str(tmp_path / "stats")).stats  # type: ignore[attr-defined]  # as elsewhere
    names = {name for _, _, name in stats}
    assert "work" in names
    assert not any("sorted" in name for name in names)


def test_the_compiled_package_comes_before_the_installed_one() -> None:
    """And before what the suite itself needs, in a copy of the environment."""
    environment = {"PYTHONPATH": "/suite", "HOME": "/home"}
    first, *rest = compiled_first(environment)["PYTHONPATH"].split(os.pathsep)
    assert (Path(first).name, rest) == ("package", ["/suite"])
    assert compiled_first({})["PYTHONPATH"] == first
    assert environment["PYTHONPATH"] == "/suite"


def test_without_a_compiler_the_row_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is absent with the reason, and the plain one is measured."""
    monkeypatch.setattr(profilers, "why_not_compiled", lambda: "there is no C compiler (cc)")
    told = {one.name: missing(one) for one in PROFILERS}
    assert (told[OURS], told[COMPILED]) == ("", "there is no C compiler (cc)")
