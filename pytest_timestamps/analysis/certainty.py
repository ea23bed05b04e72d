"""How far a time is known where not every call was timed: the mark before the figure.

`~` is an estimate, `≥` lacks a part of the time and `≤` holds a part of another's, `?` does both,
so that it may be more or less, and `-` is unknown.
A time that is known has no mark. Of a function that was left out the calls have a mark, too.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from pytest_timestamps.analysis.modules import ModuleTiming, find_module, keys_of
from pytest_timestamps.analysis.text import format_ns, format_share
from pytest_timestamps.analysis.timings import Timing
from pytest_timestamps.recording.results import PathStats

__all__ = [
    "MEANINGS",
    "NO_CALLERS",
    "UNBOUNDED",
    "UNKNOWN",
    "Callers",
    "Marks",
    "TimeTexts",
    "find_callers",
    "function_marks",
    "mark_calls",
    "mark_modules",
    "mark_self",
    "mark_total",
    "marked",
    "share_text",
    "time_texts",
]

UNKNOWN = "-"
UNBOUNDED = "?"
# What the marks mean, for programs.
MEANINGS: Mapping[str, str] = {
    "~": "estimated",
    "≥": "at least",
    "≤": "at most",
    "≥~": "at least, estimated",
    "≤~": "at most, estimated",
    UNBOUNDED: "not bounded",
    UNKNOWN: "unknown",
}


class Callers(NamedTuple):
    """The names whose self time depends on the times of what they call.

    Those of estimated calls had the estimate taken out of theirs, those of calls that were only
    counted have these calls' time in theirs. ``left_out`` are the names of which there were calls
    that nothing tells of; who made them is not known, so that all who were called meanwhile are
    taken to be their callers, and are among those of counted calls.
    """

    of_estimated: Collection[str] = frozenset()
    of_counted: Collection[str] = frozenset()
    left_out: Collection[str] = frozenset()


NO_CALLERS = Callers()


def find_callers(
    timings: Iterable[Timing],
    paths: Sequence[PathStats],
    left_out: Collection[str] = (),
    meanwhile: Collection[str] = (),
) -> Callers:
    """The callers in a table with these timings; a caller has no part in what ran beside it.

    ``meanwhile`` are the names that were called while those that are ``left_out`` were.
    """
    if not any(timing.estimated or timing.untimed for timing in timings):
        if not left_out:
            return NO_CALLERS
        return Callers(frozenset(), frozenset(meanwhile), frozenset(left_out))
    inside = [row for row in paths if row.parent >= 0 and not row.detached]
    return Callers(
        frozenset(paths[row.parent].name for row in inside if row.estimated),
        frozenset(paths[row.parent].name for row in inside if row.untimed).union(meanwhile),
        frozenset(left_out),
    )


class Marks(NamedTuple):
    """The marks of the times of a function, a module or a package, and of its calls."""

    self: str = ""
    total: str = ""
    calls: str = ""


class TimeTexts(NamedTuple):
    """A function's calls and times as people read them, each with its mark."""

    total: str
    self: str
    average: str
    min: str
    max: str
    calls: str
    errors: str


def time_texts(timing: Timing, callers: Callers) -> TimeTexts:
    """All times of the function; the extremes are those of the calls that were timed."""
    is_left_out = timing.name in callers.left_out
    average = "~" if timing.estimated or is_left_out else ""
    extremes = "~" if timing.timed < timing.calls or is_left_out else ""
    if _has_no_time(timing):
        average = extremes = UNKNOWN
    elif timing.timed <= 0 < timing.calls:
        extremes = UNKNOWN
    least = mark_calls(timing.name, callers)
    return TimeTexts(
        marked(mark_total(timing, callers), timing.total_ns),
        marked(mark_self(timing, callers), timing.self_ns),
        marked(average, timing.avg_ns),
        marked(extremes, timing.min_ns),
        marked(extremes, timing.max_ns),
        f"{least}{timing.calls:,}",
        f"{least}{timing.errors:,}",
    )


def share_text(part_ns: int, text: str, whole_ns: int) -> str:
    """The share of a time whose text is this one: what is unknown is no share of anything."""
    return UNKNOWN if text == UNKNOWN else format_share(part_ns, whole_ns)


def mark_calls(name: str, callers: Callers) -> str:
    """The mark of the function's calls and errors."""
    return "≥" if name in callers.left_out else ""


