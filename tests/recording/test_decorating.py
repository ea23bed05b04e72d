"""What `@timestamp` gives back: the function itself where it can, a look-alike where it can't."""

import copy
import functools
import inspect
import pickle
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from pytest_timestamps.errors import ArgumentError, ArgumentTypeError
from pytest_timestamps.recording import Capture, timestamp

from .support import MONITORED, FakeClock, tree


@timestamp
def documented(a: int, b: str = "x", *, c: float = 1.0) -> str:
    """What it does."""
    return f"{a}{b}{c}"


@timestamp(name="{a}")
def templated(a: int, b: str = "x") -> str:
    """What it does by name."""
    return f"{a}{b}"


class Base:
    """A class whose methods are recorded."""

    @timestamp
    def method(self) -> str:
        return "base"


class Child(Base):
    """Overrides, and calls what it overrides."""

    @timestamp
    def method(self) -> str:
        return f"child of {super().method()}"


def test_names_are_module_and_qualname(clock: FakeClock) -> None:
    """Without a name a span is called by module and qualified name, wherever it is defined."""

    @timestamp
    def local() -> None:
        pass

    with Capture() as capture:
        documented(1)
        Base().method()
        local()
    here = __name__
    assert list(tree(capture)) == [
        f"{here}.documented",
        f"{here}.Base.method",
        f"{here}.test_names_are_module_and_qualname.<locals>.local",
    ]


def test_a_function_without_a_module(clock: FakeClock) -> None:
    """Where there is no module its place is held by ``<unknown>``."""
    namespace: dict[str, Callable[[], None]] = {}
    exec("def process(): pass", namespace)
    process = namespace["process"]
    process.__module__ = None  # type: ignore[assignment]
    timed = timestamp(process)
    with Capture() as capture:
        timed()
    assert list(tree(capture)) == ["<unknown>.process"]


def test_two_modules_functions_of_one_name_stay_apart(clock: FakeClock) -> None:
    """Functions of one name in two modules are two rows, even if their code is equal."""
    made = []
    for module in ("shop", "bank"):
        namespace: dict[str, Callable[[], None]] = {"__name__": module}
        exec(compile("def process(): pass", "<same>", "exec"), namespace)
        made.append(timestamp(namespace["process"]))
    assert made[0].__code__ == made[1].__code__  # type: ignore[attr-defined]
    with Capture() as capture:
        for process in made:
            process()
    assert tree(capture) == {"shop.process": (1, 0, 0), "bank.process": (1, 0, 0)}


@pytest.mark.skipif(not MONITORED, reason="3.11 needs a wrapper")
def test_the_same_object() -> None:
    """From 3.12 on a decorated function is the very function, code and all."""

    def plain() -> None:
        pass

    assert timestamp(plain) is plain
    assert not hasattr(plain, "__wrapped__")


@pytest.mark.parametrize("function", [documented, templated])
def test_inspection(function: Callable[..., str]) -> None:
    """Name, module, docstring, signature, annotations and source are the function's own."""
    assert function.__module__ == __name__
    assert function.__qualname__ in ("documented", "templated")
    assert (function.__doc__ or "").startswith("What it does")
    assert list(inspect.signature(function).parameters)[:2] == ["a", "b"]
    assert inspect.get_annotations(function)["return"] is str
    assert f"def {function.__name__}" in inspect.getsource(function)
    assert inspect.isfunction(function)


@pytest.mark.parametrize("function", [documented, templated])
def test_pickling_and_copying(function: Callable[..., str]) -> None:
    """Decorated functions are pickled by name, and come back as themselves."""
    assert pickle.loads(pickle.dumps(function)) is function
    assert copy.deepcopy(function) is function
    assert pickle.loads(pickle.dumps(Child())).method() == "child of base"


@pytest.mark.parametrize("name", [None, "fixed", "{self_made}"])
def test_kinds_are_kept(name: str | None) -> None:
    """Coroutine functions, generators and asynchronous generators stay what they are."""

    async def coroutine() -> None: ...

    def generator() -> Iterator[int]:
        yield 1

    async def async_generator() -> AsyncIterator[int]:
        yield 1

    assert inspect.iscoroutinefunction(timestamp(coroutine, name=name))
    assert inspect.isgeneratorfunction(timestamp(generator, name=name))
    assert inspect.isasyncgenfunction(timestamp(async_generator, name=name))


def test_overrides_and_super(clock: FakeClock) -> None:
    """An override and what it overrides are two names, one below the other."""
    with Capture() as capture:
        assert Child().method() == "child of base"
        assert Base().method() == "base"
    assert {path.replace(f"{__name__}.", ""): f[0] for path, f in tree(capture).items()} == {
        "Child.method": 1,
        "Child.method/Base.method": 1,
        "Base.method": 1,
    }


def test_an_inherited_method_keeps_its_definers_name(clock: FakeClock) -> None:
    """A method that isn't overridden is named by the class that defines it."""

    class Heir(Base):
        pass

    with Capture() as capture:
        Heir().method()
    assert list(tree(capture)) == [f"{__name__}.Base.method"]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (None, None, "decorated"),
        ("inner", None, "inner"),
        (None, "outer", "outer"),
        ("inner", "outer", "outer"),
        ("t {n}", None, "t 3"),
        ("t {n}", "outer", "outer"),
        ("inner", "t {n}", "t 3"),
    ],
)
def test_decorated_twice(
    clock: FakeClock, first: str | None, second: str | None, expected: str
) -> None:
    """A function that is decorated twice is one span a call, under the outer name it was given."""

    def decorated(n: int) -> None:
        clock.work(n)

    decorated.__qualname__ = "decorated"
    decorated.__module__ = "shop"
    twice = timestamp(timestamp(decorated, name=first), name=second)
    with Capture() as capture:
        twice(3)
        twice(3)
    expected = "shop.decorated" if expected == "decorated" else expected
    assert tree(capture) == {expected: (2, 6, 6)}


