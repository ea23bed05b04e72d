"""What CI installs for the tests in a browser, and what it says where it can't."""

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from tools import browser
from tools.browser import ensure_browser, ensure_speedscope, find_browser, run_quietly


class Machine:
    """Programs by name, and what installing does; remembers what was run."""

    def __init__(self, *programs: str, installs: Sequence[str] = (), fails: str = "") -> None:
        self.programs = set(programs)
        self.installs = installs
        self.fails = fails
        self.ran: list[str] = []

    def which(self, name: str) -> str | None:
        return f"/usr/bin/{name}" if name in self.programs else None

    def run(self, command: Sequence[str], timeout_s: float) -> str | None:
        assert timeout_s > 0
        self.ran.append(" ".join(command))
        if self.fails and self.fails in self.ran[-1]:
            return "exit status 100: no network"
        if "install" in command:
            self.programs.update(self.installs)
        return None


def test_a_browser_that_is_there_is_used() -> None:
    """Nothing is run; another make of Chromium does as well."""
    machine = Machine("google-chrome", "chromedriver", "apt-get")
    assert ensure_browser(machine.which, machine.run, is_root=True) is None
    assert machine.ran == []
    assert find_browser(machine.which) == ("/usr/bin/google-chrome", "/usr/bin/chromedriver")


@pytest.mark.parametrize("is_root", [True, False])
def test_a_missing_browser_is_installed(is_root: bool) -> None:
    """With apt-get, by root or by who may become root without being asked."""
    machine = Machine("apt-get", installs=["chromium", "chromedriver"])
    assert ensure_browser(machine.which, machine.run, is_root=is_root) is None
    commands = [line.split() for line in machine.ran]
    assert commands[-1][-4:] == ["install", "--yes", "chromium", "chromium-driver"]
    assert all((line[0] == "sudo") is not is_root for line in commands)


@pytest.mark.parametrize(
    ("machine", "reason"),
    [
        (Machine(), "Chromium isn't installed, and there is no apt-get to install it with"),
        (
            Machine("apt-get", fails="sudo"),
            "Chromium isn't installed, and only root or sudo without a password may install it",
        ),
        (
            Machine("apt-get", fails="update"),
            "Chromium can't be installed: apt-get update: exit status 100: no network",
        ),
        (
            Machine("apt-get", fails="install"),
            "Chromium can't be installed: apt-get install: exit status 100: no network",
        ),
        (Machine("apt-get"), "Chromium was installed, and its programs aren't on PATH"),
    ],
)
def test_why_there_is_no_browser_is_said(machine: Machine, reason: str) -> None:
    """One line for each way in which it may fail."""
    assert ensure_browser(machine.which, machine.run, is_root=False) == reason


def test_speedscope_is_fetched_once(tmp_path: Path) -> None:
    """With npm, and not again once its folder is there."""
    machine = Machine("npm")
    assert ensure_speedscope(tmp_path / "new", machine.which, machine.run) is None
    assert [line.split()[0] for line in machine.ran] == ["npm", "tar"]
    (tmp_path / "there" / "package").mkdir(parents=True)
    assert ensure_speedscope(tmp_path / "there", machine.which, machine.run) is None
    assert len(machine.ran) == 2


def test_why_there_is_no_speedscope_is_said(tmp_path: Path) -> None:
    """No npm, and an npm that gets nothing."""
    machine = Machine("npm", fails="npm")
    assert ensure_speedscope(tmp_path, Machine().which, machine.run) == (
        "speedscope isn't here, and there is no npm to fetch it with"
    )
    assert ensure_speedscope(tmp_path, machine.which, machine.run) == (
        "speedscope can't be fetched: npm: exit status 100: no network"
    )


def test_what_is_missing_is_told_and_not_fatal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line for each, on stderr, and an exit status for who insists."""
    monkeypatch.setattr(browser, "ensure_browser", lambda: "no browser")
    monkeypatch.setattr(browser, "ensure_speedscope", lambda: None)
    assert browser.main() == 1
    assert capsys.readouterr().err == "no browser; the tests that need it are skipped\n"
    monkeypatch.setattr(browser, "ensure_browser", lambda: None)
    assert browser.main() == 0


def test_how_a_program_failed_is_said() -> None:
    """Its last words, that it took too long, or that it isn't there."""
    python = sys.executable
    assert run_quietly([python, "-c", ""], 60) is None
    assert run_quietly([python, "-c", "import sys; sys.exit('first\\nlast')"], 60) == (
        "exit status 1: last"
    )
    assert run_quietly([python, "-c", "import sys; sys.exit(3)"], 60) == "exit status 3: no message"
    assert run_quietly([python, "-c", "input()"], 0) == "took longer than 0 s"
    assert run_quietly(["./no-such-program"], 60) == "No such file or directory"
