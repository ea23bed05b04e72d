"""Is a difference more than noise? Medians, their spread, and one statistical test."""

from collections.abc import Sequence
from math import erfc, sqrt
from statistics import median

__all__ = ["mann_whitney", "spread"]

# Above this many pairs the normal approximation is as good, and the exact count is slow.
EXACT_PAIRS = 400


def spread(sample: Sequence[float]) -> float:
    """The median absolute deviation from the median."""
    middle = median(sample)
    return median(abs(value - middle) for value in sample)


def mann_whitney(base: Sequence[float], head: Sequence[float]) -> float:
    """How likely ``head`` lies this much above ``base`` if nothing had changed (one-sided p).

    The Mann-Whitney U test: it compares ranks, so it needs no assumption on how times are
    distributed. Exact for small samples without ties, else by the normal approximation with
    corrections for ties and continuity.
    """
    wins = sum((after > before) + (after == before) / 2 for after in head for before in base)
    values = [*base, *head]
    if len(base) * len(head) <= EXACT_PAIRS and len(set(values)) == len(values):
        return _exact(len(base), len(head), round(wins))
    return _approximate(base, head, wins)


def _exact(n: int, m: int, wins: int) -> float:
    """The share of all orders of n + m values in which ``wins`` or more pairs are won."""
    # ways[j][u]: orders of the values seen so far with j of them in head and u pairs won.
    ways = [[0] * (n * m + 1) for _ in range(m + 1)]
    ways[0][0] = 1
    for seen in range(n + m):
        following = [[0] * (n * m + 1) for _ in range(m + 1)]
        for above, row in enumerate(ways):
            below = seen - above
            for won, number in enumerate(row):
                if not number:
                    continue
                if below < n:
                    following[above][won] += number
                if above < m:
                    following[above + 1][won + below] += number
        ways = following
    return sum(ways[m][wins:]) / sum(ways[m])


def _approximate(base: Sequence[float], head: Sequence[float], wins: float) -> float:
    n, m = len(base), len(head)
    total = n + m
    sizes: dict[float, int] = {}
    for value in (*base, *head):
        sizes[value] = sizes.get(value, 0) + 1
    ties = sum(size**3 - size for size in sizes.values())
    variance = n * m / 12 * (total + 1 - ties / (total * (total - 1)))
    if variance <= 0:
        return 1.0
    return erfc((wins - n * m / 2 - 0.5) / sqrt(2 * variance)) / 2
