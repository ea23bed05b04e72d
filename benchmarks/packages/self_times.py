"""Self times of a package's functions, out of what profilers write.

Self time here is what a function does less the package's own functions that it calls: builtins
and other libraries count as its own doing.
"""

import json
import pstats
from collections import defaultdict
from collections.abc import Iterator, Mapping
from operator import itemgetter
from pathlib import Path
from typing import Any

from benchmarks.packages.functions import Place, place
from benchmarks.packages.reports import functions_in_report
from benchmarks.packages.sampled import RATE

__all__ = ["Times", "from_pstats", "from_report", "from_samples", "from_trace"]

Times = Mapping[str, float]
"""Seconds by ``module.qualified.name``."""

_Shares = Mapping[Place, list[tuple[Place, float]]]

_IN_A_TEST = "pytest_runtest_protocol"
"""The function below which pytest runs a test with its fixtures."""

_NEGLIGIBLE = 1e-5
"""The share of all time that may still be on its way up when handing on stops."""


def from_report(file: Path, functions: Mapping[Place, str]) -> Times:
    """A session report's, which has them by name, with other recorded functions left out."""
    names = set(functions.values())
    rows = functions_in_report(file)
    return {str(row["name"]): int(row["self_ns"]) / 1e9 for row in rows if row["name"] in names}


def from_pstats(file: Path, functions: Mapping[Place, str]) -> Times:
    """cProfile's, the time of what isn't the package's handed on to its callers.

    A function's own time is known by caller; what it was itself handed is split by the time that
    each caller spent in it. What nobody of the package called ends at the top, and is dropped.
    """
    stats: dict[Place, tuple[Any, Any, float, float, dict[Place, tuple[Any, ...]]]]
    stats = pstats.Stats(str(file)).stats  # type: ignore[attr-defined]  # typeshed has it not
    found: dict[str, float] = defaultdict(float)
    names: dict[Place, str] = {}
    own: dict[Place, float] = {}
    by_own: dict[Place, list[tuple[Place, float]]] = {}
    by_all: dict[Place, list[tuple[Place, float]]] = {}
    for at, (_, _, own_s, _, callers) in stats.items():
        name = functions.get(place(*at))
        if name is not None:
            names[at] = name
            found[name] += own_s
            continue
        own[at] = own_s
        others = {caller: figures for caller, figures in callers.items() if caller != at}
        by_own[at] = _shares({caller: figures[2] for caller, figures in others.items()})
        by_all[at] = _shares({caller: figures[3] for caller, figures in others.items()})
    total_s = sum(own.values()) + sum(found.values())
    left = _handed_on(own, by_own, names, found)
    for _ in range(200):
        if sum(left.values()) <= total_s * _NEGLIGIBLE:
            break
        left = _handed_on(left, by_all, names, found)
    return found


def _shares(weights: Mapping[Place, float]) -> list[tuple[Place, float]]:
    total = sum(weights.values())
    if total <= 0:
        return []
    return [(caller, weight / total) for caller, weight in weights.items() if weight > 0]


def _handed_on(
    amounts: Mapping[Place, float],
    shares: _Shares,
    names: Mapping[Place, str],
    found: dict[str, float],
) -> dict[Place, float]:
    """One step up: into ``found`` where the caller is the package's, else into the answer."""
    left: dict[Place, float] = defaultdict(float)
    for at, amount in amounts.items():
        for caller, share in shares[at]:
            if caller in names:
                found[names[caller]] += amount * share
            else:
                left[caller] += amount * share
    return left


def from_samples(file: Path, functions: Mapping[Place, str]) -> Times:
    """py-spy's: where the program was at each look, ``frame;frame;... looks``, innermost last.

    Imports and collection, at which the plugin doesn't look, are left out.
    """
    found: dict[str, float] = defaultdict(float)
    known: dict[str, str | None] = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        stack, _, looks = line.rpartition(" ")
        frames = stack.split(";")
        if not any(frame.startswith(_IN_A_TEST) for frame in frames):
            continue
        for frame in reversed(frames):
            if frame not in known:
                known[frame] = functions.get(_place_in(frame))
            name = known[frame]
            if name is not None:
                found[name] += int(looks) / RATE
                break
    return found


def from_trace(file: Path, functions: Mapping[Place, str]) -> Times:
    """viztracer's, whose events are spans: ``name (file:line)``, a start and a duration in µs."""
    found: dict[str, float] = defaultdict(float)
    events = json.loads(file.read_text(encoding="utf-8"))["traceEvents"]
    by_thread: dict[Any, list[tuple[float, float, str]]] = defaultdict(list)
    known: dict[str, str | None] = {}
    for event in events:
        if event["ph"] == "X":
            text = event["name"]
            if text not in known:
                known[text] = functions.get(_place_in(text))
            name = known[text]
            if name is not None:
                end_us = event["ts"] + event["dur"]
                by_thread[event["tid"]].append((event["ts"], -end_us, name))
    for spans in by_thread.values():
        for name, self_us in _self_of(sorted(spans, key=itemgetter(0, 1))):
            found[name] += self_us / 1e6
    return found


def _place_in(text: str) -> Place:
    name, _, rest = text.partition(" (")
    file, _, line = rest.removesuffix(")").rpartition(":")
    return place(file, int(line), name.rpartition(".")[2]) if line.isdigit() else ("", 0, name)


def _self_of(spans: list[tuple[float, float, str]]) -> Iterator[tuple[str, float]]:
    """Each span's time, and less of the same for the span around it."""
    around: list[tuple[float, str]] = []
    for start_us, minus_end_us, name in spans:
        while around and around[-1][0] <= start_us:
            around.pop()
        if around:
            yield around[-1][1], minus_end_us + start_us
        yield name, -minus_end_us - start_us
        around.append((-minus_end_us, name))
