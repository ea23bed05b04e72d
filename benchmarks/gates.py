"""How often gates cry wolf, and what they find: ``python -m benchmarks.gates``.

Runs the same small suite 200 times, and 20 times for each slowdown of one of its functions;
compares the sessions with each other; does all of it three times, and writes what came out,
every run of it, into docs/gates.md.
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
GATES = ("self>+50%", "self>+25%", "self>+100ms")
SLOWDOWNS = (1.25, 1.5, 1.75, 2.0, 3.0)
REPEATS = (1, 3, 5, 8)
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


class Run(NamedTuple):
    """One run of the experiment: its sessions by slowdown, and the machine's load after it."""

    sessions: dict[float, list[SessionReport]]
    load: float | None


def main() -> int:
    """Run the sessions, judge them, write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=200, help="identical ones (200)")
    parser.add_argument("--slowed", type=int, default=20, help="for each slowdown (20)")
    parser.add_argument("--runs", type=int, default=3, help="of the whole experiment (3)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        suite = Path(folder)
        (suite / "test_suite.py").write_text(SUITE)
        rounds = _rounds_of(100)
        runs = []
        for run in range(options.runs):
            schedule = _schedule(options.sessions, options.slowed, run)
            runs.append(Run(_sessions(suite, rounds, schedule), _load()))
            print(f"run {run + 1} of {options.runs} is done", file=sys.stderr, flush=True)
    text = "\n".join(_page(runs))
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


def _schedule(sessions: int, slowed: int, run: int) -> list[float]:
    """Each session's slowdown, shuffled: a machine that drifts must not look like a change."""
    factors = [1.0] * sessions + [factor for factor in SLOWDOWNS for _ in range(slowed)]
    random.Random(run).shuffle(factors)
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


def _page(runs: Sequence[Run]) -> Iterator[str]:
    machine = describe_machine()
    factors = sorted(runs[0].sessions)[1:]
    yield (
        f"{len(runs)} runs, each of {len(runs[0].sessions[1.0])} identical sessions and "
        f"{len(runs[0].sessions[factors[0]])} for each slowdown of one function of about 200 ms, "
        f"in a shuffled order, on {machine['processor']} ({machine['processors']} processors), "
        f"Python {machine['python']}."
    )
    yield f"Each figure is of {COMPARISONS} comparisons of sessions drawn at random."
    yield "Where the runs differ, the least and the greatest figure are shown; no run is left out."
    yield _loads(runs)
    yield ""
    yield f"| gate | reports on each side | false alarms | {' | '.join(map(_heading, factors))} |"
    yield f"|---|--:|--:|{'--:|' * len(factors)}"
    for gate in GATES:
        for repeats in REPEATS:
            alarms = [_rate(gate, run.sessions[1.0], run.sessions[1.0], repeats) for run in runs]
            cells = [
                _cell([_rate(gate, r.sessions[1.0], r.sessions[f], repeats) for r in runs])
                for f in factors
            ]
            yield f"| `{gate}` | {repeats} | {_range(alarms)} | {' | '.join(cells)} |"
    calls = [_rate("calls>+0", run.sessions[1.0], run.sessions[1.0], 1) for run in runs]
    yield ""
    yield (
        f"`calls>+0` gave {sum(rate.failed for rate in calls)} false alarms in "
        f"{sum(rate.of for rate in calls)} comparisons of one session with one other."
    )
    yield f"Bold is what was found in {RELIABLE:.0%} or more of the comparisons of every run."


def _heading(factor: float) -> str:
    return f"found at {factor:g} ×"


def _cell(rates: Sequence[Rate]) -> str:
    text = _range(rates)
    return f"**{text}**" if min(rate.share for rate in rates) >= RELIABLE else text


def _range(rates: Sequence[Rate]) -> str:
    least, *_, greatest = sorted(100 * rate.share for rate in (*rates, *rates))
    return f"{least:.1f}%" if least == greatest else f"{least:.1f}–{greatest:.1f}%"


def _load() -> float | None:
    return os.getloadavg()[1] if hasattr(os, "getloadavg") else None


def _loads(runs: Sequence[Run]) -> str:
    """What else the machine was doing: noise has a cause."""
    loads = [run.load for run in runs if run.load is not None]
    if not loads:
        return "What else the machine was doing is not known."
    return f"The machine's load at the end of the runs was {', '.join(f'{x:.1f}' for x in loads)}."


if __name__ == "__main__":
    sys.exit(main())
