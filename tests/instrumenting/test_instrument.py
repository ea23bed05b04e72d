"""Packages that know nothing of it are recorded, and can't tell."""

from __future__ import annotations

import doctest
import importlib
import inspect
import pickle
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pytest_timestamps import Collector, instrument
from pytest_timestamps.errors import ArgumentError, ArgumentTypeError
from pytest_timestamps.recording.engine import ENGINE
from pytest_timestamps.recording.marks import MARKS

WITHOUT_WRAPPERS = MARKS is not None

SOURCE = '''
"""A module of everything."""
import abc, asyncio, dataclasses, enum, functools
from typing import Protocol
from pytest_timestamps import timestamp

def plain(x):
    """
    >>> plain(1)
    2
    """
    return x + 1

def nested():
    def inner():
        return [plain(n) for n in range(3)]
    return inner()

def items():
    yield 1
    yield 2

async def wait():
    await asyncio.sleep(0)

async def stream():
    yield 1

@timestamp(name="own.name")
def decorated():
    pass

class Base(abc.ABC):
    __slots__ = ("value",)
    def __init__(self, value=0): self.value = value
    def method(self): return self.value
    @property
    def double(self): return self.value * 2
    @staticmethod
    def static(): return 1
    @classmethod
    def make(cls): return cls(5)
    @abc.abstractmethod
    def todo(self): ...

class Child(Base):
    class Inner:
        def deep(self): return 2
    def method(self): return super().method() + 1
    def todo(self): return 3

class Meta(type):
    def __setattr__(cls, name, value): raise AttributeError("frozen")

class Frozen(metaclass=Meta):
    def method(self): return 4

class Colour(enum.Enum):
    RED = 1
    def hex(self): return "ff0000"

@dataclasses.dataclass(frozen=True)
class Point:
    x: int
    def far(self): return self.x > 9

class Shape(Protocol):
    def area(self): ...

class Cached:
    @functools.cached_property
    def once(self): return 7

total = plain(1)
'''


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of a package with a module ``core`` and a module ``fast``."""
    name = "undecorated_shop"
    folder = tmp_path / name
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "core.py").write_text(SOURCE)
    (folder / "fast.py").write_text("def quick():\n    return 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield name
    for module in [one for one in sys.modules if one.partition(".")[0] == name]:
        del sys.modules[module]
    assert not ENGINE.armed


def use(core: ModuleType) -> None:
    """Call everything once."""
    import asyncio

    assert core.plain(1) == 2
    assert core.nested() == [1, 2, 3]
    assert list(core.items()) == [1, 2]

    async def run() -> None:
        await core.wait()
        assert [item async for item in core.stream()] == [1]

    asyncio.run(run())
    core.decorated()
    child = core.Child.make()
    assert (child.method(), child.double, child.static(), child.todo()) == (6, 10, 1, 3)
    assert child.Inner().deep() == 2
    assert core.Frozen().method() == 4
    assert core.Colour.RED.hex() == "ff0000"
    assert core.Point(10).far()
    assert core.Cached().once == 7


EXPECTED = {
    "core.plain": 4,
    "core.nested": 1,
    "core.items": 1,
    "core.wait": 1,
    "core.stream": 1,
    "own.name": 1,
    "core.Base.__init__": 1,
    "core.Base.method": 1,
    "core.Base.double": 1,
    "core.Base.static": 1,
    "core.Base.make": 1,
    "core.Child.method": 1,
    "core.Child.todo": 1,
    "core.Child.Inner.deep": 1,
    "core.Frozen.method": 1,
    "core.Colour.hex": 1,
    "core.Point.far": 1,
    "core.Cached.once": 1,
}
if WITHOUT_WRAPPERS:
    EXPECTED["core.nested.<locals>.inner"] = 1


def calls_of(collector: Collector) -> dict[str, int]:
    return {
        name.removeprefix("undecorated_shop."): timing.calls
        for name, timing in collector.timings().items()
    }


@pytest.mark.parametrize("when", ["before", "after"])
def test_every_function_records(package: str, when: str) -> None:
    """Whether the modules were imported before or are imported now."""
    if when == "before":
        core = importlib.import_module(f"{package}.core")
    with instrument(package) as instrumentation:
        core = importlib.import_module(f"{package}.core")
        with Collector("use") as collector:
            use(core)
        assert f"{package}.core" in instrumentation.modules
        assert instrumentation.functions >= len(EXPECTED) - 1
        assert instrumentation.unmatched == []
    assert calls_of(collector) == EXPECTED


@pytest.mark.skipif(not WITHOUT_WRAPPERS, reason="3.11 replaces functions after the import")
def test_calls_at_import_are_recorded(package: str) -> None:
    """A module imported within a test records what it calls while it is imported."""
    with instrument(package), Collector("import") as collector:
        importlib.import_module(f"{package}.core")
    assert calls_of(collector) == {"core.plain": 1}


def test_nothing_is_left_behind(package: str) -> None:
    """After its removal nothing is recorded but what is decorated."""
    before = list(sys.meta_path)
    with instrument(package):
        core = importlib.import_module(f"{package}.core")
    assert sys.meta_path == before
    assert set(vars(core.__loader__)) == {"name", "path"}
    with Collector("use") as collector:
        use(core)
    assert calls_of(collector) == {"own.name": 1}


def test_a_decorator_takes_over(package: str, tmp_path: Path) -> None:
    """A decorated function keeps its name, once a call, and stays decorated afterwards."""
    (tmp_path / package / "both.py").write_text(
        "from pytest_timestamps import timestamp\n"
        "@timestamp\ndef plain(): pass\n"
        "@timestamp(name='fixed')\ndef named(): pass\n"
        "@timestamp(name='made.{x}')\ndef templated(x): pass\n"
    )
    expected = {"both.plain": 1, "fixed": 1, "made.1": 1}
    with instrument(package):
        both = importlib.import_module(f"{package}.both")
        with Collector("during") as during:
            both.plain(), both.named(), both.templated(1)
    with Collector("after") as after:
        both.plain(), both.named(), both.templated(1)
    assert (calls_of(during), calls_of(after)) == (expected, expected)


@pytest.mark.parametrize("at", ["first line", "later"])
def test_a_loader_shows_nothing(package: str, tmp_path: Path, at: str) -> None:
    """Neither while its module runs nor afterwards."""
    (tmp_path / package / "curious.py").write_text("seen = set(vars(__loader__))\n")
    with instrument(package):
        curious = importlib.import_module(f"{package}.curious")
    seen = curious.seen if at == "first line" else set(vars(curious.__loader__))
    assert seen == {"name", "path"}


def test_exclusions_are_left_out(package: str) -> None:
    """Modules and functions alike."""
    with instrument(package, f"!{package}.fast", f"!{package}.core.Child*"):
        core = importlib.import_module(f"{package}.core")
        fast = importlib.import_module(f"{package}.fast")
        with Collector("use") as collector:
            use(core)
            fast.quick()
    assert not [name for name in calls_of(collector) if "Child" in name or "fast" in name]
    assert calls_of(collector)["core.Base.method"] == 1


def test_two_at_once_count_a_call_once(package: str) -> None:
    """And each can be removed without the other."""
    with instrument(f"{package}.core.*", f"{package}.core"), instrument(package):
        core = importlib.import_module(f"{package}.core")
        with Collector("use") as collector:
            core.plain(1)
    assert calls_of(collector) == {"core.plain": 1}


def test_the_program_can_not_tell(package: str) -> None:
    """Signatures, pickles, doctests and names are as they were; on 3.12 the objects too."""
    core = importlib.import_module(f"{package}.core")
    plain, method = core.plain, core.Child.method
    with instrument(package):
        if WITHOUT_WRAPPERS:
            assert core.plain is plain
            assert core.Child.method is method
            assert not hasattr(core.plain, "__wrapped__")
        assert str(inspect.signature(core.plain)) == "(x)"
        assert inspect.getsource(core.plain).startswith("def plain")
        assert inspect.iscoroutinefunction(core.wait)
        assert inspect.isasyncgenfunction(core.stream)
        assert pickle.loads(pickle.dumps(core.plain)) is core.plain
        assert pickle.loads(pickle.dumps(core.Point(3))) == core.Point(3)
        assert doctest.testmod(core).failed == 0
        assert core.Base.__abstractmethods__ == {"todo"}
        with pytest.raises(TypeError, match="abstract"):
            core.Base()
    assert core.plain is plain
    assert core.Child.method is method


def test_import_errors_are_the_programs_own(package: str, tmp_path: Path) -> None:
    """A module that isn't there, or that fails, fails as it would."""
    (tmp_path / package / "broken.py").write_text("1 / 0\n")
    with instrument(package):
        with pytest.raises(ModuleNotFoundError, match=rf"No module named '{package}\.missing'"):
            importlib.import_module(f"{package}.missing")
        for _ in range(2):
            with pytest.raises(ZeroDivisionError) as caught:
                importlib.import_module(f"{package}.broken")
            shown = [entry.path.name for entry in caught.traceback if hasattr(entry.path, "name")]
            assert shown[-1] == "broken.py"
            assert f"{package}.broken" not in sys.modules


