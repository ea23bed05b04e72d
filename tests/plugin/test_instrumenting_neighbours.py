"""Instrumented packages beside assertion rewriting and coverage measurement."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pytest_timestamps.recording.marks import MARKS

HELPER = """
def check(value):
    assert value == [1, 2], "not the goods"
    return True

def bare(value):
    assert value == [1, 2]
"""


def pytest_in_a_process(folder: Path, *arguments: str, **variables: str) -> str:
    """What a pytest run of its own prints."""
    kept = {key: value for key, value in os.environ.items() if "COV" not in key}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**kept, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "", **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.stdout


def explanations(output: str) -> list[str]:
    """The lines in which pytest explains failed assertions."""
    return [line for line in output.splitlines() if line.startswith("E ")]


@pytest.mark.parametrize("registered", ["conftest", "register", "plugin", "test"])
def test_assertions_are_rewritten_all_the_same(suite: pytest.Pytester, registered: str) -> None:
    """In a conftest, in what is registered for it, in a plugin, and in a test module."""
    check = "import {0}\n\ndef test_it(): {0}.check([1, 2]) and {0}.bare([1, 3])\n"
    if registered == "conftest":
        suite.makeconftest(
            f"import pytest\n{HELPER}\n@pytest.fixture\ndef helper():\n    return bare\n"
        )
        suite.makepyfile(test_it="def test_it(helper): helper([1, 3])\n")
        name = "conftest"
    elif registered == "test":
        suite.makepyfile(test_it=f"{HELPER}\ndef test_it(): check([1, 2]) and bare([1, 3])\n")
        name = "test_it"
    else:
        name = "helper"
        suite.makepyfile(helper=HELPER, test_it=check.format("helper"))
        suite.makeconftest(
            "import pytest\npytest.register_assert_rewrite('helper')\n"
            if registered == "register"
            else "pytest_plugins = ['helper']\n"
        )
    common = ["-m", "pytest", "-p", "timestamps", "-p", "no:cacheprovider", "--assert=rewrite"]
    plain = pytest_in_a_process(suite.path, *common)
    asked = [f"--timestamps-instrument={name}", "--timestamps-report=json"]
    recorded = pytest_in_a_process(suite.path, *common, *asked)
    assert explanations(recorded) == explanations(plain)
    assert any("At index 1 diff: 3 != 2" in line for line in explanations(plain))
    report = json.loads((suite.path / "timestamps.json").read_text())
    assert f"{name}.bare" in {row["name"] for row in report["functions"]}


@pytest.mark.parametrize("core", ["ctrace", "sysmon"])
def test_coverage_measures_the_same(suite: pytest.Pytester, core: str) -> None:
    """Lines and branches, by either of coverage's ways to measure."""
    if core == "sysmon" and MARKS is None:
        pytest.skip("3.11 has no sys.monitoring")
    suite.makepyfile(
        store="""
        import functools

        @functools.cache
        def price(n):
            if n > 1:
                return n
            return 2

        def items(n):
            for one in range(n):
                yield price(one)

        async def wait():
            return [one for one in items(2)]

        def fail():
            try:
                raise ValueError
            finally:
                price(5)
        """,
        test_store="""
        import asyncio
        import pytest
        import store

        def test_it():
            assert sum(store.items(4)) == 9
            assert asyncio.run(store.wait()) == [2, 2]
            with pytest.raises(ValueError):
                store.fail()
        """,
    )

    def measured(*options: str) -> Any:
        run = ["-m", "coverage", "run", "--branch", "--include=store.py", "-m", "pytest"]
        plugins = ["-p", "timestamps", "-p", "no:cacheprovider"]
        output = pytest_in_a_process(suite.path, *run, *plugins, *options, COVERAGE_CORE=core)
        assert "1 passed" in output
        pytest_in_a_process(suite.path, "-m", "coverage", "json", "-q", "-o", "coverage.json")
        return json.loads((suite.path / "coverage.json").read_text())["files"]

    plain = measured()
    assert measured("--timestamps-instrument=store") == plain
    assert plain["store.py"]["summary"]["percent_covered"] > 90
