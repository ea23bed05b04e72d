"""``make screenshot``: HTML reports of jinja2's own tests, in a real Chromium.

docs/report.png is of a handful of decorated functions, docs/modules.png of the whole package.
The suite is downloaded once; scratch/ keeps it, and the page.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.wait import WebDriverWait

from tools.browser import find_browser
from tools.real_suites.runs import recorded
from tools.real_suites.sources import SCRATCH, download
from tools.real_suites.suites import Suite

# Functions that call each other, for a flame graph with something to see.
SUITE = Suite(
    "jinja2",
    "3.1.6",
    (
        "jinja2.environment:Environment.compile",
        "jinja2.environment:Environment.from_string",
        "jinja2.environment:Environment.get_template",
        "jinja2.environment:Environment._parse",
        "jinja2.environment:Environment._compile",
        "jinja2.environment:Template.from_code",
        "jinja2.compiler:generate",
        "jinja2.compiler:CodeGenerator.visit_Template",
        "jinja2.idtracking:find_symbols",
        "jinja2.lexer:Lexer.tokenize",
        "jinja2.lexer:Lexer.tokeniter",
        "jinja2.optimizer:optimize",
        "jinja2.parser:Parser.parse",
        "jinja2.parser:Parser.parse_expression",
        "jinja2.parser:Parser.parse_statement",
        "jinja2.parser:Parser.subparse",
        "jinja2.loaders:BaseLoader.load",
        "jinja2.runtime:LoopContext.__init__",
    ),
)
WHOLE = replace(SUITE, functions=())
DOCS = Path(__file__).parents[1] / "docs"
SWITCHES = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--hide-scrollbars", "--force-prefers-reduced-motion",
)  # fmt: skip
WIDTH = 1280
# The frames grow to their places; the lowest one is as wide as the graph.
DRAWN = """
const graph = document.getElementById("flame-chart");
const lowest = graph.querySelector("rect");
return lowest && lowest.width.baseVal.value > graph.clientWidth - 3;
"""


def main() -> int:
    """Run the suite in both ways, open the reports, and keep what is seen."""
    found = find_browser()
    if found is None:
        print("Chromium or its driver is not installed: make browser")
        return 1
    _take(found, SUITE, "report", [], "", 1850)
    _take(found, WHOLE, "modules", ["--timestamps-instrument=jinja2"], "#modules", 1600)
    return 0


def _take(
    found: tuple[str, str],
    suite: Suite,
    name: str,
    options: Sequence[str],
    place: str,
    height: int,
) -> None:
    """The picture docs/``name``.png of that place of the page."""
    page = SCRATCH / f"{name}.html"
    picture = DOCS / f"{name}.png"
    recorded(suite, download(suite), name, [f"--timestamps-report=html:{page}", *options])
    with _opened(found, height) as browser:
        browser.get(page.as_uri() + place)
        WebDriverWait(browser, 30).until(lambda it: it.execute_script(DRAWN))
        browser.save_screenshot(str(picture))
    print(f"written: {picture.name}; the page is {page.relative_to(SCRATCH.parents[1])}")


@contextmanager
def _opened(found: tuple[str, str], height: int) -> Iterator[webdriver.Chrome]:
    """A browser with an empty profile."""
    options = webdriver.ChromeOptions()
    options.binary_location = found[0]
    for switch in (*SWITCHES, f"--window-size={WIDTH},{height}"):
        options.add_argument(switch)
    browser = webdriver.Chrome(options=options, service=Service(found[1]))
    try:
        yield browser
    finally:
        browser.quit()


if __name__ == "__main__":
    sys.exit(main())
