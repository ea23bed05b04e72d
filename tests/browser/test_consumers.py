"""Files for other tools, opened in one of them: speedscope, which reads all three formats.

``make browser`` fetches it with npm; without it the tests say so and are skipped.
"""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from pytest_timestamps.report.folded import render_folded
from pytest_timestamps.report.perfetto import render_perfetto
from pytest_timestamps.report.renderers import Render
from pytest_timestamps.report.speedscope import render_speedscope
from tests.browser.conftest import wait_until
from tests.hostile import hostile_report
from tests.samples import report
from tools.browser import SPEEDSCOPE

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]

APP = SPEEDSCOPE / "package" / "dist" / "release"


@pytest.fixture
def speedscope(driver: Any, tmp_path: Path) -> Any:
    """Open content in speedscope as its own command does; returns the browser."""
    index = APP / "index.html"
    if not index.exists():
        pytest.skip("speedscope isn't there: make browser")

    def opened(name: str, content: bytes) -> Any:
        driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        script = tmp_path / "profile.js"
        arguments = f"{json.dumps(name)}, {json.dumps(base64.b64encode(content).decode())}"
        script.write_text(f"speedscope.loadFileFromBase64({arguments})")
        driver.get("about:blank")
        driver.get_log("browser")
        driver.get(f"{index.as_uri()}#localProfilePath={script}")
        return driver

    return opened


@pytest.mark.parametrize("made", [report(), hostile_report()], ids=["plain", "hostile"])
@pytest.mark.parametrize(
    ("name", "render"),
    [
        ("report.speedscope.json", render_speedscope),
        ("report.perfetto.json", render_perfetto),
        ("report.folded", render_folded),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_speedscope_opens_it(speedscope: Any, name: str, render: Render, made: Any) -> None:
    """The profile is imported and shown, without an error."""
    driver = speedscope(name, render(made))
    wait_until(lambda: driver.title != "speedscope" and " - speedscope" in driver.title)
    assert driver.execute_script("return document.querySelectorAll('canvas').length") > 0
    errors = [entry for entry in driver.get_log("browser") if entry["level"] == "SEVERE"]
    assert errors == []


def test_what_is_no_profile_is_noticed(speedscope: Any) -> None:
    """The test above can fail: speedscope refuses what it can't read."""
    driver = speedscope("broken.json", b'{"neither": "one", "nor": "the other"}')
    from selenium.webdriver.support.expected_conditions import alert_is_present
    from selenium.webdriver.support.wait import WebDriverWait

    WebDriverWait(driver, 60).until(alert_is_present()).accept()
    assert " - speedscope" not in driver.title
