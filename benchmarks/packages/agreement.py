"""How far two rankings of the same package's functions agree."""

from collections.abc import Iterable
from dataclasses import dataclass

from benchmarks.packages.self_times import SelfTimes

__all__ = ["Agreement", "added", "agreement", "hottest"]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How many of the reference's five and ten hottest functions are among the other's.

    ``weight`` is the reference's time in the other's ten, as a share of that in its own ten: it
    tells a swap of two equals at the tenth place from a function that was missed.
    """

    five: int
    ten: int
    weight: float


def hottest(times: SelfTimes, limit: int) -> list[str]:
    """The names with the most self time."""
    return sorted(times, key=lambda name: (-times[name], name))[:limit]


def agreement(times: SelfTimes, reference: SelfTimes) -> Agreement:
    """Compare with the reference."""
    five = set(hottest(times, 5)) & set(hottest(reference, 5))
    mine, theirs = hottest(times, 10), hottest(reference, 10)
    weight_s = sum(reference.get(name, 0.0) for name in mine)
    return Agreement(
        len(five),
        len({*mine} & {*theirs}),
        weight_s / (sum(reference[name] for name in theirs) or 1.0),
    )


def added(rounds: Iterable[SelfTimes]) -> SelfTimes:
    """The sums over several runs."""
    sums: dict[str, float] = {}
    for times in rounds:
        for name, self_s in times.items():
            sums[name] = sums.get(name, 0.0) + self_s
    return sums
