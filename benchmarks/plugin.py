"""What the plugin costs a suite: installed and off, and on, over trivial tests.

Processor time, not wall time, and of whole pytest processes, so that start-up counts.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median

from benchmarks.children import compiling
from benchmarks.results import Row
from benchmarks.rounds import Rounds
from benchmarks.targets import PLUGIN_OFF, PLUGIN_ON

__all__ = ["plugin"]

FILES = 20

PER_TEST_CPROFILE = """
import cProfile
import pytest

@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem):
    profile = cProfile.Profile()
    profile.enable()
    try:
        return (yield)
    finally:
        profile.disable()
"""

WITHOUT = "pytest without the plugin"
OFF = "installed and off"
ON = "--timestamps"

LOADED = ("-p", "pytest_timestamps.plugin")

NAMED = ("-p", "empty")

# No plugin is loaded but those named here: what else is installed beside them differs.
# Naming any makes pytest look through the metadata of all that is installed, as it does by itself
# where plugins load themselves: that is no cost of ours, and without us an empty one is named.
COMMANDS: Mapping[str, Sequence[str]] = {
    WITHOUT: NAMED,
    OFF: LOADED,
    ON: (*LOADED, "--timestamps"),
    "--junitxml, without the plugin": (*NAMED, "--junitxml=junit.xml"),
    "cProfile for each test, without the plugin": ("-p", "per_test"),
}


def plugin(quick: bool) -> Iterator[Row]:
    """Whole runs in turn; off against without has rounds of its own, for its limit is 1%."""
    tests = 500 if quick else 2_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write_suite(folder, tests)
        rounds = _runs(folder, [label for label in COMMANDS if label != OFF], 3 if quick else 9)
        pairs = _runs(folder, [WITHOUT, OFF], 3 if quick else 21)
    section = f"pytest over {tests:,} trivial tests, processor time"
    for label, figures in rounds.ns_per_call.items():
        limit = PLUGIN_ON if label == ON else None
        detail = f"{median(figures) / 1e9:.2f} s, ± {rounds.ratio_spread(label, WITHOUT):.3f}"
        yield Row(section, label, rounds.ratio(label, WITHOUT), "×", limit, detail=detail)
    detail = f"± {pairs.ratio_spread(OFF, WITHOUT):.3f}"
    yield Row(section, OFF, pairs.ratio(OFF, WITHOUT), "×", PLUGIN_OFF, detail=detail)


def _write_suite(folder: Path, tests: int) -> None:
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "empty.py").touch()
    (folder / "per_test.py").write_text(PER_TEST_CPROFILE)
    source = "".join(f"def test_{n}():\n    pass\n\n" for n in range(tests // FILES))
    for number in range(FILES):
        (folder / f"test_trivial_{number}.py").write_text(source)


def _runs(folder: Path, labels: Sequence[str], rounds: int) -> Rounds:
    figures: dict[str, list[float]] = {label: [] for label in labels}
    for label in labels:
        _processor_ns(folder, label)  # Compiles, and fills the system's file cache.
    for number in range(rounds):
        for label in labels if number % 2 else reversed(labels):
            figures[label].append(_processor_ns(folder, label))
    return Rounds(figures)


def _processor_ns(folder: Path, label: str) -> float:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *COMMANDS[label]]
    environment = compiling(PYTHONPATH=str(folder), PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    with (folder / "output.txt").open("w+") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=output, stderr=subprocess.STDOUT
        )
        _, status, usage = os.wait4(process.pid, 0)
        if status != 0:
            output.seek(0)
            raise RuntimeError(f"{label}: pytest failed:\n{output.read()}")
    return (usage.ru_utime + usage.ru_stime) * 1e9
