"""What recording's cost was spent on, and what brings it within a budget that it has exceeded."""

import math
from collections import Counter
from collections.abc import Mapping
from fnmatch import fnmatchcase
from itertools import chain
from typing import NamedTuple

from pytest_timestamps.analysis.text import count
from pytest_timestamps.recording.rows import columns_of
from pytest_timestamps.report.model import SessionReport

__all__ = ["Spent", "advise", "find_spent"]

NAMED = 3
# What costs less of the whole than this doesn't stand out.
LEAST_PART = 0.05
# A test costs about as much, whatever it calls, as so many call paths cost that are added up after
# it, and as many more if anything was recorded. Of 500 tests on CPython 3.12 those with 2, 101 and
# 401 call paths took 0.36, 1.17 and 2.16 ms, those all of whose functions were left out 0.09 ms.
PATHS_A_TEST = 20
PATHS_A_RECORDING = 60
# More than so much for a call path's worth isn't the tests': such as start a thread each, and have
# nothing recorded of them, took 0.5 ms.
DEAREST_PATH_NS = 30_000
# To count a call costs about half of timing it.
COUNTED = 0.5


class Spent(NamedTuple):
    """What recording cost, about, in nanoseconds; together all that the report says it did.

    ``fixed_ns`` was spent on tests and fixtures, whatever they called, ``starting_ns`` on what a
    session does a few times: it measures what recording costs, and finds what is dear.
    """

    fixed_ns: float
    starting_ns: float
    by_function: Mapping[str, float]

    @property
    def total_ns(self) -> float:
        """All of it."""
        return self.fixed_ns + self.starting_ns + sum(self.by_function.values())


def find_spent(report: SessionReport) -> Spent:
    """What was taken out is shared among functions by calls, the rest by tests and call paths.

    What that would be too much for is left to the start.
    """
    taken_ns = sum(overhead.total_ns for overhead in report.overhead)
    freezing_ns = sum(overhead.freezing_ns for overhead in report.overhead)
    parts = (*report.tests, *report.fixtures)
    trees = [part.call_tree for part in parts if part.call_tree]
    fixed = PATHS_A_TEST * len(parts) + PATHS_A_RECORDING * len(trees)
    paths = Counter(chain.from_iterable(columns_of(tree).name for tree in trees))
    weights = {
        row.name: row.timed + COUNTED * (row.estimated + row.untimed) for row in report.functions
    }
    whole = sum(weights.values())
    units = paths.total() + fixed
    a_path_ns = min(freezing_ns / max(units, 1), DEAREST_PATH_NS)
    by_function = {
        name: taken_ns * weight / whole + paths[name] * a_path_ns
        for name, weight in weights.items()
        if weight > 0
    }
    return Spent(fixed * a_path_ns, freezing_ns - units * a_path_ns, by_function)


def advise(report: SessionReport) -> tuple[str, str]:
    """Where the cost is, and what to do about it, for a session that has exceeded its budget."""
    spent = find_spent(report)
    own_ns = report.session.work_ns - sum(overhead.total_ns for overhead in report.overhead)
    allowed_ns = (report.session.budget or 0.0) * max(report.session.process_ns or own_ns, 0)
    unavoidable_ns = spent.fixed_ns + spent.starting_ns
    if unavoidable_ns > allowed_ns and unavoidable_ns >= spent.total_ns / 2:
        is_start = spent.starting_ns > spent.fixed_ns
        return _start(report, spent) if is_start else _fixed(report, spent)
    dearest = _dearest(report, spent, allowed_ns)
    if not dearest:
        return "no function that can be left out stands out", _allow_more(report)
    (name, cost_ns), *others = dearest
    parts = [f"about {_part(spent, cost_ns)} of the overhead for {name}"]
    parts += [f"{_part(spent, cost_ns)} for {name}" for name, cost_ns in others]
    names = ",".join(f"!{name}" for name, _ in dearest)
    todo = f"leave {'them' if len(dearest) > 1 else 'it'} out: --timestamps-instrument='{names}'"
    if spent.total_ns - sum(cost_ns for _, cost_ns in dearest) > allowed_ns:
        todo += f", and {_allow_more(report)}"
    before = " before functions were left out" if report.left_out else ""
    return f"dearest to record{before}: {', '.join(parts)}", todo


def _fixed(report: SessionReport, spent: Spent) -> tuple[str, str]:
    is_one = len(report.tests) == 1
    what = (
        f"about {_part(spent, spent.fixed_ns)} of the overhead is for recording "
        f"{count(len(report.tests), 'test')}, whatever {'it calls' if is_one else 'they call'}"
    )
    compiled = all(overhead.compiled for overhead in report.overhead)
    core = "" if compiled else "install the package with its core compiled, "
    fewer = "" if is_one else ", or record a part of the tests"
    return what, f"to record fewer functions helps little: {core}{_allow_more(report)}{fewer}"


def _start(report: SessionReport, spent: Spent) -> tuple[str, str]:
    what = (
        f"about {_part(spent, spent.starting_ns)} of the overhead is for the session's start, when "
        "what is dear isn't known yet"
    )
    return what, f"a longer session makes up for it; for this one {_allow_more(report)}"


def _part(spent: Spent, cost_ns: float) -> str:
    return f"{100 * cost_ns / spent.total_ns:.0f}%"


def _allow_more(report: SessionReport) -> str:
    share = report.budget_share
    if share is None:
        return "allow more"
    return f"allow more, such as --timestamps-budget={math.ceil(100 * share)}%"


def _dearest(report: SessionReport, spent: Spent, allowed_ns: float) -> list[tuple[str, float]]:
    """As few as bring the cost within what is allowed, of those that a name can leave out."""
    patterns = [f"{one}.*" for one in report.session.instrumented]
    ranked = sorted(spent.by_function.items(), key=lambda item: (-item[1], item[0]))
    found: list[tuple[str, float]] = []
    left_ns = spent.total_ns
    for name, cost_ns in ranked:
        is_dear = cost_ns >= LEAST_PART * spent.total_ns
        if len(found) == NAMED or left_ns <= allowed_ns or not is_dear:
            break
        is_name = all(map(str.isidentifier, name.split(".")))
        if is_name and any(fnmatchcase(name, pattern) for pattern in patterns):
            found.append((name, cost_ns))
            left_ns -= cost_ns
    return found
