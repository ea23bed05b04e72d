"""The HTML report in a real browser: what it shows, fetches, and does from the keyboard."""

import json
from dataclasses import replace
from typing import Any

import pytest

from pytest_timestamps.analysis.text import format_ns
from pytest_timestamps.report.html.page import render_html
from pytest_timestamps.report.json_writer import render_json
from pytest_timestamps.report.model import SessionReport
from tests.big import big_report
from tests.browser.conftest import Open, wait_until
from tests.hostile import HOSTILE, hostile_report
from tests.runs import OBSERVED, PENDING, VERIFIED
from tests.samples import package_report, report, thinned_report

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

ROWS = """
return [...document.querySelectorAll(arguments[0] + " tbody tr")].map((row) =>
  [...row.cells].map((cell) => ({
    text: cell.textContent.toWellFormed(),
    value: cell.dataset.value === undefined ? null : Number(cell.dataset.value),
    name: cell.querySelector(".name")?.textContent.toWellFormed() ?? null,
  })));
"""


def rows_of(driver: Any, section: str) -> list[list[dict[str, Any]]]:
    found: list[list[dict[str, Any]]] = driver.execute_script(ROWS, f"#{section} > .table")
    return found


def show_all(driver: Any, section: str) -> None:
    more = f"document.querySelector('#{section} > .table .more')"
    while not driver.execute_script(f"return {more}.hidden"):
        driver.execute_script(f"{more}.click()")


def requests_of(driver: Any) -> list[str]:
    """What the browser asked for, but for the page itself and what is written in it."""
    messages = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    urls = [
        message["params"]["request"]["url"]
        for message in messages
        if message["method"] == "Network.requestWillBeSent"
        # the browser's own first page may still be loading
        and not message["params"]["documentURL"].startswith("chrome:")
    ]
    return [url for url in urls if not url.startswith(("file:", "data:", "blob:"))]


def with_runs() -> SessionReport:
    return replace(report(), runs=(VERIFIED, OBSERVED, PENDING))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("phone", [False, True], ids=["wide", "phone"])
