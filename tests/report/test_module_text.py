"""Modules on the terminal."""

import json
from dataclasses import replace

import pytest

from pytest_timestamps.analysis.text import format_ns
from pytest_timestamps.report.json_writer import render_json
from pytest_timestamps.report.model import SessionReport
from pytest_timestamps.report.terminal import TerminalStyle, render_sections
from tests.hostile import HOSTILE
from tests.samples import case, package_report, path, report


def section(made: SessionReport, title: str, **style: object) -> list[str]:
    """The lines of that section, the closing ones left out; none where there is no such section."""
    sections = render_sections(made, TerminalStyle(width=79, **style))  # type: ignore[arg-type]
    found = [one.lines for one in sections if one.title == title]
    return found[0][: found[0].index("")] if found and "" in found[0] else (found or [[]])[0]


def test_hotspots_stand_below_their_modules() -> None:
    """In the modules' order of their hottest function, with the figures of the whole module."""
    assert section(package_report(), "hotspots") == [
        "function      calls    total     self  share  errors",
        "------------  -----  -------  -------  -----  ------",
        "shop.prices       6  18.0 µs  16.0 µs  33.3%       2",
        "  price           6  18.0 µs  16.0 µs  33.3%       2",
        "shop.cart         8  30.0 µs  10.0 µs  20.8%       0",
        "  Cart.total      2  30.0 µs  8.00 µs  16.7%       0",
        "  round_up        6  2.00 µs  2.00 µs   4.2%       0",
        "bank              2  4.00 µs  4.00 µs   8.3%       0",
        "  pay             2  4.00 µs  4.00 µs   8.3%       0",
        "(no module)",
        "  by hand         2  1.40 µs  1.40 µs   2.9%       0",
        "shop              2  1.00 µs  1.00 µs   2.1%       0",
        "  start           2  1.00 µs  1.00 µs   2.1%       0",
    ]


def test_modules_stand_below_their_packages() -> None:
    """A package's row counts all in it, its total from its outermost function on."""
    assert section(package_report(), "modules") == [
        "module       functions  calls    total     self  share  errors",
        "-----------  ---------  -----  -------  -------  -----  ------",
        "shop                 4     16  31.0 µs  27.0 µs  56.2%       2",
        "  .prices            1      6  18.0 µs  16.0 µs  33.3%       2",
        "  .cart              2      8  30.0 µs  10.0 µs  20.8%       0",
        "  .__init__          1      2  1.00 µs  1.00 µs   2.1%       0",
        "bank                 1      2  4.00 µs  4.00 µs   8.3%       0",
    ]


def test_figures_are_the_json_reports() -> None:
    """Every module's and package's, whatever the order."""
    made = package_report()
    lines = section(made, "modules (by calls)", sort="calls")[2:]
    shown = sorted(line.split()[1:7] for line in lines)
    assert shown == sorted(
        f"{row['functions']} {row['calls']} {format_ns(row['cumulative_ns'])} "
        f"{format_ns(row['self_ns'])}".split()
        for row in json.loads(render_json(made))["modules"]
    )


def test_they_are_shown_for_whole_packages_or_when_asked_for() -> None:
    """Otherwise a suite of a few decorated functions is shown as it always was."""
    whole = package_report()
    plain = replace(whole, session=replace(whole.session, instrumented=()))
    assert section(plain, "modules") == []
    assert "shop.cart.Cart.total" in "".join(section(plain, "hotspots"))
    assert section(plain, "modules", modules=9) == section(whole, "modules")
    assert section(plain, "hotspots", modules=9) == section(whole, "hotspots")
    assert section(whole, "modules", modules=0) == []
    assert section(whole, "hotspots", modules=0) == section(plain, "hotspots")
    assert section(whole, "modules", verbosity=-1) == []


def test_a_report_that_knows_no_module_has_none() -> None:
    """As those that were written by an earlier version."""
    made = replace(package_report(), modules=())
    assert section(made, "modules") == []
    assert "(no module)" not in "".join(section(made, "hotspots"))


def test_a_limit_says_what_it_left_out() -> None:
    """Modules are counted, packages are not; -vv shows all."""
    lines = section(package_report(), "modules", modules=1)
    assert [line.split()[0] for line in lines[2:4]] == ["shop", ".prices"]
    assert lines[4:] == ["... and 3 more modules (--timestamps-modules=N shows N, -vv all)"]
    assert section(package_report(), "modules", modules=1, verbosity=2) == section(
        package_report(), "modules"
    )


def test_more_columns_are_shown_when_asked_for() -> None:
    """With -v, as without modules; a column of what never happened is left out."""
    header, _, module, function, *_ = section(package_report(), "hotspots", verbosity=1)
    assert header.split() == [
        "function", "calls", "total", "self", "share", "errors", "average", "min", "max",
    ]  # fmt: skip
    assert function.split()[-6:] == ["3.00", "µs", "3.00", "µs", "3.00", "µs"]
    assert module.endswith("2")
    opened = report([case("t", path("m.f", section="call", open=1), modules=("m",))])
    header, *rest = section(opened, "hotspots", modules=1)
    assert header.split() == ["function", "calls", "total", "self", "share", "open"]
    assert rest[-1].endswith("1")


def test_eighty_columns_are_enough() -> None:
    """Long names are shortened behind their indentation, and figures stay aligned."""
    module = "company_platform.accounting.integrations.reconciliation"
    function = f"{module}.StatementReconciler.match_open_positions"
    rows = path(function, section="call", calls=1_234_567, total_ns=59_000_000, errors=9_999)
    made = report([case("t", rows, modules=(module,), call_ns=100_000_000)])
    for title in ("hotspots", "modules"):
        lines = section(made, title, modules=5)
        assert max(map(len, lines)) <= 79
        assert len({len(line) for line in lines}) == 1
        assert "…" in lines[-1]
    assert section(made, "hotspots", modules=5)[-1].startswith("  Statement")


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_on_their_line(name: str) -> None:
    """Whatever a module is called, each row is one line of printable text."""
    module = f"{name}.sub"
    made = report([case("t", path(f"{module}.f", section="call"), modules=(module,))])
    for title in ("hotspots", "modules"):
        assert all(line.isprintable() for line in section(made, title, modules=5))
