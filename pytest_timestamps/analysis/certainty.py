"""How far a time is known where not every call was timed: the mark before the figure.

`~` is an estimate, `≥` lacks a part of the time and `≤` holds a part of another's, `-` is unknown.
A time that is known has no mark.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from pytest_timestamps.analysis.modules import ModuleTiming, find_module, keys_of
from pytest_timestamps.analysis.text import format_ns, format_share
from pytest_timestamps.analysis.timings import Timing
from pytest_timestamps.recording.results import PathStats

__all__ = [
    "UNKNOWN",
    "Callers",
    "Marks",
    "TimeTexts",
    "find_callers",
    "mark_modules",
    "mark_self",
    "mark_total",
    "marked",
    "share_text",
    "time_texts",
]

UNKNOWN = "-"


class Callers(NamedTuple):
    """The names whose self time depends on the times of what they call.

    Those of estimated calls had the estimate taken out of theirs, those of calls that were only
    counted have these calls' time in theirs.
    """

    of_estimated: Collection[str] = frozenset()
    of_counted: Collection[str] = frozenset()


_NO_CALLERS = Callers()


def find_callers(timings: Iterable[Timing], paths: Sequence[PathStats]) -> Callers:
    """The callers in a table with these timings; a caller has no part in what ran beside it."""
    if not any(timing.estimated or timing.untimed for timing in timings):
        return _NO_CALLERS
    inside = [row for row in paths if row.parent >= 0 and not row.detached]
    return Callers(
        frozenset(paths[row.parent].name for row in inside if row.estimated),
        frozenset(paths[row.parent].name for row in inside if row.untimed),
    )


class TimeTexts(NamedTuple):
    """A function's times as people read them, each with its mark."""

    total: str
    self: str
    average: str
    min: str
    max: str


def time_texts(timing: Timing, callers: Callers) -> TimeTexts:
    """All times of the function; the extremes are those of the calls that were timed."""
    average = "~" if timing.estimated else ""
    extremes = "~" if timing.timed < timing.calls else ""
    if _has_no_time(timing):
        average = extremes = UNKNOWN
    elif timing.timed <= 0 < timing.calls:
        extremes = UNKNOWN
    return TimeTexts(
        marked(mark_total(timing), timing.total_ns),
        marked(mark_self(timing, callers), timing.self_ns),
        marked(average, timing.avg_ns),
        marked(extremes, timing.min_ns),
        marked(extremes, timing.max_ns),
    )


def share_text(part_ns: int, text: str, whole_ns: int) -> str:
    """The share of a time whose text is this one: what is unknown is no share of anything."""
    return UNKNOWN if text == UNKNOWN else format_share(part_ns, whole_ns)


def mark_total(timing: Timing) -> str:
    """The mark of the function's total time."""
    if _has_no_time(timing):
        return UNKNOWN
    return _mark(bool(timing.estimated), bool(timing.untimed), False)


def mark_self(timing: Timing, callers: Callers) -> str:
    """The mark of its self time."""
    if _has_no_time(timing):
        return UNKNOWN
    return _mark(
        bool(timing.estimated) or timing.name in callers.of_estimated,
        bool(timing.untimed),
        timing.name in callers.of_counted,
    )


def marked(mark: str, duration_ns: int) -> str:
    """The time with its mark, or a dash."""
    return UNKNOWN if mark == UNKNOWN else f"{mark}{format_ns(duration_ns)}"


def _has_no_time(timing: Timing) -> bool:
    return bool(timing.untimed) and timing.untimed >= timing.calls


def _mark(is_estimated: bool, lacks: bool, holds: bool) -> str:
    """Where a part is lacking and another is too much, nothing is left but an estimate."""
    if lacks and holds:
        return "~"
    return ("≥" if lacks else "≤" if holds else "") + ("~" if is_estimated else "")


class Marks(NamedTuple):
    """The marks of a module's or a package's times."""

    self: str = ""
    total: str = ""


class _Bits:
    """What is known of the times of modules and packages, each of these a bit."""

    def __init__(self) -> None:
        self.estimated = self.lacking = self.holding = 0

    def mark(self, bit: int, duration_ns: int) -> str:
        found = _mark(
            bool(self.estimated & bit), bool(self.lacking & bit), bool(self.holding & bit)
        )
        # Not one of its calls was timed: a package of functions that were only counted.
        return UNKNOWN if found == "≥" and not duration_ns else found


def mark_modules(
    functions: Iterable[Timing], table: Sequence[PathStats], timings: Iterable[ModuleTiming]
) -> Mapping[ModuleTiming, Marks]:
    """The marks of those modules and packages that have any; ``functions`` are the table's.

    Time that is estimated or counted with the caller only moves between the caller and the called:
    it bends the sum of a module or a package only where one of the two is outside.
    """
    if not any(timing.estimated or timing.untimed for timing in functions):
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
    found = {
        row: Marks(own.mark(bit, row.self_ns), total.mark(bit, row.cumulative_ns))
        for row, bit in zip(rows, bits.values(), strict=True)
    }
    return {row: marks for row, marks in found.items() if any(marks)}
