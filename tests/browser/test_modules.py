"""Modules in the HTML report, in a real browser: their table, their colours, the tests' trees."""

import json
from dataclasses import replace
from typing import Any

import pytest

from pytest_timestamps.analysis.text import format_ns
from pytest_timestamps.report.html import page_data
from pytest_timestamps.report.html.page import render_html
from pytest_timestamps.report.json_writer import render_json
from tests.big import big_report
from tests.browser.conftest import Open, wait_until
from tests.hostile import HOSTILE
from tests.samples import case, package_report, path, report

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

ROWS = """
return [...document.querySelectorAll("#modules tbody tr")].map((row) =>
  [...row.cells].map((cell, at) => at === 0 ? cell.textContent.toWellFormed()
    : cell.dataset.value === undefined ? null : Number(cell.dataset.value)));
"""
FRAMES = """
return [...document.querySelectorAll("#flame-chart g")].map((frame) => [
  frame.__data__.data.name, frame.__data__.depth, frame.querySelector("rect").getAttribute("fill"),
  frame.querySelector(".d3-flame-graph-label").textContent]);
"""


def rows_of(driver: Any) -> list[list[Any]]:
    found: list[list[Any]] = driver.execute_script(ROWS)
    return found


def fold(driver: Any, text: str) -> None:
    """Click on the row of that package or module."""
    script = "[...document.querySelectorAll('#modules .fold')]"
    driver.execute_script(f"{script}.find((one) => one.textContent === arguments[0]).click()", text)


def names(driver: Any) -> list[str]:
    return [row[0] for row in rows_of(driver)]


def test_figures_equal_the_json_report(open_page: Open) -> None:
    """Each module's and package's figures, to the nanosecond, and those of what is in no module."""
    made = package_report()
    driver = open_page(render_html(made))
    rows = {row[0]: row[1:] for row in rows_of(driver)}
    labels = {
        "shop": ("shop", "package"),
        ".prices": ("shop.prices", "module"),
        ".cart": ("shop.cart", "module"),
        ".__init__": ("shop", "module"),
        "bank": ("bank", "module"),
    }
    assert rows.keys() == {*labels, "(no module)"}
    document = {(row["name"], row["kind"]): row for row in json.loads(render_json(made))["modules"]}
    for label, key in labels.items():
        row = document[key]
        assert [rows[label][at] for at in (0, 1, 2, 4, 5)] == [
            row["functions"], row["calls"], row["self_ns"], row["cumulative_ns"], row["errors"],
        ]  # fmt: skip
    assert rows["(no module)"][:3] == [1, 2, 1_400]
    cell = "return document.querySelectorAll('#modules tbody tr')[0].cells[5].textContent"
    assert driver.execute_script(cell) == format_ns(document["shop", "package"]["cumulative_ns"])


def test_packages_and_modules_open_and_close(open_page: Open) -> None:
    """A module opens to its functions, a package closes over all in it."""
    driver = open_page(render_html(package_report()))
    assert names(driver) == ["shop", ".prices", ".cart", ".__init__", "bank", "(no module)"]
    fold(driver, ".cart")
    assert names(driver)[2:5] == [".cart", "Cart.total", "round_up"]
    focused = "return [document.activeElement.textContent, document.activeElement.ariaExpanded]"
    assert driver.execute_script(focused) == [".cart", "true"]
    fold(driver, "shop")
    assert names(driver) == ["shop", "bank", "(no module)"]


def test_each_level_is_sorted_within_itself(open_page: Open) -> None:
    """By any column, both ways; rows stay below what they belong to."""
    driver = open_page(render_html(package_report()))
    heading = "document.querySelectorAll('#modules th button')[{}].click()"
    driver.execute_script(heading.format(5))
    assert names(driver) == ["shop", ".cart", ".prices", ".__init__", "bank", "(no module)"]
    driver.execute_script(heading.format(5))
    assert names(driver) == ["bank", "shop", ".__init__", ".prices", ".cart", "(no module)"]
    driver.execute_script(heading.format(0))
    assert names(driver) == ["(no module)", "bank", "shop", ".__init__", ".cart", ".prices"]


def test_a_search_shows_what_it_found_in_its_place(open_page: Open) -> None:
    """A function is found in a module that is closed, below its package."""
    driver = open_page(render_html(package_report()))
    driver.execute_script(
        "const field = document.querySelector('#modules input'); field.value = 'ROUND';"
        "field.dispatchEvent(new Event('input'))"
    )
    assert names(driver) == ["shop", ".cart", "round_up"]
    said = "return document.querySelector('#modules .controls .hint').textContent"
    assert driver.execute_script(said) == "1 row found"


def test_one_module_has_no_table(open_page: Open) -> None:
    """It would say what the hotspots say."""
    made = report([case("t", path("shop.total", section="call"), modules=("shop",))])
    driver = open_page(render_html(made))
    assert driver.execute_script("return document.getElementById('modules').hidden")
    assert driver.execute_script("return document.getElementById('flame-modules').hidden")


def frames_of(driver: Any) -> list[tuple[str, int, str, str]]:
    """Each frame's name, depth, colour and label, once the labels are there."""
    wait_until(lambda: driver.execute_script(FRAMES)[0][3])
    return [tuple(frame) for frame in driver.execute_script(FRAMES)]


def hue(colour: str) -> str:
    return colour.removeprefix("hsl(").partition(" ")[0]


