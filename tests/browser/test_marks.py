"""Times that are no plain ones in the HTML report, in a real browser."""

from dataclasses import replace
from typing import Any

import pytest

from pytest_timestamps.analysis.certainty import find_callers, share_text, time_texts
from pytest_timestamps.report.html.page import render_html
from pytest_timestamps.report.model import SessionReport
from tests.browser.conftest import Open, wait_until
from tests.browser.test_page import rows_of, show_all
from tests.report.test_left_out import report as left_out_report
from tests.samples import case, path, report, thinned_report

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


def every_kind() -> SessionReport:
    """All that the calls of a function and of what it calls may be: timed, estimated, counted."""
    kinds = [(10, 0, 0), (10, 9, 0), (10, 10, 0), (10, 0, 4), (10, 0, 10), (10, 3, 4)]
    rows = []
    for one, (calls, estimated, untimed) in enumerate(kinds):
        for two, (inner, guessed, counted) in enumerate(kinds):
            outer = path(
                f"shop.f{one}{two}", calls=calls, estimated=estimated, untimed=untimed,
                total_ns=90 if untimed < calls else 0, self_ns=60 if untimed < calls else 0,
            )  # fmt: skip
            rows += [
                outer,
                path(
                    f"bank.g{one}{two}", parent=len(rows), calls=inner, estimated=guessed,
                    untimed=counted, total_ns=30 if counted < inner else 0, detached=two == 1,
                ),
            ]  # fmt: skip
    return report([case("t", *rows, modules=("shop", "bank"))])


def titles(driver: Any, selector: str) -> list[list[str]]:
    script = (
        "return [...document.querySelectorAll(arguments[0])].map((row) =>"
        " [...row.cells].map((cell) => cell.title))"
    )
    found: list[list[str]] = driver.execute_script(script, selector)
    return found


def test_every_time_is_marked_as_on_the_terminal(open_page: Open) -> None:
    """Self, share, total, average, shortest and longest of every kind of function."""
    made = every_kind()
    driver = open_page(render_html(made))
    show_all(driver, "hotspots")
    callers = find_callers(made.functions, made.call_tree)
    expected = {}
    for timing in made.functions:
        texts = time_texts(timing, callers)
        share = share_text(timing.self_ns, texts.self, made.session.work_ns)
        expected[timing.name] = [
            texts.self, share, texts.total, texts.average, texts.min, texts.max,
        ]  # fmt: skip
    shown = {
        row[0]["name"]: [row[at]["text"] for at in (2, 3, 4, 5, 7, 8)]
        for row in rows_of(driver, "hotspots")
    }
    assert shown == expected


def test_a_tests_own_table_is_marked_too(open_page: Open) -> None:
    """Its figures are added up in the browser, from the rows of its tree."""
    made = every_kind()
    driver = open_page(render_html(made))
    driver.execute_script("document.querySelector('#tests .pick').click()")
    rows = "#flame-functions tbody tr"
    count = "return document.querySelectorAll(arguments[0]).length"
    wait_until(lambda: driver.execute_script(count, rows))
    script = (
        "return [...document.querySelectorAll(arguments[0])].map((row) =>"
        " [...row.cells].map((cell) => cell.textContent))"
    )
    shown = {row[0]: [row[2], row[4], row[5]] for row in driver.execute_script(script, rows)}
    (test,) = made.tests
    callers = find_callers(test.functions, test.call_tree)
    expected = {timing.name: time_texts(timing, callers) for timing in test.functions}
    assert shown == {name: [one.self, one.total, one.average] for name, one in expected.items()}


def test_marks_say_what_they_mean(open_page: Open) -> None:
    """To who points at them, and above the table; unknown times come last in any order."""
    driver = open_page(render_html(thinned_report()))
    by_name = {
        row[0]["name"]: said
        for row, said in zip(
            rows_of(driver, "hotspots"), titles(driver, "#hotspots tbody tr"), strict=True
        )
    }
    estimated = "estimated from the calls that were timed"
    assert by_name["shop.cart.item"][2] == estimated
    assert by_name["shop.cart.total"][2:5:2] == [
        f"at most: it holds the time of calls that were only counted, or left out; {estimated}", "",
    ]  # fmt: skip
    assert by_name["shop.price"][2].startswith("unknown: calls were only counted")
    hints = "return [...document.querySelectorAll('#hotspots .marks')].map((p) => p.textContent)"
    said = driver.execute_script(hints)
    assert [text.partition(":")[0] for text in said] == ["~ estimated", "≥ counted only"]
    for _ in range(2):
        driver.execute_script("document.querySelectorAll('#hotspots th button')[4].click()")
        assert rows_of(driver, "hotspots")[-1][0]["name"] == "shop.price"


