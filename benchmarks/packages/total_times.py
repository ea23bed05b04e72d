"""Total times of a package's functions, their callees included, out of what profilers write.

A recursive function's is that of its outermost calls, in all of them.
"""

import pstats
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

from benchmarks.packages.functions import Place, place
from benchmarks.packages.reports import functions_in_report
from benchmarks.packages.self_times import Times

__all__ = ["totals_from_pstats", "totals_from_report"]


def totals_from_report(file: Path, functions: Mapping[Place, str]) -> Times:
    """A session report's, with other recorded functions left out."""
    names = set(functions.values())
    rows = functions_in_report(file)
    return {str(row["name"]): int(row["total_ns"]) / 1e9 for row in rows if row["name"] in names}


def totals_from_pstats(file: Path, functions: Mapping[Place, str]) -> Times:
    """cProfile's cumulative times; those of functions that share a name are added."""
    stats = pstats.Stats(str(file)).stats  # type: ignore[attr-defined]  # typeshed has it not
    found: dict[str, float] = defaultdict(float)
    for at, (_, _, _, total_s, _) in stats.items():
        name = functions.get(place(*at))
        if name is not None:
            found[name] += total_s
    return found
