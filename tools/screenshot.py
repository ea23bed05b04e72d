"""``make screenshot``: docs/report.png, the HTML report of jinja2's own tests, in a real Chromium.

The suite is downloaded once; scratch/ keeps it, and the page.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

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
PICTURE = Path(__file__).parents[1] / "docs" / "report.png"
SIZE = "1280,1500"
SWITCHES = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--hide-scrollbars", "--force-prefers-reduced-motion", "--virtual-time-budget=5000",
    f"--window-size={SIZE}",
)  # fmt: skip


def main() -> int:
    """Run the suite, open its report, and keep what is seen."""
    found = find_browser()
    if found is None:
        print("Chromium or its driver is not installed: make browser")
        return 1
    page = SCRATCH / "jinja2.html"
    recorded(SUITE, download(SUITE), "page", [f"--timestamps-report=html:{page}"])
    with tempfile.TemporaryDirectory() as profile:
        command = [found[0], *SWITCHES, f"--user-data-dir={profile}", f"--screenshot={PICTURE}"]
        subprocess.run([*command, page.as_uri()], check=True, stderr=subprocess.DEVNULL)
    print(f"written: {PICTURE.name}; the page is {page.relative_to(SCRATCH.parents[1])}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
