"""Which functions were thinned, counted only or left out: in few words, however many."""

from collections.abc import Callable, Collection, Sequence

from pytest_timestamps.analysis.text import count, printable
from pytest_timestamps.analysis.timings import Timing

__all__ = ["NAMED", "thinning_lines"]

NAMED = 3
_CALLERS = "(≤, ? for callers among them)"


def thinning_lines(
    functions: Sequence[Timing],
    named: int | None = NAMED,
    left_out: Collection[str] = (),
    where: str = "",
) -> list[str]:
    """A line each of the functions that were thinned, that were only counted, and ``left_out``.

    ``where`` says in which tests the latter were. Each begins with the mark that such times have,
    and says what it means; with no such functions there is none. At most ``named`` functions by
    name, those with the most such calls; None names all.
    """
    thinned = sorted((t for t in functions if t.estimated), key=lambda t: (-t.estimated, t.name))
    counted = sorted((t for t in functions if t.untimed), key=lambda t: (-t.untimed, t.name))
    lines: list[str] = []
    if thinned:
        calls = sum(timing.calls - timing.untimed for timing in thinned)
        rate = _rate(calls, sum(timing.timed for timing in thinned))
        lines.append(
            f"~ estimated: {count(len(thinned), 'function')} thinned, with {rate} timed: "
            f"{_listed(thinned, named, _rate_of)}"
        )
    if counted:
        calls = sum(timing.untimed for timing in counted)
        lines.append(
            f"≥ counted only: {count(len(counted), 'function')}, {count(calls, 'call')} whose time "
            f"is with their callers {_CALLERS}: {_listed(counted, named, _counted_of)}"
        )
    if left_out:
        missed = sorted(
            (timing for timing in functions if timing.name in left_out),
            key=lambda timing: (-timing.calls, timing.name),
        )
        lines.append(
            f"≥ left out: {count(len(left_out), 'function')}{where}, whose calls and times are at "
            f"least these, and whose time is with their callers {_CALLERS}: "
            f"{_listed(missed, named, _seen_of)}"
        )
    return lines


def _seen_of(timing: Timing) -> str:
    return f"after {count(timing.calls, 'call')}"


def _rate(calls: int, timed: int) -> str:
    if timed <= 0:
        return "no call"
    often = round(calls / timed)
    return f"1 call in {often:,}" if often > 1 else f"{timed:,} of {calls:,} calls"


def _rate_of(timing: Timing) -> str:
    calls = timing.calls - timing.untimed
    often = round(calls / timing.timed) if timing.timed > 0 else 0
    # one that was thinned late has most of its calls timed
    timed = f"1 in {often:,}" if often > 1 else f"{timing.timed:,}" if often else "none"
    return f"{timed} of {calls:,}"


def _counted_of(timing: Timing) -> str:
    all_of = "" if timing.untimed >= timing.calls else f" of {timing.calls:,}"
    return f"{timing.untimed:,}{all_of}"


def _listed(timings: Sequence[Timing], named: int | None, say: Callable[[Timing], str]) -> str:
    shown = [f"{printable(timing.name)} ({say(timing)})" for timing in timings[:named]]
    left = len(timings) - len(shown)
    return ", ".join(shown) + (f" and {left:,} more" if left else "")
