"""How often gates cry wolf, and what they find: ``python -m benchmarks.gates``.

Runs the same small suite 200 times, and 12 times for each slowdown of one of its functions;
compares the sessions with each other, and writes the result into docs/gates.md.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from time import perf_counter_ns
from typing import NamedTuple

from benchmarks.machine import describe_machine
from pytest_timestamps.analysis.gates import parse_gates
from pytest_timestamps.report.comparing import compare_reports
from pytest_timestamps.report.json_reader import load_report
from pytest_timestamps.report.model import SessionReport

PAGE = Path(__file__).parents[1] / "docs" / "gates.md"
BEGIN, END = "<!-- experiment: written by benchmarks/gates.py -->", "<!-- end of experiment -->"
GATES = ("calls>+0", "self>+50%", "self>+25%", "self>+10%")
SLOWDOWNS = (1.1, 1.25, 1.5, 1.75, 2.0, 3.0)
REPEATS = (1, 3, 5)
RELIABLE = 0.95
COMPARISONS = 200

SUITE = """
import os

from pytest_timestamps import timestamp

ROUNDS = int(os.environ["ROUNDS"])
SLOWDOWN = float(os.environ["SLOWDOWN"])

def work(rounds):
    total = 0
    for number in range(rounds):
        total += number * number
    return total

@timestamp
def quick():
    return work(ROUNDS // 10)

@timestamp
def steady():
    return work(ROUNDS)

@timestamp
def suspect():
    return work(int(2 * ROUNDS * SLOWDOWN))

def test_quick():
    for _ in range(3):
        quick()

def test_all():
    assert quick() + steady() + suspect()
"""


class Rate(NamedTuple):
    """How many of so many comparisons failed."""

    failed: int
    of: int

    @property
    def share(self) -> float:
        return self.failed / self.of


def main() -> int:
    """Run the sessions, judge them, write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=200, help="identical ones (200)")
    parser.add_argument("--slowed", type=int, default=12, help="for each slowdown (12)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        suite = Path(folder)
        (suite / "test_suite.py").write_text(SUITE)
        rounds = _rounds_of(100)
        found = _sessions(suite, rounds, _schedule(options.sessions, options.slowed))
    same, slowed = found.pop(1.0), found
    text = "\n".join(_page(same, slowed))
    print(text)
    page = PAGE.read_text(encoding="utf-8")
    before, after = page.partition(BEGIN)[0], page.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n\n{text}\n\n{END}{after}", encoding="utf-8")
    return 0


def _rounds_of(milliseconds: int) -> int:
    """How many rounds of the suite's loop take that long on this machine now."""
    rounds, start_ns = 1_000_000, perf_counter_ns()
    total = 0
    for number in range(rounds):
        total += number * number
    return rounds * milliseconds * 1_000_000 // (perf_counter_ns() - start_ns)


def _schedule(sessions: int, slowed: int) -> list[float]:
    """Each session's slowdown, shuffled: a machine that drifts must not look like a change."""
    factors = [1.0] * sessions + [factor for factor in SLOWDOWNS for _ in range(slowed)]
    random.Random(len(factors)).shuffle(factors)
    return factors


def _sessions(
    suite: Path, rounds: int, schedule: Sequence[float]
) -> dict[float, list[SessionReport]]:
    """The report of a session for each entry of the schedule, by slowdown."""
    report = suite / "report.json"
    command = [
        sys.executable, "-m", "pytest", "-q", "-p", "pytest_timestamps.plugin",
        "-p", "no:cacheprovider", f"--timestamps-report=json:{report}",
    ]  # fmt: skip
    common = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "ROUNDS": str(rounds)}
    found: dict[float, list[SessionReport]] = {}
    for at, factor in enumerate(schedule):
        environ = {**common, "SLOWDOWN": str(factor)}
        done = subprocess.run(
            command, cwd=suite, env=environ, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"session {at} failed:\n{done.stdout}{done.stderr}")
        found.setdefault(factor, []).append(load_report(report))
    return found


def _rate(
    gate: str, base: Sequence[SessionReport], head: Sequence[SessionReport], repeats: int
) -> Rate:
    """Draw ``repeats`` sessions of each side, many times; the same draws each time."""
    chance = random.Random(repeats)
    gates = parse_gates(gate)
    failed = 0
    for _ in range(COMPARISONS):
        if base is head:
            drawn = chance.sample(range(len(base)), 2 * repeats)
            before, after = [base[at] for at in drawn[::2]], [base[at] for at in drawn[1::2]]
        else:
            before, after = chance.sample(base, repeats), chance.sample(head, repeats)
        failed += compare_reports(before, after, gates).failed
    return Rate(failed, COMPARISONS)


def _page(same: Sequence[SessionReport], slowed: dict[float, list[SessionReport]]) -> Iterator[str]:
    machine = describe_machine()
    yield (
        f"{len(same)} identical sessions, and {len(next(iter(slowed.values())))} for each slowdown "
        f"of one function of about 200 ms, on {machine['processor']} "
        f"({machine['processors']} processors), Python {machine['python']}."
    )
    yield f"Each figure is of {COMPARISONS} comparisons of sessions drawn at random."
    yield _load()
    yield ""
    yield "| gate | reports on each side | false alarms | smallest slowdown found in 95% |"
    yield "|---|--:|--:|--:|"
    for gate in GATES:
        for repeats in REPEATS[:1] if gate.startswith("calls") else REPEATS:
            alarms = _rate(gate, same, same, repeats)
            found = "calls don't change" if gate.startswith("calls") else "none of those tried"
            for factor in () if gate.startswith("calls") else sorted(slowed):
                if _rate(gate, same, slowed[factor], repeats).share >= RELIABLE:
                    found = f"{factor:g} ×"
                    break
            yield f"| `{gate}` | {repeats} | {100 * alarms.share:.1f}% | {found} |"


def _load() -> str:
    """What else the machine was doing: noise has a cause."""
    if not hasattr(os, "getloadavg"):
        return "What else the machine was doing is not known."
    average, nice = os.getloadavg()[2], os.nice(0)
    priority = f", and the sessions ran with priority {nice}" if nice else ""
    return f"The machine's load in the last 15 minutes was {average:.1f}{priority}."


if __name__ == "__main__":
    sys.exit(main())
