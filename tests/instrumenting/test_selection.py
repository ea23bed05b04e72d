"""Which modules and functions patterns stand for, and what is refused."""

from __future__ import annotations

import pytest

from pytest_timestamps.errors import ArgumentError, ArgumentTypeError
from pytest_timestamps.instrumenting.selection import Selection


@pytest.mark.parametrize(
    ("patterns", "taken", "left"),
    [
        (["shop"], ["shop", "shop.cart", "shop.cart.total"], ["shopping", "my.shop", "sho"]),
        (["shop.cart"], ["shop.cart", "shop.cart.total"], ["shop", "shop.carts"]),
        (["shop.*_views"], ["shop.a_views", "shop.x.b_views"], ["shop", "shop.views"]),
        (["shop,store"], ["shop", "store.x"], ["other"]),
        (["shop", "!shop.fast"], ["shop", "shop.faster"], ["shop.fast", "shop.fast.deep"]),
        (["shop, !shop.fast.*"], ["shop", "shop.fast"], ["shop.fast.deep"]),
        (["*"], ["shop", "json.decoder"], ["pytest_timestamps", "pytest_timestamps.collector"]),
    ],
)
def test_modules(patterns: list[str], taken: list[str], left: list[str]) -> None:
    """A name stands for itself and all below, a glob for what it matches; our own is never."""
    selection = Selection(*patterns)
    assert [name for name in taken + left if selection.takes_module(name)] == taken


def test_functions_can_be_left_out() -> None:
    """An exclusion is compared with the names of functions too."""
    selection = Selection("shop", "!shop.cart.Cart.*", "!shop.cart.total")
    assert selection.takes_function("shop.cart.other")
    assert not selection.takes_function("shop.cart.total")
    assert not selection.takes_function("shop.cart.Cart.add")


def test_unmatched_patterns_are_known() -> None:
    """A misspelt package is a pattern that brought nothing in."""
    assert Selection("shop", "shpo").unmatched({"shop.cart"}) == ["shpo"]


@pytest.mark.parametrize(
    ("patterns", "error", "said"),
    [
        ([], ArgumentError, "needs a package, module or glob to record, got nothing; '!' only"),
        (["!shop"], ArgumentError, "needs a package, module or glob to record, got '!shop'; '!'"),
        ([""], ArgumentError, "expects names such as .*, got '' in ''"),
        (["shop,,cart"], ArgumentError, "expects names such as .*, got '' in 'shop,,cart'"),
        (["shop cart"], ArgumentError, "expects names such as .*, got 'shop cart' in 'shop cart'"),
        (["src/shop"], ArgumentError, "expects names such as .*, got 'src/shop'"),
        ([3], ArgumentTypeError, "takes names of packages, got int: 3"),
    ],
)
def test_bad_patterns_are_refused(patterns: list[str], error: type[Exception], said: str) -> None:
    """The message says what was seen and what is expected."""
    with pytest.raises(error, match=f"instrument {said}"):
        Selection(*patterns)
