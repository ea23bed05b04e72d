"""What tests of thinning share: functions that are thinned by hand, or may be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytest_timestamps.recording.engine import ENGINE
from pytest_timestamps.recording.marks import MARKS
from pytest_timestamps.recording.naming import wrapper_site
from pytest_timestamps.recording.overhead import Cost, SpanCosts
from pytest_timestamps.recording.sites import Site
from pytest_timestamps.recording.thinned import Thinned
from pytest_timestamps.recording.thinning import Thinning

__all__ = ["COSTS", "KINDS", "Thin", "admitted", "free_ends", "is_thinned", "site_of"]

KINDS = ("block", "code", "wrapper", "suspendable code", "suspendable wrapper", "slow", "fold")
COSTS = SpanCosts(dict.fromkeys((*KINDS, "guarded fold"), Cost(100, 300)), 0.0)
"""A span costs 400 ns, 100 of them inside it."""

Thin = Callable[[Any, int | None], Thinned]
"""Thins a function at a rate."""


def site_of(function: Any) -> tuple[Any, Site]:
    """The key that closes the function's spans, and its site."""
    if MARKS is None:
        site = wrapper_site(function.__name__, function.__wrapped__)
        return site, site
    found = MARKS.site_of(function.__code__)
    assert found is not None
    return function.__code__, found


def admitted(function: Any) -> Any:
    """The function, as if nobody had decorated it."""
    ENGINE.thinning.admit(site_of(function)[1])
    return function


def is_thinned(function: Any) -> bool:
    """Are the function's calls counted?"""
    return site_of(function)[1].thinned is not None


def free_ends(thinning: Thinning) -> None:
    """Take the ends of captures to cost nothing: the clock of tests stands still meanwhile."""
    prices = thinning.budget._prices
    prices.path_ns = prices.fixed_ns = 0.0
