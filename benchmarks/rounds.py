"""Fair timing on a machine whose clock drifts: short rounds in which every subject has a turn.

A ratio is formed within each round, where all subjects saw the same clock speed, and the median
over the rounds is the result.
Medians of separate runs would compare one minute's machine with another's: speeds that differ
by 1.7 × within a run are ordinary on shared machines.
"""

import gc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median, quantiles

__all__ = ["Rounds", "Subject", "interleave"]


@dataclass(frozen=True, slots=True)
class Subject:
    """Something to time: ``run(n)`` does it ``n * calls_per_iteration`` times, and tells the ns.

    Setting up and tearing down belong in ``run``, outside the part that it times.
    """

    name: str
    run: Callable[[int], int]
    calls_per_iteration: int = 1


@dataclass(frozen=True, slots=True)
class Rounds:
    """Nanoseconds per call, one figure a round, for each subject by name."""

    ns_per_call: dict[str, list[float]]

    def __contains__(self, name: object) -> bool:
        return name in self.ns_per_call

    def ns(self, name: str) -> float:
        """The median over the rounds."""
        return median(self.ns_per_call[name])

    def ratio(self, name: str, base: str) -> float:
        """The median of the rounds' ratios."""
        return median(self._ratios(name, base))

    def ratio_spread(self, name: str, base: str) -> float:
        """Half the interquartile range of the rounds' ratios."""
        low, _, high = quantiles(self._ratios(name, base), n=4)
        return (high - low) / 2

    def difference(self, name: str, base: str) -> float:
        """The median of the rounds' differences, in ns per call."""
        pairs = zip(self.ns_per_call[name], self.ns_per_call[base], strict=True)
        return median(mine - theirs for mine, theirs in pairs)

    def _ratios(self, name: str, base: str) -> list[float]:
        pairs = zip(self.ns_per_call[name], self.ns_per_call[base], strict=True)
        return [mine / theirs for mine, theirs in pairs]


def interleave(subjects: Sequence[Subject], *, rounds: int, slice_ns: int = 1_000_000) -> Rounds:
    """Time every subject once a round, ``slice_ns`` each; each round starts at another one."""
    iterations = {subject.name: _iterations(subject, slice_ns) for subject in subjects}
    figures: dict[str, list[float]] = {subject.name: [] for subject in subjects}
    gc_was_on = gc.isenabled()
    gc.disable()
    try:
        for number in range(rounds):
            if number % 10 == 0:
                gc.collect()
            start = number % len(subjects)
            for subject in (*subjects[start:], *subjects[:start]):
                n = iterations[subject.name]
                elapsed_ns = subject.run(n)
                figures[subject.name].append(elapsed_ns / (n * subject.calls_per_iteration))
    finally:
        if gc_was_on:
            gc.enable()
    return Rounds(figures)


def _iterations(subject: Subject, slice_ns: int) -> int:
    """How many iterations fill the slice; the first runs also warm the code up."""
    trial = 8
    elapsed_ns = min(subject.run(trial) for _ in range(3))
    return max(trial, round(slice_ns * trial / max(elapsed_ns, 1)))
