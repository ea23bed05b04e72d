"""How far two rankings of the same package's functions agree."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.packages.self_times import Times

__all__ = ["Agreement", "added", "agreement", "hottest"]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How many of the five and ten hottest functions are among the reference's.

    ``weight`` is the reference's time in these ten, as a share of that in its own ten: it tells a
    swap of two equals at the tenth place from a function that was missed.
    """

    five: int
    ten: int
    weight: float


def hottest(times: Times, limit: int) -> list[str]:
    """The names with the most self time."""
    return sorted(times, key=lambda name: (-times[name], name))[:limit]


def agreement(times: Times, reference: Sequence[Times]) -> Agreement:
    """Compare with the rounds of the reference, of which there is at least one.

    What is among the five in all of its rounds belongs there. Places that its rounds give to one
    function or another are right with any of these: it doesn't say which.
    """
    sums = added(reference)
    mine, theirs = hottest(times, 10), hottest(sums, 10)
    return Agreement(
        _shared(times, reference, 5),
        _shared(times, reference, 10),
        sum(sums.get(name, 0.0) for name in mine) / (sum(sums[name] for name in theirs) or 1.0),
    )


def _shared(times: Times, reference: Sequence[Times], limit: int) -> int:
    mine = set(hottest(times, limit))
    rounds = [set(hottest(one, limit)) for one in reference]
    sure = set.intersection(*rounds)
    others = set.union(*rounds) - sure
    return len(mine & sure) + min(len(mine & others), limit - len(sure))


def added(rounds: Iterable[Times]) -> Times:
    """The sums over several runs."""
    sums: dict[str, float] = {}
    for times in rounds:
        for name, self_s in times.items():
            sums[name] = sums.get(name, 0.0) + self_s
    return sums
