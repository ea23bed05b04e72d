"""Make sure of a real browser and of speedscope, which the tests in tests/browser open files with.

``python -m tools.browser`` installs what is missing where it may: Chromium and its driver with
apt-get, speedscope with npm.
What can't be had is one line that says why, and exit status 1; the tests that need it are skipped.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

__all__ = ["SPEEDSCOPE", "ensure_browser", "ensure_speedscope", "find_browser"]

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
DRIVER = "chromedriver"
SPEEDSCOPE = Path(__file__).parents[1] / "scratch" / "speedscope"
VERSION = "speedscope@1.25.0"
# A mirror that doesn't answer costs half a minute each try, and never the whole of a CI job.
PATIENCE = ("-o", "Acquire::Retries=1", "-o", "Acquire::http::Timeout=30")
INSTALL_S = 240
FETCH_S = 60

Which = Callable[[str], str | None]
Run = Callable[[Sequence[str], float], str | None]


def find_browser(which: Which = shutil.which) -> tuple[str, str] | None:
    """The paths of a browser and of its driver, None where one is missing."""
    browser = next(filter(None, map(which, BROWSERS)), None)
    driver = which(DRIVER)
    return (browser, driver) if browser is not None and driver is not None else None


def run_quietly(command: Sequence[str], timeout_s: float) -> str | None:
    """None for a program that succeeded, else in few words how it failed."""
    try:
        done = subprocess.run(
            command,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"took longer than {timeout_s:.0f} s"
    except OSError as error:
        return error.strerror or type(error).__name__
    if not done.returncode:
        return None
    said = done.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
    return f"exit status {done.returncode}: {said[-1]}"


def ensure_browser(
    which: Which = shutil.which, run: Run = run_quietly, is_root: bool | None = None
) -> str | None:
    """Install a browser and its driver unless they are there; the reason where that can't be."""
    if find_browser(which) is not None:
        return None
    if which("apt-get") is None:
        return "Chromium isn't installed, and there is no apt-get to install it with"
    if is_root is None:
        is_root = os.geteuid() == 0
    as_root = () if is_root else ("sudo", "--non-interactive")
    if as_root and run([*as_root, "true"], FETCH_S) is not None:
        return "Chromium isn't installed, and only root or sudo without a password may install it"
    for arguments in (["update"], ["install", "--yes", "chromium", "chromium-driver"]):
        failure = run([*as_root, "apt-get", *PATIENCE, *arguments], INSTALL_S)
        if failure is not None:
            return f"Chromium can't be installed: apt-get {arguments[0]}: {failure}"
    if find_browser(which) is None:
        return "Chromium was installed, and its programs aren't on PATH"
    return None


def ensure_speedscope(
    folder: Path = SPEEDSCOPE, which: Which = shutil.which, run: Run = run_quietly
) -> str | None:
    """Fetch speedscope into the folder unless it is there; the reason where that can't be."""
    if (folder / "package").is_dir():
        return None
    if which("npm") is None:
        return "speedscope isn't here, and there is no npm to fetch it with"
    folder.mkdir(parents=True, exist_ok=True)
    archive = folder / f"{VERSION.replace('@', '-')}.tgz"
    for command in (
        ["npm", "pack", "--silent", f"--pack-destination={folder}", VERSION],
        ["tar", "-xzf", str(archive), "-C", str(folder)],
    ):
        failure = run(command, FETCH_S)
        if failure is not None:
            return f"speedscope can't be fetched: {command[0]}: {failure}"
    return None


def main() -> int:
    """Install what is missing; a line for each thing that can't be had."""
    reasons = [reason for reason in (ensure_browser(), ensure_speedscope()) if reason is not None]
    for reason in reasons:
        print(f"{reason}; the tests that need it are skipped", file=sys.stderr)
    return 1 if reasons else 0


if __name__ == "__main__":
    sys.exit(main())