@pytest.mark.parametrize(
    "made",
    [report(), report([]), with_runs(), hostile_report(), package_report(), thinned_report()],
    ids=["plain", "empty", "runs", "hostile", "packages", "thinned"],
)
def test_page_opens_without_a_complaint(
    open_page: Open, made: SessionReport, scheme: str, phone: bool
) -> None:
    """No message on the console, nothing fetched, and no scrolling sideways."""
    driver = open_page(render_html(made), dark=scheme == "dark", phone=phone)
    assert driver.get_log("browser") == []
    assert requests_of(driver) == []
    assert driver.execute_script("return document.getElementById('status').hidden")
    assert driver.execute_script(
        "return document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    )


def test_figures_equal_the_json_report(open_page: Open) -> None:
    """Each function's and each test's figures, to the nanosecond, and as the terminal has them."""
    made = big_report(tests=300, paths=8)
    document = json.loads(render_json(made))
    driver = open_page(render_html(made))
    for section in ("hotspots", "tests"):
        show_all(driver, section)
    shown = {
        row[0]["name"]: [row[1]["value"], row[2]["value"], row[4]["value"], row[6]["value"]]
        for row in rows_of(driver, "hotspots")
    }
    assert shown == {
        row["name"]: [row["calls"], row["self_ns"], row["total_ns"], row["errors"]]
        for row in document["functions"]
    }
    tests = {row[0]["name"]: row[1:] for row in rows_of(driver, "tests")}
    assert len(tests) == 300
    for test in document["tests"]:
        times = [test["phases"][f"{phase}_ns"] for phase in ("setup", "call", "teardown")]
        cells = tests[test["nodeid"]]
        assert [cell["value"] for cell in cells] == [sum(times), *times]
        assert [cell["text"] for cell in cells] == [
            format_ns(time) for time in (sum(times), *times)
        ]


def test_figures_are_written_as_python_writes_them(open_page: Open) -> None:
    """Ties, limits of units and long times come out as the terminal's report has them."""
    times = [0, 1, 999, 1_125, 1_135, 9_995, 99_950, 999_499, 999_500, 12_500, 100_500, 101_500]
    times += [2_675_000, 59_949_999_999, 59_950_000_000, 3_599_500_000_000, 7_265_000_000_000]
    driver = open_page(render_html(report([])))
    shown = driver.execute_script("return arguments[0].map(formatNs)", times)
    assert shown == [format_ns(time) for time in times]


def test_hostile_names_stay_text(open_page: Open) -> None:
    """Names of functions and tests are shown as they are, and none of them runs."""
    driver = open_page(render_html(hostile_report()))
    show_all(driver, "tests")
    assert driver.title.startswith("Timestamps of ")
    names = {row[0]["name"] for row in rows_of(driver, "hotspots")}
    for name in HOSTILE:
        if "\ud83d" not in name:
            assert name in names
    tests = {row[0]["name"] for row in rows_of(driver, "tests")}
    assert f"tests/{HOSTILE[0]}.py::{HOSTILE[0]}" in tests
    assert (
        driver.execute_script("return document.querySelectorAll('main img, main script').length")
        == 0
    )


def test_tables_sort_and_search(open_page: Open) -> None:
    """A click on a heading sorts by it, a second one turns it round; a search leaves what fits."""
    driver = open_page(render_html(big_report(tests=150, paths=6)))

    def click(at: int) -> list[int]:
        driver.execute_script(f"document.querySelectorAll('#hotspots th button')[{at}].click()")
        return [row[at]["value"] for row in rows_of(driver, "hotspots")]

    calls = click(1)
    assert calls == sorted(calls, reverse=True)
    calls = click(1)
    assert calls == sorted(calls)
    driver.execute_script(
        "const field = document.querySelector('#tests input'); field.value = 'BEHAVIOUR_14';"
        "field.dispatchEvent(new Event('input'))"
    )
    names = [row[0]["name"] for row in rows_of(driver, "tests")]
    assert len(names) == 11
    assert all("behaviour_14" in name for name in names)


def press(driver: Any, *keys: str) -> None:
    from selenium.webdriver.common.action_chains import ActionChains

    ActionChains(driver).send_keys(*keys).perform()


def detail(driver: Any) -> str:
    text: str = driver.execute_script("return document.getElementById('flame-detail').textContent")
    return text


def test_keyboard_is_enough(open_page: Open) -> None:
    """Tab reaches the graph and all controls; arrows, Enter and Escape move and zoom in it."""
    from selenium.webdriver.common.keys import Keys

    driver = open_page(render_html(report()))
    seen = set()
    for _ in range(60):
        press(driver, Keys.TAB)
        seen.add(driver.execute_script("return document.activeElement.id"))
    assert {"flame-of", "flame-test", "flame-search", "flame-reset", "flame-chart"} <= seen
    assert "timeline-canvas" in seen
    driver.execute_script("document.getElementById('flame-chart').focus()")
    press(driver, Keys.ARROW_DOWN, Keys.ARROW_RIGHT, Keys.ARROW_DOWN)
    assert detail(driver).startswith("shop.total: 15.0 µs")
    assert "1 call" in detail(driver)
    press(driver, Keys.ENTER)
    width = "return document.querySelectorAll('#flame-chart g.current rect')[0].width.baseVal.value"
    wait_until(lambda: driver.execute_script(width) > 1000)
    press(driver, Keys.ESCAPE, Keys.ESCAPE)
    assert detail(driver).startswith("all tests and fixtures") or "call" in detail(driver)


def test_a_test_has_its_own_flame_graph(open_page: Open) -> None:
    """A test's name switches the graph to it, and lists its functions below."""
    driver = open_page(render_html(report()))
    driver.execute_script(
        "[...document.querySelectorAll('#tests .pick')]"
        ".find((one) => one.textContent.includes('test_total')).click()"
    )
    rows = driver.execute_script(ROWS, "#flame-functions .table")
    assert [(row[0]["name"], row[2]["value"]) for row in rows] == [
        ("shop.query", 9_000),
        ("shop.total", 6_000),
    ]
    assert driver.execute_script("return document.getElementById('flame-of').value") != "-1"


def test_runs_show_dashes_for_what_nobody_knows(open_page: Open) -> None:
    """A verified run has its figures, a pending one dashes, and each says which it is."""
    driver = open_page(render_html(with_runs()))
    runs = {row[0]["text"].partition("run ")[2][:5]: row for row in rows_of(driver, "runs")}
    assert [cell["text"] for cell in runs["run-a"][1:]] == [
        "45,014", "25,202", "1,280", "19,812", "15", "0.4200",
    ]  # fmt: skip
    assert {cell["text"] for cell in runs["run-c"][1:]} == {"-"}
    assert runs["run-a"][0]["name"] == "tests/test_a.py::test_a"
    assert runs["run-a"][0]["text"].startswith("verified")
    assert runs["run-b"][0]["text"].startswith("observed")
    assert "counted by this process" in runs["run-b"][0]["text"]


def test_a_runs_test_is_readable_on_a_phone(open_page: Open) -> None:
    """Its whole name is shown, whatever else is told of the run."""
    driver = open_page(render_html(with_runs()), phone=True)
    cut = "const name = document.querySelector('#runs .name');"
    cut += "return name.scrollHeight - name.clientHeight"
    assert driver.execute_script(cut) <= 1


def test_names_have_room_where_columns_have_not(open_page: Open) -> None:
    """In a narrow window the table scrolls: a name that can't be read tells nothing."""
    driver = open_page(render_html(hostile_report()))
    size = {"width": 750, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    cell = driver.find_element("css selector", "#hotspots tbody td.text")
    assert cell.size["width"] >= 200


def test_small_costs_are_not_nothing(open_page: Open) -> None:
    """A cost is shown with the digits that tell it from 0, and a bound as one."""
    seen = {**OBSERVED["observed"], "cost_usd": 1.35e-5, "cost": {"is_upper_bound": True}}
    driver = open_page(render_html(replace(report(), runs=({**OBSERVED, "observed": seen},))))
    (row,) = rows_of(driver, "runs")
    assert row[6]["text"] == "≤ 0.000014"


def test_the_name_of_a_file_is_its_own(open_page: Open) -> None:
    """What leads to a name is neither a file's ending nor a part of a test's parameters."""
    driver = open_page(render_html(report([])))
    for name, path in (
        ("tests/test_a.py", "tests/"),
        ("test_a.py", ""),
        ("shop.query", "shop."),
        ("test_a.py::TestA::test_b[a::b.c]", "test_a.py::TestA::"),
        ("[x]/test_a.py::test_b", "[x]/test_a.py::"),
    ):
        script = "return nameElement(arguments[0]).querySelector('.path')?.textContent ?? ''"
        assert driver.execute_script(script, name) == path


def test_five_thousand_tests_are_ready_in_two_seconds(open_page: Open) -> None:
    """Of the processor's time: what else this machine does meanwhile is not the page's."""
    driver = open_page(render_html(report([])))
    driver.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})
    driver = open_page(render_html(big_report()))
    found = driver.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
    driver.execute_cdp_cmd("Performance.disable", {})
    assert {metric["name"]: metric["value"] for metric in found}["TaskDuration"] < 2
    assert len(rows_of(driver, "tests")) == 100