def test_frames_have_their_modules_colour(open_page: Open) -> None:
    """One hue a module and no two alike, which the key above the graph names."""
    driver = open_page(render_html(package_report()))
    hues: dict[str, set[str]] = {}
    for name, _, colour, _ in frames_of(driver):
        if "." in name:
            hues.setdefault(name.rsplit(".", 2 if "Cart" in name else 1)[0], set()).add(hue(colour))
    assert set(map(len, hues.values())) == {1}
    assert len({one for found in hues.values() for one in found}) == len(hues) == 4
    keys = driver.execute_script(
        "return [...document.querySelectorAll('#flame-modules button')].map((one) =>"
        " [one.textContent, one.querySelector('.swatch').style.getPropertyValue('--hue')])"
    )
    assert {name: {number} for name, number in keys} == hues
    driver.execute_script("document.querySelector('#flame-modules button').click()")
    detail = driver.execute_script("return document.getElementById('flame-detail').textContent")
    assert detail.startswith("1 frame found: 18.0 µs")


def test_a_single_modules_frames_are_told_apart_by_class(open_page: Open) -> None:
    """One colour for all of them would say nothing."""
    rows = (path("shop.Cart.add", total_ns=50), path("shop.Till.pay", total_ns=50))
    driver = open_page(render_html(report([case("t", *rows, modules=("shop",))])))
    hues = {name: hue(colour) for name, _, colour, _ in frames_of(driver)}
    assert hues["shop.Cart.add"] != hues["shop.Till.pay"]


def show(driver: Any, choice: str) -> None:
    driver.execute_script(
        "const choice = document.getElementById('flame-of'); choice.value = arguments[0];"
        "choice.dispatchEvent(new Event('change'))",
        choice,
    )


def test_a_tests_tree_goes_from_the_test_to_the_leaf(open_page: Open) -> None:
    """The test is the root frame, with its own time, then the phase, then what it called."""
    driver = open_page(render_html(package_report()))
    show(driver, "0")
    frames = {(name, depth): label for name, depth, _, label in frames_of(driver)}
    assert frames == {
        ("tests/test_cart.py::test_total", 0): "tests/test_cart.py::test_total",
        ("call", 1): "call",
        ("setup", 1): "setup",
        ("shop.cart.Cart.total", 2): "Cart.total",
        ("shop.prices.price", 3): "prices.price",
        ("shop.cart.round_up", 4): "cart.round_up",
        ("bank.pay", 3): "bank.pay",
        ("by hand", 2): "by hand",
        ("shop.start", 2): "shop.start",
    }
    detail = driver.execute_script("return document.getElementById('flame-detail').textContent")
    assert detail == (
        "tests/test_cart.py::test_total: 16.2 µs in recorded functions (100.0%), "
        "of a test of 24.0 µs"
    )


def test_all_tests_stand_side_by_side(open_page: Open) -> None:
    """Each below its file, and one that is chosen is shown alone."""
    driver = open_page(render_html(package_report()))
    show(driver, "-2")
    frames = frames_of(driver)
    assert [(name, label) for name, depth, _, label in frames if depth == 1] == [
        ("tests/test_cart.py", "tests/test_cart.py")
    ]
    assert sorted(label for _, depth, _, label in frames if depth == 2) == [
        "test_total",
        "test_twice",
    ]
    assert max(depth for _, depth, _, _ in frames) == 6
    driver.execute_script(
        "[...document.querySelectorAll('#flame-chart g')]"
        ".find((one) => one.textContent.includes('test_twice'))"
        ".dispatchEvent(new MouseEvent('click', {bubbles: true}))"
    )
    wait_until(lambda: frames_of(driver)[0][0] == "tests/test_cart.py::test_twice")
    assert driver.execute_script("return document.getElementById('flame-of').value") == "1"


def test_what_had_no_room_is_said(open_page: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """The graph is as wide as ever, and tells what it lacks."""
    monkeypatch.setattr(page_data, "MAX_TREE_ROWS", 6)
    monkeypatch.setattr(page_data, "MAX_MERGED_ROWS", 4)
    driver = open_page(render_html(package_report()))
    detail = "return document.getElementById('flame-detail').textContent"
    assert driver.execute_script(detail) == (
        "all tests and fixtures: 32.4 µs; 2 narrow paths are counted in their callers"
    )
    show(driver, "-2")
    assert driver.execute_script(detail) == (
        "all tests, one beside the other: 16.2 µs; this page had no room for 1 more"
    )


def test_hostile_modules_stay_text(open_page: Open) -> None:
    """Whatever a module is called, it is shown as it is, and nothing of it runs."""
    told = [name for name in HOSTILE if "." not in name and "\ud83d" not in name and name.strip()]
    records = [case(f"t{at}", path(f"{one}.f"), modules=(one,)) for at, one in enumerate(told)]
    driver = open_page(render_html(report(records)))
    assert set(names(driver)) == set(told)
    assert driver.title.startswith("Timestamps of ")
    count = "return document.querySelectorAll('main img, main script').length"
    assert driver.execute_script(count) == 0
    assert driver.get_log("browser") == []


def test_five_thousand_tests_side_by_side_take_a_second_or_two(open_page: Open) -> None:
    """Of the processor's time; the tests' own functions are drawn when one is chosen."""
    driver = open_page(render_html(big_report()))
    driver.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})

    def busy_s() -> float:
        found = driver.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
        return float({metric["name"]: metric["value"] for metric in found}["TaskDuration"])

    before_s = busy_s()
    show(driver, "-2")
    assert busy_s() - before_s < 2
    driver.execute_cdp_cmd("Performance.disable", {})


def test_what_was_recorded_undecorated_is_said(open_page: Open) -> None:
    """Among what there is to know of the session."""
    about = "return document.getElementById('about').textContent"
    text = "Recorded without decorators: !shop.slow, bank, shop"
    assert text in open_page(render_html(package_report())).execute_script(about)
    plain = replace(package_report(), session=replace(package_report().session, instrumented=()))
    assert "without decorators" not in open_page(render_html(plain)).execute_script(about)
