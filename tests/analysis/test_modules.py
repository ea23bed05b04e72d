"""Figures per module and package: which module a name is in, and whose time a call path's is."""

from collections.abc import Iterator
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_timestamps.analysis.merging import merge_paths
from pytest_timestamps.analysis.modules import (
    ModuleTiming,
    find_module,
    packages_above,
    time_modules,
)
from pytest_timestamps.recording.results import PathStats
from tests.samples import path

KNOWN = {"shop", "shop.cart", "shop.cart.items", "bank"}


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("shop.cart.Cart.add", "shop.cart"),
        ("shop.cart.items.count", "shop.cart.items"),
        ("shop.total", "shop"),
        ("shop.total.<locals>.inner", "shop"),
        ("shopping.total", ""),
        ("shop.cart", "shop"),
        ("shop", ""),
        ("load.north.users", ""),
        ("", ""),
        (".", ""),
        ("GET /cart.html", ""),
    ],
)
def test_a_module_is_the_longest_beginning(name: str, module: str) -> None:
    """Whole words count, and a name is a function of what stands before its last dot."""
    assert find_module(name, KNOWN) == module


def test_packages_are_named_from_the_nearest() -> None:
    """Each dot begins one."""
    assert list(packages_above("a.b.c")) == ["a.b", "a"]
    assert list(packages_above("a")) == []


def rows_of(table: tuple[PathStats, ...], *modules: str) -> dict[tuple[str, str], tuple[int, ...]]:
    rows = time_modules(table, modules or tuple(KNOWN))
    return {(row.name, row.kind): tuple(row[2:]) for row in rows}


def test_a_package_counts_all_that_is_in_it() -> None:
    """Functions, calls, errors and self times are sums, of the package's own functions too."""
    table = (
        path("shop.total", calls=2, total_ns=100, self_ns=30),
        path("shop.cart.Cart.add", parent=0, calls=5, errors=1, total_ns=40),
        path("bank.pay", parent=0, calls=3, total_ns=30),
        path("by hand", parent=0, total_ns=7),
    )
    assert rows_of(table) == {
        ("shop", "package"): (2, 7, 1, 70, 107),
        ("shop", "module"): (1, 2, 0, 30, 107),
        ("shop.cart", "module"): (1, 5, 1, 40, 40),
        ("bank", "module"): (1, 3, 0, 30, 30),
    }


def test_most_self_time_comes_first() -> None:
    """Ties are broken by name, then a module stands before its package."""
    table = (path("b.f", self_ns=5), path("a.f", self_ns=5), path("a.m.f", self_ns=0))
    rows = time_modules(table, {"a", "b", "a.m"})
    assert [(row.name, row.kind) for row in rows] == [
        ("a", "module"),
        ("a", "package"),
        ("b", "module"),
        ("a.m", "module"),
    ]


def test_a_path_that_comes_back_counts_once() -> None:
    """From the outermost span of the package on, whatever lies between it and the next one."""
    table = (
        path("shop.cart.a", total_ns=60, self_ns=10),
        path("bank.pay", parent=0, total_ns=50, self_ns=20),
        path("shop.cart.b", parent=1, total_ns=30),
    )
    assert rows_of(table)["shop", "package"] == (2, 2, 0, 40, 60)
    assert rows_of(table)["shop.cart", "module"] == (2, 2, 0, 40, 60)
    assert rows_of(table)["bank", "module"] == (1, 1, 0, 20, 50)


def test_recursion_that_was_folded_counts_once() -> None:
    """A visitor's callees are its rows side by side, each with the others' time in its total."""
    table = (
        path("shop.visit", total_ns=100, self_ns=10),
        path("shop.cart.visit_outer", parent=0, total_ns=90, self_ns=50),
        path("shop.cart.visit_inner", parent=0, total_ns=40),
    )
    assert rows_of(table)["shop.cart", "module"] == (2, 2, 0, 90, 90)
    assert rows_of(table)["shop", "package"] == (3, 3, 0, 100, 100)


