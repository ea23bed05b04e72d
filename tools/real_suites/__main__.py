"""Run every suite in every way, print one table, and say what isn't as it should be."""

import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from tabulate import tabulate

from tools.real_suites.running import differing
from tools.real_suites.runs import Figures, recorded, under_cprofile, without
from tools.real_suites.sources import download
from tools.real_suites.suites import DECORATED, Suite

# cProfile charges every call below a function, so times that are nearer than this may swap.
CLEARLY_APART = 1.3


def main() -> int:
    """Exit status 0 when every check of every suite holds."""
    faults = [fault for suite in DECORATED for fault in _compare(suite)]
    for fault in faults:
        print(f"FAULT: {fault}")
    return 1 if faults else 0


def _compare(suite: Suite) -> Iterator[str]:
    print(f"running {suite.requirement} ...", file=sys.stderr, flush=True)
    folder = download(suite)
    plain = without(suite, folder)
    outcomes, figures = recorded(suite, folder, "recorded", [])
    parallel_outcomes, parallel = recorded(suite, folder, "recorded-n2", ["-n", "2"])
    profiled = under_cprofile(suite, folder)
    tally = Counter(_outcome(steps) for steps in plain.values())
    print(f"\n{suite.requirement}: {len(plain)} tests, {_described(tally)}")
    print(_table(figures, parallel, profiled))
    if outcomes != plain:
        yield f"{suite.name}: outcomes differ with --timestamps: {differing(plain, outcomes)}"
    if parallel_outcomes != plain:
        yield f"{suite.name}: outcomes differ with -n 2: {differing(plain, parallel_outcomes)}"
    if len(figures) != len(suite.functions):
        yield f"{suite.name}: {len(figures)} of {len(suite.functions)} functions were recorded"
    calls = {name: row.calls for name, row in figures.items()}
    if calls != {name: row.calls for name, row in parallel.items()}:
        yield f"{suite.name}: calls differ with -n 2"
    yield from (f"{suite.name}: {pair}" for pair in _swapped(figures, profiled))


def _outcome(steps: Sequence[str]) -> str:
    """A test's outcome from those of its phases, each as ``phase outcome``."""
    outcomes = [step.partition(" ")[2] for step in steps]
    return next((outcome for outcome in outcomes if outcome != "passed"), "passed")


def _described(tally: Mapping[str, int]) -> str:
    return ", ".join(f"{number} {outcome}" for outcome, number in sorted(tally.items()))


def _table(
    figures: Mapping[str, Figures], parallel: Mapping[str, Figures], profiled: Mapping[str, float]
) -> str:
    ranks = {name: rank for rank, name in enumerate(_ordered(profiled), 1)}
    rows = [
        (
            rank,
            name,
            row.calls,
            parallel[name].calls if name in parallel else "-",
            row.self_ns / 1e6,
            row.total_ns / 1e6,
            profiled.get(name, float("nan")) * 1e3,
            ranks.get(name, "-"),
        )
        for rank, (name, row) in enumerate(figures.items(), 1)
    ]
    headers = ("rank", "function", "calls", "-n 2", "self ms", "total ms", "cProfile ms", "rank")
    return tabulate(rows, headers, floatfmt=".2f")


def _ordered(profiled: Mapping[str, float]) -> list[str]:
    return sorted(profiled, key=lambda name: -profiled[name])


def _swapped(figures: Mapping[str, Figures], profiled: Mapping[str, float]) -> Iterator[str]:
    """Pairs that cProfile has clearly the other way round; hotspots come ranked by self time."""
    for hot, cooler in combinations(figures, 2):
        if hot not in profiled or cooler not in profiled:
            yield f"cProfile has no {hot} or no {cooler}"
        elif profiled[cooler] > profiled[hot] * CLEARLY_APART:
            yield f"{hot} is hotter than {cooler}; cProfile has it the other way round"


if __name__ == "__main__":
    sys.exit(main())
