"""Names made from a call's arguments."""

import asyncio
from collections.abc import Iterator

import pytest

from pytest_timestamps.errors import ArgumentError
from pytest_timestamps.recording import Capture, timestamp
from pytest_timestamps.recording.naming import NAME_LENGTH, NAMES_LIMIT

from .support import FakeClock, row, tree


class Loud:
    """Something that can't be shown."""

    def __str__(self) -> str:
        raise ZeroDivisionError

    __repr__ = __str__


def test_arguments_by_position_name_and_default(clock: FakeClock) -> None:
    """A field is the argument's value, however it was passed."""

    @timestamp(name="load.{table}.{limit}")
    def load(table: str, limit: int = 10) -> None:
        clock.work(1)

    with Capture() as capture:
        load("users")
        load(limit=10, table="users")
        load("orders", 5)
    assert tree(capture) == {"load.users.10": (2, 2, 2), "load.orders.5": (1, 1, 1)}


def test_attributes_items_conversions_and_formats(clock: FakeClock) -> None:
    """Fields may reach into arguments and format them, as `str.format` does."""

    class Table:
        def __init__(self, name: str) -> None:
            self.name = name

        @timestamp(name="{self.name}[{sizes[0]:04d}] {label!r:>5}")
        def load(self, sizes: list[int], label: str) -> None:
            pass

    with Capture() as capture:
        Table("users").load([7], "a")
    assert list(tree(capture)) == ["users[0007]   'a'"]


def test_variable_arguments(clock: FakeClock) -> None:
    """``*args`` and ``**kwargs`` are fields under their own names."""

    @timestamp(name="{args[0]} {kwargs[key]}")
    def call(*args: int, **kwargs: str) -> None:
        pass

    with Capture() as capture:
        call(1, 2, key="value")
    assert list(tree(capture)) == ["1 value"]


def test_literal_braces(clock: FakeClock) -> None:
    """Doubled braces are literal, in names with and without fields."""

    @timestamp(name="{{n}} {n}")
    def with_field(n: int) -> None:
        pass

    @timestamp(name="{{n}}")
    def without_field(n: int) -> None:
        pass

    with Capture() as capture:
        with_field(1)
        without_field(2)
    assert list(tree(capture)) == ["{n} 1", "{n}"]


@pytest.mark.parametrize(
    ("template", "argument"),
    [
        ("load {missing}", 1),
        ("load {n.attribute}", 1),
        ("load {n[key]}", 1),
        ("load {n:d}", "text"),
        ("load {n}", Loud()),
        ("load {n!r}", Loud()),
        ("load {}", 1),
        ("load {0}", 1),
    ],
)
def test_a_name_that_cannot_be_made(clock: FakeClock, template: str, argument: object) -> None:
    """Where the name can't be made the call goes under the template, and nothing is raised."""

    @timestamp(name=template)
    def load(n: object) -> object:
        clock.work(3)
        return n

    with Capture() as capture:
        assert load(argument) is argument
    assert tree(capture) == {template: (1, 3, 3)}


def test_a_wrong_call_raises_what_it_would(clock: FakeClock) -> None:
    """A call with wrong arguments is refused by the function itself."""

    @timestamp(name="load {n}")
    def load(n: int) -> None:
        pass

    with Capture() as capture, pytest.raises(TypeError, match=r"load\(\) missing 1 required"):
        load()  # type: ignore[call-arg]
    assert row(capture, "load {n}").errors == 1


def test_long_names_are_cut(clock: FakeClock) -> None:
    """A name keeps 80 characters, the last one telling that it was cut."""

    @timestamp(name="{text}")
    def load(text: str) -> None:
        pass

    with Capture() as capture:
        load("a" * NAME_LENGTH)
        load("b" * 1_000_000)
    assert list(tree(capture)) == ["a" * 80, "b" * 79 + "…"]


def test_an_empty_name_goes_under_the_template(clock: FakeClock) -> None:
    """A name that comes out empty is no name."""

    @timestamp(name="{text}")
    def load(text: str) -> None:
        pass

    with Capture() as capture:
        load("")
    assert list(tree(capture)) == ["{text}"]


def test_a_thousand_names(clock: FakeClock) -> None:
    """A template makes 1,000 names; calls for further ones go under the template."""

    @timestamp(name="load {n}")
    def load(n: int) -> None:
        clock.work(1)

    with Capture() as capture:
        for n in range(NAMES_LIMIT + 500):
            load(n)
        load(0)
    figures = tree(capture)
    assert len(figures) == 1_001
    assert (figures["load {n}"], figures["load 0"]) == ((500, 500, 500), (2, 2, 2))


def test_coroutines_and_generators(clock: FakeClock) -> None:
    """Templates name coroutines and generators too, whose suspension is kept apart."""

    @timestamp(name="fetch {n}")
    async def fetch(n: int) -> int:
        clock.work(n)
        await asyncio.sleep(0)
        clock.work(n)
        return n

    @timestamp(name="count {n}")
    def count(n: int) -> Iterator[int]:
        clock.work(n)
        yield n

    async def main() -> list[int]:
        return await asyncio.gather(fetch(1), fetch(10))

    with Capture() as capture:
        assert asyncio.run(main()) == [1, 10]
        for _ in count(100):
            clock.work(1_000)
    assert tree(capture) == {
        "fetch 1": (1, 2, 2),
        "fetch 10": (1, 20, 20),
        "count 100": (1, 100, 100),
    }


def test_recursion_by_name(clock: FakeClock) -> None:
    """Calls under different names are different spans; under one name they are recursion."""

    @timestamp(name="dive {kind}")
    def dive(n: int, kind: str) -> None:
        clock.work(1)
        if n:
            dive(n - 1, kind if n > 2 else "other")

    with Capture() as capture:
        dive(3, "first")
    assert tree(capture) == {"dive first": (2, 4, 2), "dive first/dive other": (2, 2, 2)}


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("load {", "Single '{' encountered in format string"),
        ("load }", "Single '}' encountered in format string"),
        ("load {n", "expected '}' before end of string"),
    ],
)
def test_a_malformed_template(template: str, reason: str) -> None:
    """Braces that don't match are refused at decoration, with the remedy."""
    with pytest.raises(ArgumentError) as caught:
        timestamp(lambda n: n, name=template)
    assert str(caught.value) == (
        f"the name {template!r} is no valid template ({reason}); "
        "write {{ and }} for literal braces"
    )


def test_arguments_are_not_kept_alive(clock: FakeClock) -> None:
    """Making a name holds no argument beyond the call."""
    import weakref

    class Argument:
        def __str__(self) -> str:
            return "argument"

    @timestamp(name="load {a}")
    def load(a: Argument) -> None:
        pass

    argument = Argument()
    gone = weakref.ref(argument)
    with Capture():
        load(argument)
        del argument
        assert gone() is None