def test_what_ran_beside_is_on_no_stack_but_its_own() -> None:
    """A task's time is its own module's, not that of the module that started it."""
    table = (
        path("shop.total", total_ns=10),
        path("bank.fetch", parent=0, detached=True, total_ns=500),
        path("shop.cart.add", parent=1, total_ns=40),
    )
    assert rows_of(table)["bank", "module"] == (1, 1, 0, 500, 540)
    assert rows_of(table)["shop", "package"] == (2, 2, 0, 50, 50)


def test_names_without_a_module_are_in_no_row() -> None:
    """And a module without a function that was called has none."""
    assert time_modules((path("by hand"), path("load.users")), KNOWN) == ()
    assert time_modules((), KNOWN) == ()


NAMES = ("p.x.f", "p.x.g", "p.y.f", "p.f", "q.z.f", "by hand")
MODULES = {"p", "p.x", "p.y", "q.z"}
Span = tuple[str, int, int, list["Span"]]
SPANS = st.recursive(
    st.tuples(st.sampled_from(NAMES), st.integers(0, 9), st.just(0), st.just([])),
    lambda inner: st.tuples(
        st.sampled_from(NAMES), st.integers(0, 9), st.integers(0, 9), st.lists(inner, max_size=4)
    ),
    max_leaves=25,
)


def ticks(span: Span, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], int]]:
    """The names on the stack, and for how long: the span's own time around its callees'."""
    name, before, after, below = span
    stack = (*above, name)
    yield stack, before
    for inner in below:
        yield from ticks(inner, stack)
    yield stack, after


def table_of(stacks: list[tuple[tuple[str, ...], int]], folds: bool) -> tuple[PathStats, ...]:
    """The table of that program, as recording makes it, or without folding recursion."""
    tables = []
    for stack, ns in stacks:
        names: list[str] = []
        for name in stack:
            if folds and name in names:
                del names[names.index(name) + 1 :]
            else:
                names.append(name)
        rows = [
            path(name, parent=at - 1, total_ns=ns, self_ns=ns if at == len(names) - 1 else 0)
            for at, name in enumerate(names)
        ]
        tables.append(rows)
    return merge_paths(tables)


def on_the_stack(stacks: list[tuple[tuple[str, ...], int]], row: ModuleTiming) -> int:
    """How long anything of the row was on the stack: looked at tick by tick."""

    def within(name: str) -> bool:
        module = find_module(name, MODULES)
        return module == row.name or (row.kind == "package" and module.startswith(f"{row.name}."))

    return sum(ns for stack, ns in stacks if any(map(within, stack)))


@given(st.lists(SPANS, max_size=4))
def test_cumulative_is_the_time_on_the_stack(program: list[Span]) -> None:
    """The union of all moments at which the module or package was on the stack, each once."""
    stacks = [tick for span in program for tick in ticks(span)]
    for row in time_modules(table_of(stacks, folds=False), MODULES):
        assert row.cumulative_ns == on_the_stack(stacks, row)


@given(st.lists(SPANS, max_size=4))
def test_folded_recursion_never_counts_twice(program: list[Span]) -> None:
    """Never more than was on the stack, never less than the self times, whatever was folded."""
    stacks = [tick for span in program for tick in ticks(span)]
    for row in time_modules(table_of(stacks, folds=True), MODULES):
        assert row.self_ns <= row.cumulative_ns <= on_the_stack(stacks, row)


@given(st.lists(SPANS, min_size=3, max_size=3))
def test_merging_first_makes_no_difference(program: list[Span]) -> None:
    """The rows of a merged table are the same, in whichever order its parts came."""
    tables = [table_of(list(ticks(span)), folds=True) for span in program]
    found = {time_modules(merge_paths(order), MODULES) for order in permutations(tables)}
    assert len(found) == 1
    (rows,) = found
    assert sum(row.calls for row in rows if row.kind == "module") == sum(
        row.calls for table in tables for row in table if find_module(row.name, MODULES)
    )
