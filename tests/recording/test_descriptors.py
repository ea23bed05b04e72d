"""Methods of every kind, above and below their descriptors, and callables without code."""

import asyncio
import functools
import inspect
import pickle
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from pytest_timestamps.recording import Capture, timestamp

from .support import FakeClock, row, tree


class Doubler:
    """A callable object with a state of its own."""

    def __init__(self, factor: int = 2) -> None:
        self.factor = factor

    def __call__(self, n: int) -> int:
        return self.factor * n


def triple(n: int) -> int:
    """Three times ``n``."""
    return 3 * n


timed_doubler = timestamp(Doubler(), name="doubler")


def names(capture: Capture) -> dict[str, int]:
    """Calls by the last part of each path's name."""
    return {path.rsplit(".", 1)[-1]: figures[0] for path, figures in tree(capture).items()}


@pytest.mark.parametrize("above", [True, False])
def test_static_and_class_methods(clock: FakeClock, above: bool) -> None:
    """Above or below `staticmethod` and `classmethod` each call is one span."""

    def both(kind: Any, function: Any) -> Any:
        return timestamp(kind(function)) if above else kind(timestamp(function))

    def static(n: int) -> int:
        clock.work(n)
        return n

    def class_wide(cls: type, n: int) -> tuple[type, int]:
        clock.work(n)
        return cls, n

    class Owner:
        static_method = both(staticmethod, static)
        class_method = both(classmethod, class_wide)

    class Heir(Owner):
        pass

    with Capture() as capture:
        assert Owner.static_method(1) == Owner().static_method(1) == 1
        assert Heir.class_method(2) == Heir().class_method(2) == (Heir, 2)
    assert names(capture) == {"static": 2, "class_wide": 2}
    assert isinstance(vars(Owner)["static_method"], staticmethod)
    assert isinstance(vars(Owner)["class_method"], classmethod)


@pytest.mark.parametrize("above", [True, False])
def test_properties(clock: FakeClock, above: bool) -> None:
    """A property's getter is a span; its setter too where it was decorated with it."""

    class Owner:
        def __init__(self) -> None:
            self.kept = 1

        def _get(self) -> int:
            """The size."""
            clock.work(3)
            return self.kept

        def _set(self, value: int) -> None:
            clock.work(5)
            self.kept = value

        if above:
            size = timestamp(property(_get, _set))
        else:
            size = property(timestamp(_get), timestamp(_set))

    owner = Owner()
    with Capture() as capture:
        owner.size = owner.size + 1
    assert owner.kept == 2
    assert sorted(f for f in tree(capture).values()) == [(1, 3, 3), (1, 5, 5)]
    assert isinstance(vars(Owner)["size"], property)
    assert Owner.size.__doc__ == "The size."


@pytest.mark.parametrize("above", [True, False])
def test_cached_properties(clock: FakeClock, above: bool) -> None:
    """A cached property is one span an instance: its first reading."""

    def compute(self: object) -> int:
        clock.work(3)
        return 7

    cached = functools.cached_property
    decorated: Any = timestamp(cached(compute)) if above else cached(timestamp(compute))

    class Owner:
        value = decorated

    decorated.__set_name__(Owner, "value")
    one, two = Owner(), Owner()
    with Capture() as capture:
        assert one.value == one.value == two.value == 7
    assert names(capture) == {"compute": 2}


@pytest.mark.parametrize("above", [True, False])
def test_partial_methods(clock: FakeClock, above: bool) -> None:
    """A partial method is recorded as the function that it calls."""

    def work(self: object, n: int, m: int) -> int:
        clock.work(n)
        return n + m

    kind = functools.partialmethod
    decorated: Any = timestamp(kind(work, 1)) if above else kind(timestamp(work), 1)

    class Owner:
        method = decorated

    with Capture() as capture:
        assert Owner().method(2) == 3
        assert Owner().method(m=4) == 5
    assert names(capture) == {"work": 2}


@pytest.mark.parametrize("above", [True, False])
def test_single_dispatch_methods(clock: FakeClock, above: bool) -> None:
    """A single-dispatch method still dispatches; its default implementation is a span."""

    def show(self: object, value: object) -> str:
        clock.work(1)
        return "object"

    kind = functools.singledispatchmethod
    decorated: Any = timestamp(kind(show)) if above else kind(timestamp(show))

    class Owner:
        method = decorated

        @method.register
        @timestamp(name="show_int")
        def _(self, value: int) -> str:
            return "int"

    with Capture() as capture:
        assert (Owner().method("a"), Owner().method(1)) == ("object", "int")
    assert names(capture) in ({"show": 1, "show_int": 1}, {"show": 2, "show_int": 1})
    assert row(capture, next(iter(tree(capture)))).calls == 1


