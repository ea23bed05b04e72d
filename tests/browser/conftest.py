"""A real Chromium without a window; where there is none, the tests say so and are skipped."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tools.browser import find_browser

# A browser that asks nobody anything on its own.
SWITCHES = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--window-size=1280,1000",
)  # fmt: skip

Open = Callable[..., Any]


def browser_or_skip() -> tuple[str, str]:
    """Chromium and its driver; skips the test where one is missing."""
    pytest.importorskip("selenium", reason="selenium isn't installed: make browser")
    found = find_browser()
    if found is None:
        pytest.skip("Chromium or its driver isn't installed: make browser")
    return found


@pytest.fixture(scope="session")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """One browser with an empty profile for all tests of a process."""
    browser, driver_path = browser_or_skip()
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = browser
    for switch in (*SWITCHES, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(switch)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    opened = webdriver.Chrome(options=options, service=Service(driver_path))
    yield opened
    opened.quit()


@pytest.fixture
def open_page(driver: Any, tmp_path: Path) -> Open:
    """Write a page, open it from disk, and wait until it has drawn all."""

    def opened(content: bytes, *, dark: bool = False, phone: bool = False) -> Any:
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})
        if phone:
            size = {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True}
            driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        else:
            driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        for kind in ("browser", "performance"):
            driver.get_log(kind)
        page = tmp_path / "page.html"
        page.write_bytes(content)
        driver.get(page.as_uri())
        wait_until(lambda: driver.execute_script("return document.documentElement.dataset.ready"))
        return driver

    return opened


def wait_until(ready: Callable[[], object], seconds: float = 60) -> None:
    """Return as soon as ``ready`` holds; asks the browser, which takes its own time to answer."""
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end, "the page wasn't ready in time"
