"""The statistical test, against values that are known."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_timestamps.analysis.significance import mann_whitney, spread

samples = st.lists(st.integers(0, 10**6), min_size=1, max_size=4, unique=True)


@pytest.mark.parametrize(
    ("base", "head", "p"),
    [
        ([1], [2], 1 / 2),
        ([1, 2, 3], [4, 5, 6], 1 / 20),
        ([4, 5, 6], [1, 2, 3], 1.0),
        ([1, 2, 3, 4, 5], [6, 7, 8, 9, 10], 1 / 252),
        ([1, 3, 5], [2, 4, 6], 7 / 20),
        ([7, 7, 7], [7, 7, 7], 1.0),
    ],
)
def test_p_is_the_share_of_orders_at_least_as_uneven(
    base: list[float], head: list[float], p: float
) -> None:
    """Exact for small samples: the tables of the Mann-Whitney test."""
    assert mann_whitney(base, head) == pytest.approx(p)


@given(samples, samples)
def test_exact_p_equals_counting_all_orders(base: list[int], head: list[int]) -> None:
    """The count by dynamic programming is the count of all arrangements, one by one."""
    values = [*base, *head]
    if len(set(values)) < len(values):
        return

    def wins(order: tuple[int, ...]) -> int:
        before, after = order[: len(base)], order[len(base) :]
        return sum(a > b for a in after for b in before)

    seen = wins(tuple(values))
    orders = list(permutations(values)) if len(values) <= 6 else []
    if orders:
        share = sum(wins(order) >= seen for order in orders) / len(orders)
        assert mann_whitney(base, head) == pytest.approx(share)


def test_ties_and_large_samples_are_approximated() -> None:
    """The approximation is close to the exact value, and ties don't make it certain."""
    base, head = list(range(0, 60, 2)), list(range(21, 81, 2))
    assert mann_whitney(base, head) < 0.001
    assert mann_whitney(head, base) > 0.99
    assert mann_whitney([1, 1, 2, 2], [1, 1, 2, 2]) == pytest.approx(0.5, abs=0.1)


def test_spread_is_not_led_by_one_outlier() -> None:
    """The median absolute deviation: a single slow session does not widen it."""
    assert spread([10, 11, 12, 13, 1000]) == 1
    assert spread([5]) == 0