def test_closures_share_code_and_not_marks(clock: FakeClock) -> None:
    """Of two functions made by one factory only the decorated one is recorded."""

    def make() -> Callable[[], None]:
        def made() -> None:
            clock.work(1)

        return made

    plain, decorated = make(), timestamp(make(), name="made")
    with Capture() as capture:
        plain()
        decorated()
        make()()
    assert tree(capture) == {"made": (1, 1, 1)}


def test_closures_under_names_of_their_own(clock: FakeClock) -> None:
    """Two functions of one code may be recorded under two names."""

    def make(name: str, duration_ns: int) -> Callable[[], None]:
        @timestamp(name=name)
        def made() -> None:
            clock.work(duration_ns)

        return made

    one, two = make("one", 1), make("two", 10)
    with Capture() as capture:
        one()
        two()
        one()
    assert tree(capture) == {"one": (2, 2, 2), "two": (1, 10, 10)}


def test_lambdas(clock: FakeClock) -> None:
    """Lambdas of one line are told apart by their decoration."""
    made = [lambda: clock.work(1) for _ in range(3)]
    timed = timestamp(made[1], name="middle")
    with Capture() as capture:
        made[0]()
        timed()
        made[2]()
    assert tree(capture) == {"middle": (1, 1, 1)}


def test_decorating_in_a_loop_makes_one_path(clock: FakeClock) -> None:
    """A function that is made and decorated at each call stays one row and one code."""

    def call() -> None:
        @timestamp(name="made")
        def made() -> None:
            clock.work(1)

        made()

    with Capture() as capture:
        for _ in range(50):
            call()
        assert sum(scope.paths for scope in capture.scopes) == 1
    assert tree(capture) == {"made": (50, 50, 50)}


@pytest.mark.parametrize("above", [True, False])
def test_a_stack_of_wraps(clock: FakeClock, above: bool) -> None:
    """Below another decorator the function is recorded, above it that decorator as well."""

    def logged(function: Callable[[], int]) -> Callable[[], int]:
        @functools.wraps(function)
        def logging() -> int:
            clock.work(10)
            return function()

        return logging

    def work() -> int:
        clock.work(1)
        return 7

    work.__qualname__, work.__module__ = "work", "shop"
    decorated = timestamp(logged(work)) if above else logged(timestamp(work))
    with Capture() as capture:
        assert decorated() == 7
    assert tree(capture) == {"shop.work": (1, 11, 11) if above else (1, 1, 1)}


def test_decorated_above_and_below_another_decorator(clock: FakeClock) -> None:
    """Two decorations with another decorator between are two spans of one name: recursion."""

    def logged(function: Callable[[], None]) -> Callable[[], None]:
        @functools.wraps(function)
        def logging() -> None:
            clock.work(10)
            function()

        return logging

    @timestamp(name="work")
    @logged
    @timestamp(name="work")
    def work() -> None:
        clock.work(1)

    with Capture() as capture:
        work()
    assert tree(capture) == {"work": (2, 11, 11)}


def test_a_cached_function(clock: FakeClock) -> None:
    """Below a cache only real calls are seen, above it every call."""

    @functools.cache
    @timestamp(name="real")
    def below(n: int) -> int:
        clock.work(n)
        return n

    above = timestamp(functools.cache(below.__wrapped__), name="every")
    with Capture() as capture:
        assert below(3) == below(3) == above(3) == above(3) == 3
    assert {path: figures[0] for path, figures in tree(capture).items()} == {
        "real": 1,
        "every": 2,
        "every/real": 1,
    }
    assert below.cache_info().hits == 1


@pytest.mark.parametrize(
    ("target", "seen"),
    [(3, "3"), (Base, f"the class {Base!r}"), ("text", "'text'")],
)
def test_what_cannot_be_recorded(target: object, seen: str) -> None:
    """A class or a value that can't be called is refused at decoration."""
    with pytest.raises(ArgumentTypeError) as caught:
        timestamp(target)
    assert str(caught.value) == (
        f"@timestamp records functions, methods and other callables, got {seen}; "
        "for a class, decorate its methods"
    )


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        (7, ArgumentTypeError, "a @timestamp must be named by a string, got int: 7"),
        ("", ArgumentError, "a @timestamp must have a name, got an empty string"),
    ],
)
def test_bad_names(name: object, error: type[Exception], message: str) -> None:
    """A name that can't be one is refused at decoration."""
    with pytest.raises(error) as caught:
        timestamp(name=name)  # type: ignore[call-overload]
    assert str(caught.value) == message


def test_wrong_arguments_of_a_generator() -> None:
    """They are refused, though by a wrapper only when it first runs."""

    def generator(item: int) -> Iterator[int]:
        yield item

    fixed: Callable[..., Iterator[int]] = timestamp(generator, name="fixed")
    named: Callable[..., Iterator[int]] = timestamp(generator, name="{item}")
    message = r"generator\(\) missing 1 required positional argument: 'item'"
    if MONITORED:
        with pytest.raises(TypeError, match=message):
            fixed()
    for late in [named] if MONITORED else [fixed, named]:
        begun = late()
        with pytest.raises(TypeError, match=message):
            next(begun)