def test_partials(clock: FakeClock) -> None:
    """A partial is named after what it calls, and stays usable as a partial."""
    timed = timestamp(functools.partial(triple, 5))
    with Capture() as capture:
        assert timed() == 15
    assert names(capture) == {"triple": 1}
    assert (timed.func, timed.args) == (triple, (5,))
    assert list(inspect.signature(timed).parameters) == []


def test_a_partial_of_a_decorated_function_is_one_span(clock: FakeClock) -> None:
    """A partial or a bound method of a decorated function needs no decoration of its own."""

    @timestamp(name="work")
    def work(n: int) -> None:
        clock.work(n)

    with Capture() as capture:
        functools.partial(work, 3)()
    assert tree(capture) == {"work": (1, 3, 3)}


def test_callable_objects(clock: FakeClock) -> None:
    """A callable object is named after its class, and all else is its own."""
    timed = timestamp(Doubler(5))
    with Capture() as capture:
        assert timed(2) == 10
    assert names(capture) == {"Doubler": 1}
    assert timed.factor == 5
    assert repr(timed).endswith(f"Doubler object at {hex(id(timed.__wrapped__))}>")  # type: ignore[attr-defined]
    assert callable(timed)


def test_a_decorated_call_method(clock: FakeClock) -> None:
    """Decorating ``__call__`` itself records the calls of every instance."""

    class Caller:
        @timestamp(name="call")
        def __call__(self) -> None:
            clock.work(3)

    with Capture() as capture:
        Caller()()
        Caller()()
    assert tree(capture) == {"call": (2, 6, 6)}


def test_builtins(clock: FakeClock) -> None:
    """A function of C is recorded, and a call that it refuses is an error."""
    length = timestamp(len)
    with Capture() as capture:
        assert length([1, 2]) == 2
        with pytest.raises(TypeError):
            length(3)  # type: ignore[arg-type]
    assert names(capture) == {"len": 2}
    assert row(capture, "builtins.len").errors == 1


def test_bound_methods(clock: FakeClock) -> None:
    """A bound method of one instance is recorded, other instances are not."""
    one, two = Doubler(1), Doubler(2)
    timed = timestamp(one.__call__, name="one")
    with Capture() as capture:
        assert (timed(1), two(1)) == (1, 2)
    assert tree(capture) == {"one": (1, 0, 0)}


def test_pickling_a_callable_object(clock: FakeClock) -> None:
    """A recorded callable object survives pickling, and is still recorded."""
    copied = pickle.loads(pickle.dumps(timed_doubler))
    with Capture() as capture:
        assert copied(4) == 8
    assert tree(capture) == {"doubler": (1, 0, 0)}


def test_partials_of_every_kind(clock: FakeClock) -> None:
    """Partials of coroutine functions and generators keep their kind, and their time."""

    async def coroutine(n: int) -> int:
        clock.work(n)
        await asyncio.sleep(0)
        return n

    def generator(n: int) -> Iterator[int]:
        clock.work(n)
        yield n
        clock.work(n)

    async def async_generator(n: int) -> AsyncIterator[int]:
        clock.work(n)
        yield n
        clock.work(n)

    async def main() -> None:
        assert await timed["coroutine"](1) == 1
        async for _ in timed["async_generator"](100):
            clock.work(1_000)

    kinds: dict[str, Any] = {
        "coroutine": coroutine,
        "generator": generator,
        "async_generator": async_generator,
    }
    timed: dict[str, Any] = {
        name: timestamp(functools.partial(kind), name=name) for name, kind in kinds.items()
    }
    with Capture() as capture:
        asyncio.run(main())
        for _ in timed["generator"](10):
            clock.work(1_000)
    assert tree(capture) == {
        "coroutine": (1, 1, 1),
        "async_generator": (1, 200, 200),
        "generator": (1, 20, 20),
    }


def test_an_abstract_method_and_slots(clock: FakeClock) -> None:
    """Methods of classes with slots are recorded like any other."""

    class Slotted:
        __slots__ = ("size",)

        @timestamp(name="grow")
        def grow(self) -> None:
            self.size = 3
            clock.work(self.size)

    with Capture() as capture:
        Slotted().grow()
    assert tree(capture) == {"grow": (1, 3, 3)}
