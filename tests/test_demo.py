"""What ``make demo`` shows."""

import re
import shutil
from pathlib import Path

import pytest

from tools import demo


def test_the_demo_ends_with_proven_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Hotspots, then token runs against the sandbox, each of them with a verified figure."""
    examples = tmp_path / "examples"
    shutil.copytree(demo.EXAMPLES, examples, ignore=shutil.ignore_patterns("runs", "__pycache__"))
    monkeypatch.setattr(demo, "EXAMPLES", examples)
    for name in ("PYTEST_ADDOPTS", "PYTEST_DISABLE_PLUGIN_AUTOLOAD"):
        monkeypatch.delenv(name, raising=False)
    assert demo.main() == 0
    shown = capfd.readouterr().out
    assert re.search(r"^-+.*\nshop\.catalogue\.words_of ", shown, re.M)
    first, second, final = re.findall(r"^verified: .*", shown, re.M)
    assert first.startswith("verified: 0 of 5 runs")
    assert second.startswith("verified: 5 of 5 runs, 8 calls")
    assert final.startswith("verified: 5 runs, 8 calls")


def test_a_demo_that_fails_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Its status is pytest's, and nothing is explained that isn't there."""
    monkeypatch.setattr(demo, "EXAMPLES", tmp_path)
    monkeypatch.setattr(demo, "COMMAND", ("pytest", "--no-such-option"))
    assert demo.main() == 4
    assert capfd.readouterr().out.endswith("The example suite failed: see above.\n")