def mark_total(timing: Timing, callers: Callers = NO_CALLERS) -> str:
    """The mark of the function's total time."""
    if _has_no_time(timing):
        return UNKNOWN
    return _mark(bool(timing.estimated), _lacks(timing, callers), False)


def mark_self(timing: Timing, callers: Callers) -> str:
    """The mark of its self time."""
    if _has_no_time(timing):
        return UNKNOWN
    return _mark(
        bool(timing.estimated) or timing.name in callers.of_estimated,
        _lacks(timing, callers),
        timing.name in callers.of_counted,
    )


def function_marks(timing: Timing, callers: Callers) -> Marks:
    """All three marks of a function."""
    return Marks(
        mark_self(timing, callers), mark_total(timing, callers), mark_calls(timing.name, callers)
    )


def marked(mark: str, duration_ns: int) -> str:
    """The time with its mark, or a dash."""
    return UNKNOWN if mark == UNKNOWN else f"{mark}{format_ns(duration_ns)}"


def _lacks(timing: Timing, callers: Callers) -> bool:
    return bool(timing.untimed) or timing.name in callers.left_out


def _has_no_time(timing: Timing) -> bool:
    return bool(timing.untimed) and timing.untimed >= timing.calls


def _mark(is_estimated: bool, lacks: bool, holds: bool) -> str:
    """Where a part is lacking and another is too much, the time may be more or less."""
    if lacks and holds:
        return UNBOUNDED
    return ("≥" if lacks else "≤" if holds else "") + ("~" if is_estimated else "")


class _Bits:
    """What is known of the times of modules and packages, each of these a bit."""

    def __init__(self) -> None:
        self.estimated = self.lacking = self.holding = self.left_out = 0

    def mark(self, bit: int, duration_ns: int) -> str:
        found = _mark(
            bool(self.estimated & bit), bool(self.lacking & bit), bool(self.holding & bit)
        )
        # Not one of its calls was timed: a package of functions that were only counted.
        return UNKNOWN if found == "≥" and not duration_ns else found

    def mark_calls(self, bit: int) -> str:
        return "≥" if self.left_out & bit else ""


def mark_modules(
    functions: Iterable[Timing],
    table: Sequence[PathStats],
    timings: Iterable[ModuleTiming],
    callers: Callers = NO_CALLERS,
) -> Mapping[ModuleTiming, Marks]:
    """The marks of those modules and packages that have any; ``functions`` are the table's.

    Time that is estimated or counted with the caller only moves between the caller and the called:
    it bends the sum of a module or a package only where one of the two is outside.
    """
    is_plain = not any(timing.estimated or timing.untimed for timing in functions)
    if is_plain and not callers.left_out:
        return {}
    rows = list(timings)
    bits = {(row.name, row.kind): 1 << at for at, row in enumerate(rows)}
    modules = {row.name for row in rows if row.kind == "module"}
    packages = {row.name for row in rows if row.kind == "package"}
    of_module: dict[str, int] = {"": 0}
    for module in modules:
        of_module[module] = sum(bits.get(key, 0) for key in keys_of(module, packages))
    of_name = {name: of_module[find_module(name, modules)] for name in {row.name for row in table}}
    own, total = _Bits(), _Bits()
    above: list[int] = []
    for row in table:
        its = of_name[row.name]
        is_inside = row.parent >= 0 and not row.detached
        caller = of_name[table[row.parent].name] if is_inside else 0
        over = above[row.parent] if is_inside else 0
        above.append(over | its)
        if row.estimated:
            own.estimated |= its ^ caller
            total.estimated |= its & ~over
        if row.untimed:
            own.lacking |= its & ~caller
            own.holding |= caller & ~its
            total.lacking |= its & ~over
    for name in callers.left_out:
        lacking = of_name.get(name, 0)
        own.lacking |= lacking
        total.lacking |= lacking
        own.left_out |= lacking
    if callers.left_out:
        for name in callers.of_counted:
            own.holding |= of_name.get(name, 0)
    found = {
        row: Marks(
            own.mark(bit, row.self_ns), total.mark(bit, row.cumulative_ns), own.mark_calls(bit)
        )
        for row, bit in zip(rows, bits.values(), strict=True)
    }
    return {row: marks for row, marks in found.items() if any(marks)}