def test_modules_are_marked(open_page: Open) -> None:
    """With the marks that the terminal has, and their functions below them with theirs."""
    driver = open_page(render_html(thinned_report()))
    fold = "[...document.querySelectorAll('#modules .fold')].at(-1).click()"
    driver.execute_script(fold)
    shown = [[cell["text"] for cell in row] for row in rows_of(driver, "modules")]
    assert [[row[0], *row[3:6]] for row in shown] == [
        ["shop", "900 µs", "89.6%", "900 µs"],
        [".cart", "≤~840 µs", "83.7%", "900 µs"],
        [".__init__", "≥~60.0 µs", "6.0%", "≥~60.0 µs"],
        ["tax", "≥~60.0 µs", "6.0%", "≥~60.0 µs"],
        ["price", "-", "-", "-"],
    ]


def test_what_was_left_out_is_told_as_the_least_there_was(open_page: Open) -> None:
    """Its calls and times in every table, and in the flame graph; who may hold its time, too."""
    driver = open_page(render_html(left_out_report()))
    shown = {
        row[0]["name"]: [cell["text"] for cell in row[1:]] for row in rows_of(driver, "hotspots")
    }
    assert [shown["shop.item"][at] for at in (0, 1, 3, 5)] == ["≥30", "≥6.00 µs", "≥6.00 µs", "≥2"]
    assert shown["shop.all"][1] == "≤12.0 µs"
    assert shown["bank.pay"][:2] == ["1", "500 ns"]
    hints = "return [...document.querySelectorAll('#hotspots .marks')].map((p) => p.textContent)"
    (said,) = driver.execute_script(hints)
    assert said.startswith("≥ left out: 1 function in 1 of 2 tests")
    rows = (
        "return [...document.querySelectorAll('#modules tbody tr')]"
        ".map((row) => row.cells[2].textContent)"
    )
    assert "≥32" in driver.execute_script(rows)


def test_the_flame_graph_says_what_was_not_timed(open_page: Open) -> None:
    """A frame has its mark before its name; what is said of it has both times' marks and why."""
    driver = open_page(render_html(thinned_report()))
    frames = (
        "return Object.fromEntries([...document.querySelectorAll('#flame-chart g')].map((one) =>"
        " [one.__data__.data.name, [one.querySelector('.d3-flame-graph-label').textContent,"
        " one.querySelector('title').textContent]]))"
    )
    wait_until(lambda: driver.execute_script(frames)["shop.cart.item"][0])
    found = driver.execute_script(frames)
    assert found["shop.cart.item"][0] == "~cart.item"
    assert found["shop.cart.item"][1].endswith(
        "self ~300 µs, total ~300 µs, 6,100 calls, 6,000 of them estimated"
    )
    assert found["shop.cart.total"][1].endswith(
        "self ≤~540 µs, total 900 µs, 1 call, "
        "self holds the time of calls that were only counted or left out"
    )
    assert found["shop.tax"][1].endswith(
        "1,000 calls, 590 of them estimated, 400 of them only counted"
    )
    assert "shop.price" not in found


def test_the_overhead_is_told_with_its_budget(open_page: Open) -> None:
    """On the card of the overhead."""
    made = thinned_report()
    made = replace(made, session=replace(made.session, budget=0.1))
    driver = open_page(render_html(made))
    cards = "return [...document.querySelectorAll('.card')].map((one) => one.textContent)"
    (card,) = [text for text in driver.execute_script(cards) if "Overhead" in text]
    assert "<0.1% of the session's wall time" in card
    assert card.endswith("budget 10% of the session's wall time: kept")
