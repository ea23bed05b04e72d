"""Which module a recorded function is in, as the process knows that recorded it."""

from collections.abc import Callable
from typing import Any

import pytest

from pytest_timestamps.plugin.modules import ModuleFinder
from tests.plugin.conftest import Run
from tests.samples import path, recording

Written = Callable[..., dict[str, Any]]


def test_each_module_is_named_once() -> None:
    """With the first recording that has a function of it; names by hand have none."""
    finder = ModuleFinder(imported=lambda: {"shop", "shop.cart"})
    first = recording(path("shop.cart.Cart.add"), path("by hand"), path("shop.total"))
    assert finder.new_in(first) == ("shop", "shop.cart")
    assert finder.new_in(first) == ()
    assert finder.new_in(recording(path("shop.cart.Cart.remove"))) == ()


def test_a_name_keeps_the_module_that_it_had_first() -> None:
    """Tests that take modules out of ``sys.modules`` change nothing afterwards."""
    imported = {"shop", "shop.cart"}
    finder = ModuleFinder(imported=lambda: imported)
    assert finder.new_in(recording(path("shop.cart.Cart.add"))) == ("shop.cart",)
    imported.remove("shop.cart")
    assert finder.new_in(recording(path("shop.cart.Cart.add"))) == ()


def test_instrumented_modules_count_when_they_are_gone() -> None:
    """A module that a test imported and removed again is still its functions' module."""
    finder = ModuleFinder(instrumented=lambda: {"shop.late"}, imported=lambda: {"shop"})
    assert finder.new_in(recording(path("shop.late.f"))) == ("shop.late",)


@pytest.fixture
def package(suite: pytest.Pytester) -> pytest.Pytester:
    """A package ``store`` of three modules, one of which a test imports and removes again."""
    suite.mkpydir("store")
    for name, text in {
        "__init__": "def start(): pass",
        "cart": "class Cart:\n    def add(self):\n        from store import prices\n"
        "        return prices.price()",
        "prices": "def price():\n    return 2",
        "late": "def f(): pass",
    }.items():
        (suite.path / "store" / f"{name}.py").write_text(text)
    suite.makepyfile(
        test_store="""
        import store, sys
        from store.cart import Cart

        def test_add():
            store.start()
            Cart().add()

        def test_late():
            import store.late
            store.late.f()
            del sys.modules["store.late"]
        """
    )
    return suite


def test_the_report_has_modules_and_packages(
    package: pytest.Pytester, run: Run, written: Written
) -> None:
    """The same rows without xdist and with it, and a table on the terminal."""
    result = run("--timestamps-instrument=store", "--timestamps-report=json")
    result.assert_outcomes(passed=2)
    made = written()
    assert made["session"]["instrumented"] == ["store"]
    rows = {(row["name"], row["kind"]): (row["functions"], row["calls"]) for row in made["modules"]}
    assert rows == {
        ("store", "package"): (4, 4),
        ("store", "module"): (1, 1),
        ("store.cart", "module"): (1, 1),
        ("store.prices", "module"): (1, 1),
        ("store.late", "module"): (1, 1),
    }
    by_name = {row["name"]: row for row in made["modules"]}
    assert by_name["store.cart"]["cumulative_ns"] > by_name["store.cart"]["self_ns"]
    result.stdout.fnmatch_lines(["*= modules =*", "store *4 *", "  .*"])


@pytest.fixture
def decorated(suite: pytest.Pytester) -> pytest.Pytester:
    """A module ``bank`` whose function has its default name, and a test of it."""
    suite.makepyfile(
        bank="from pytest_timestamps import timestamp\n\n@timestamp\ndef pay(): pass",
        test_it="import bank\ndef test_it(): bank.pay()",
    )
    return suite


def test_decorated_functions_have_modules_too(
    decorated: pytest.Pytester, alone: Run, written: Written
) -> None:
    """In the report for programs; the terminal shows them when asked to."""
    result = alone("--timestamps", "--timestamps-report=json")
    assert [row["name"] for row in written()["modules"]] == ["bank"]
    assert "= modules =" not in result.stdout.str()


def test_the_table_is_asked_for_by_an_option(decorated: pytest.Pytester, alone: Run) -> None:
    """Or by its ini twin; 0 leaves it out."""
    expected = ["*= hotspots =*", "bank *", "  pay *", "*= modules =*", "bank *"]
    alone("--timestamps-modules=5").stdout.fnmatch_lines(expected)
    decorated.makeini("[pytest]\ntimestamps_modules = 5\n")
    alone("--timestamps").stdout.fnmatch_lines(expected)
    result = alone("--timestamps-instrument=bank", "--timestamps-modules=0")
    assert "= modules =" not in result.stdout.str()
    result.stdout.fnmatch_lines(["bank.pay *"])
