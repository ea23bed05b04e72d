"""Modules below their packages, as tables show them."""

from pytest_timestamps.analysis.module_tree import arrange_modules
from pytest_timestamps.analysis.modules import time_modules
from pytest_timestamps.analysis.timings import SortOrder
from tests.samples import path

TABLE = (
    path("shop.main", calls=9, total_ns=100, self_ns=10),
    path("shop.cart.add", parent=0, calls=1, total_ns=60, self_ns=40),
    path("shop.cart.add.part", parent=1, calls=2, total_ns=20),
    path("shop.stock.count", parent=0, calls=3, total_ns=30),
    path("lib.one.only.f", calls=4, total_ns=35),
    path("lib.one.only.m.f", calls=1, total_ns=1),
    path("bank.core.pay", calls=1, total_ns=5),
)
MODULES = {
    "shop", "shop.cart", "shop.cart.items", "shop.stock", "lib.one.only", "lib.one.only.m",
    "bank.core",
}  # fmt: skip
TIMINGS = time_modules(TABLE, MODULES)


def lines(sort: SortOrder = "self", limit: int | None = None) -> list[str]:
    return [
        "  " * line.depth + line.label for line in arrange_modules(TIMINGS, sort=sort, limit=limit)
    ]


def test_packages_stand_above_their_modules() -> None:
    """By self time at each level; what a package defines itself is its ``__init__``."""
    assert lines() == [
        "shop",
        "  .cart",
        "  .stock",
        "  .__init__",
        "lib.one.only",
        "  .__init__",
        "  .m",
        "bank.core",
    ]


def test_a_limit_counts_modules() -> None:
    """The hottest ones, with the packages that they lie in."""
    assert lines(limit=1) == ["shop", "  .cart"]
    assert lines(limit=2) == ["shop", "  .cart", "lib.one.only", "  .__init__"]
    assert lines(limit=0) == []


def test_other_orders() -> None:
    """By calls and by total the same tree has other branches first."""
    assert lines("calls", 2) == ["shop", "  .__init__", "lib.one.only", "  .__init__"]
    assert lines("total", 2) == ["shop", "  .__init__", "  .cart"]


def test_nothing_has_no_lines() -> None:
    """No module, no tree."""
    assert arrange_modules([]) == ()
