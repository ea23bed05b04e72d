"""The workflow file that the docs offer."""

from __future__ import annotations

import re
import subprocess
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
FILE = ROOT / "docs" / "examples" / "reconcile-tokens.yml"


def test_the_page_shows_the_file_itself() -> None:
    """What people copy is what stands in the folder."""
    assert FILE.read_text() in (ROOT / "docs" / "reconcile.md").read_text()


def test_its_scripts_are_shell_and_its_options_are_ours() -> None:
    """bash parses every step, and the program knows every option used there."""
    text = FILE.read_text()
    blocks = re.findall(r"^ +run: \|\n((?: {10}.*\n|\n)+)", text, re.M)
    assert len(blocks) == 4
    for block in blocks:
        script = textwrap.dedent(block)
        try:
            done = subprocess.run(["bash", "-n"], input=script, text=True, capture_output=True)
        except FileNotFoundError:
            pytest.skip("there is no bash here")
        assert done.returncode == 0, done.stderr
    from pytest_timestamps.tokens.reconcile.command import reconcile

    known = {name for option in reconcile.params for name in option.opts}
    calls = re.findall(r"pytest-timestamps reconcile (.+(?:\\\n.+)*)", text)
    used = {word for call in calls for word in re.findall(r"--[a-z-]+", call)}
    assert used
    assert used <= known