def test_reloading_records_on(package: str) -> None:
    """A reloaded module has new functions: they record as well."""
    with instrument(package):
        core = importlib.import_module(f"{package}.core")
        core = importlib.reload(core)
        with Collector("use") as collector:
            core.plain(1)
    assert calls_of(collector) == {"core.plain": 1}


def test_extension_modules_are_let_be() -> None:
    """There is nothing to record in C."""
    with instrument("math", "_json") as instrumentation:
        importlib.import_module("math")
        assert instrumentation.functions == 0


@pytest.mark.parametrize("budget", [None, 0.1, 2])
def test_the_budget_is_kept(package: str, budget: float | None) -> None:
    """A share of the program's time, of which there may be more than all, or no limit."""
    with instrument(package, budget=budget) as instrumented:
        assert instrumented.budget == budget


@pytest.mark.parametrize("budget", [0, -0.1, float("nan"), float("inf")])
def test_a_budget_that_allows_nothing_or_all_is_refused(package: str, budget: float) -> None:
    """The message says what was given, what is expected, and how to set no limit."""
    with pytest.raises(ArgumentError) as refused:
        instrument(package, budget=budget)
    assert str(refused.value) == (
        f"instrument's budget must be above 0, such as 0.10 for 10 %, got {budget!r}; "
        "None sets no limit"
    )


@pytest.mark.parametrize(("budget", "kind"), [("10%", "str"), (True, "bool")])
def test_a_budget_that_is_no_number_is_refused(package: str, budget: Any, kind: str) -> None:
    """The message names the value and its type."""
    with pytest.raises(ArgumentTypeError) as refused:
        instrument(package, budget=budget)
    assert str(refused.value) == (
        f"instrument's budget must be a number, such as 0.10 for 10 %, got {budget!r} ({kind})"
    )
