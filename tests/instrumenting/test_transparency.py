"""A program that looks at itself sees the same, recorded or not.

Each program is run twice in processes of its own, which differ in nothing but that the second one
is instrumented and gathered; what they print has to be equal.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from pytest_timestamps.recording.marks import MARKS

needs_no_wrappers = pytest.mark.skipif(MARKS is None, reason="3.11 wraps functions: documented")

START = """
import importlib, json, sys
from pytest_timestamps import Collector, instrument
sys.path.insert(0, {path!r})
patterns = {patterns!r}
if patterns:
    # what it needs later is there in both runs
    instrumentation = instrument(*patterns)
    collector = Collector("it")
    collector.start()
import program
said = program.look()
if patterns:
    collector.stop()
    calls = {{name: one.calls for name, one in collector.timings().items()}}
    instrumentation.remove()
    print(json.dumps([said, calls]))
else:
    print(json.dumps([said, None]))
"""

SHOP = '''
import abc, dataclasses, enum, functools, typing, warnings

def plain(x: int = 1) -> "int":
    """Adds one.

    >>> plain(1)
    2
    """
    return x + 1

def warn():
    warnings.warn("look out", DeprecationWarning, stacklevel=2)

def fail():
    raise LookupError("nothing")

def caller_names():
    import sys
    frame, names = sys._getframe(), []
    while frame is not None and frame.f_code.co_name != "<module>":
        names.append(frame.f_code.co_name)
        frame = frame.f_back
    return names

class Slotted:
    __slots__ = ("value", "__weakref__")
    def __init__(self, value=1): self.value = value
    def get(self): return self.value

class Meta(type):
    touched = []
    def __new__(meta, name, bases, namespace, **options):
        meta.touched.append(["new", name, sorted(namespace)])
        return super().__new__(meta, name, bases, namespace)
    def __setattr__(cls, name, value):
        Meta.touched.append(["set", cls.__name__, name])
        super().__setattr__(name, value)
    def __getattribute__(cls, name):
        if name == "method":
            Meta.touched.append(["get", type.__getattribute__(cls, "__name__"), name])
        return super().__getattribute__(name)

class Watched(metaclass=Meta, option=1):
    def method(self): return 1

@dataclasses.dataclass(order=True)
class Point:
    x: int
    y: int = 2
    def far(self): return self.x > 9
    def __post_init__(self): self.y += 1

class Shape(typing.Protocol):
    def area(self) -> float: ...

@typing.runtime_checkable
class Sized(typing.Protocol):
    def size(self) -> int: ...

class Square:
    def area(self) -> float: return 1.0
    def size(self) -> int: return 1

class Colour(enum.Enum):
    RED = 1
    def hex(self): return "ff"
    @classmethod
    def first(cls): return cls.RED

class Abstract(abc.ABC):
    @abc.abstractmethod
    def todo(self): ...

class Hooked:
    seen = []
    def __init_subclass__(cls): Hooked.seen.append(cls.__name__)
    def __class_getitem__(cls, item): return item

class Below(Hooked): pass

class Pair(typing.NamedTuple):
    one: int
    def double(self): return self.one * 2

@functools.lru_cache
def cached(x): return x

@functools.singledispatch
def dispatch(x): return "any"

@dispatch.register
def _(x: int): return "int"
'''


def run_both(
    folder: Path, program: str, *patterns: str, **variables: str
) -> tuple[Any, Any, dict[str, int]]:
    """What the program says plainly, what it says recorded, and the calls that were recorded."""
    folder.joinpath("program.py").write_text(program)
    answers = []
    for asked in ([], list(patterns)):
        code = START.format(path=str(folder), patterns=asked)
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={k: v for k, v in os.environ.items() if "COVERAGE" not in k} | variables,
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        answers.append(json.loads(done.stdout))
    (plain, _), (recorded, calls) = answers
    return plain, recorded, calls


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder with the module ``shop``."""
    tmp_path.joinpath("shop.py").write_text(SHOP)
    return tmp_path


LOOKS = {
    "tracebacks": """
import shop, traceback
def look():
    try:
        shop.fail()
    except LookupError as error:
        return [[f.name, f.lineno] for f in traceback.extract_tb(error.__traceback__)]
""",
    "signatures": """
import inspect, shop, typing
def look():
    functions = [shop.plain, shop.Slotted.get, shop.Colour.first, shop.Point.far, shop.cached]
    return [
        [str(inspect.signature(f)), f.__name__, f.__qualname__, f.__module__, f.__doc__,
         inspect.getsource(f), str(typing.get_type_hints(f)), inspect.isfunction(f)]
        for f in functions
    ] + [sorted(vars(shop)), inspect.getsourcelines(shop.Slotted)[1]]
""",
    "pickles": """
import copy, pickle, shop
def look():
    point, bound = shop.Point(3), shop.Slotted(4).get
    return [
        pickle.loads(pickle.dumps(shop.plain)) is shop.plain,
        pickle.loads(pickle.dumps(point)) == point,
        pickle.loads(pickle.dumps(shop.Slotted(7))).get(),
        pickle.loads(pickle.dumps(bound))(),
        pickle.loads(pickle.dumps(shop.Colour.first))() is shop.Colour.RED,
        pickle.loads(pickle.dumps(shop.Pair(2))).double(),
        copy.copy(shop.plain) is shop.plain, copy.deepcopy(point).far(),
    ]
""",
    "doctests": """
import doctest, shop
def look():
    finder = doctest.DocTestFinder()
    found = [[test.name, len(test.examples)] for test in finder.find(shop)]
    return [found, list(doctest.testmod(shop))]
""",
    "classes": """
import dataclasses, shop, typing, weakref
def look():
    slotted, watched = shop.Slotted(), shop.Watched()
    told = [list(one) for one in shop.Meta.touched]
    try:
        shop.Abstract()
    except TypeError as error:
        refused = str(error)
    class Own(shop.Hooked): pass
    return [
        slotted.get(), hasattr(slotted, "__dict__"), sorted(shop.Slotted.__dict__), bool(
        weakref.ref(slotted)()), told, watched.method(), len(shop.Meta.touched),
        [f.name for f in dataclasses.fields(shop.Point)], repr(shop.Point(1)),
        shop.Point(1) < shop.Point(2), dataclasses.asdict(dataclasses.replace(shop.Point(1), x=5)),
        isinstance(shop.Square(), shop.Sized), isinstance(3, shop.Sized),
        shop.Shape._is_protocol, shop.Colour.first().hex(), list(shop.Colour.__members__), refused,
        shop.Hooked.seen, shop.Hooked[int].__name__, shop.Pair(3).double(), shop.Pair._fields,
        shop.dispatch(1), shop.dispatch("x"), shop.cached(1), shop.cached.cache_info().misses,
        sorted(shop.Abstract.__abstractmethods__),
    ]
""",
    "warnings": """
import shop, sys, warnings
def look():
    filters = [[str(part) for part in one] for one in warnings.filters]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("default")
        shop.plain()
    return [filters, len(caught), sorted(vars(sys.modules["warnings"]))]
""",
    "extensions": """
import importlib, math, shop
def look():
    import _json, _heapq
    made = importlib.import_module("_bisect")
    return [math.sqrt(4), repr(made.bisect_left), type(made.bisect_left).__name__,
            repr(_heapq.heappush), type(made.__spec__.loader).__name__, sorted(vars(math))]
""",
    "loaders": """
import importlib, importlib.util, inspect, pkgutil, shop, sys
def look():
    spec = shop.__spec__
    again = importlib.reload(shop)
    return [
        again is shop, type(spec.loader).__name__, sorted(vars(spec.loader)), spec.origin,
        shop.__loader__ is spec.loader, shop.__file__, shop.__cached__, spec.has_location,
        spec.loader.get_source("shop") == open(shop.__file__).read(),
        spec.loader.is_package("shop"), pkgutil.get_data("shop", "program.py")[:4].decode(),
        importlib.util.find_spec("no_such_module") is None, shop.plain(),
        sorted(vars(importlib.util.find_spec("shop").loader)), sorted(vars(spec.loader)),
    ]
""",
}

SEEN_THROUGH_WRAPPERS = {
    "identity": """
import doctest, gc, hashlib, marshal, shop, sys, types
def look():
    shop.plain()
    code = shop.plain.__code__
    return [
        type(shop.plain) is types.FunctionType, hasattr(shop.plain, "__wrapped__"),
        hashlib.sha256(code.co_code).hexdigest(), hashlib.sha256(marshal.dumps(code)).hexdigest(),
        code.co_firstlineno, sorted(vars(shop.plain)), shop.plain.__globals__ is vars(shop),
        sum(getattr(one, "__name__", "") == "plain" for one in gc.get_objects()
            if type(one) is types.FunctionType), sys.gettrace(), sys.getprofile(),
        shop.plain.__defaults__, [test.lineno for test in doctest.DocTestFinder().find(shop)],
    ]
""",
    "stacks": """
import shop, warnings
def look():
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        shop.warn()
    return [caught[0].filename, caught[0].lineno, shop.caller_names()]
""",
}


@pytest.mark.parametrize("look", LOOKS)
def test_a_program_sees_the_same(shop: Path, look: str) -> None:
    """On every Python, whatever records there."""
    plain, recorded, calls = run_both(shop, LOOKS[look], "shop")
    assert recorded == plain
    assert calls or look in ("signatures", "doctests", "extensions")


@needs_no_wrappers
@pytest.mark.parametrize("look", SEEN_THROUGH_WRAPPERS)
def test_a_program_sees_the_same_functions(shop: Path, look: str) -> None:
    """Where nothing is wrapped, the objects, their code and the stack are the program's own."""
    plain, recorded, calls = run_both(shop, SEEN_THROUGH_WRAPPERS[look], "shop")
    assert recorded == plain
    assert calls


IMPORTS = """
import importlib, importlib.util, sys

class Asked:
    names = []
    def find_spec(self, name, path=None, target=None):
        if not name.startswith("pytest_timestamps"):
            Asked.names.append([name, path is not None and len(list(path))])

def look():
    before = set(sys.modules)
    sys.meta_path.insert(1, Asked())
    sys.meta_path.append(Asked())
    import outer.one
    from outer import lazy
    lazy.later()
    import spread.part
    outer.one.total()
    asked = list(Asked.names)
    try:
        import outer.missing
    except ModuleNotFoundError as error:
        # of what isn't there, the finders are asked once more
        missed = [str(error), error.name, importlib.util.find_spec("outer.missing")]
    added = [name for name in sys.modules if name not in before]
    return [
        [name for name in added if not name.startswith("pytest_timestamps")], asked, missed,
        outer.order, list(spread.__path__) != [], sys.modules["outer"].one is outer.one,
    ]
"""


def test_imports_happen_in_the_same_order(tmp_path: Path) -> None:
    """Circular, lazy and namespace imports too; finders are asked the same, in the same order."""
    outer, spread = tmp_path / "outer", tmp_path / "spread"
    outer.mkdir(), spread.mkdir()
    (outer / "__init__.py").write_text("order = ['outer']\nfrom . import one\n")
    (outer / "one.py").write_text(
        "import outer\nouter.order.append('one')\nfrom outer import two\ndef total(): return 1\n"
    )
    (outer / "two.py").write_text("import outer\nouter.order.append('two')\nfrom . import one\n")
    (outer / "lazy.py").write_text(
        "def later():\n    import colorsys\n    from outer import three\n"
    )
    (outer / "three.py").write_text("import outer\nouter.order.append('three')\n")
    (spread / "part.py").write_text("def part(): return 1\n")
    plain, recorded, calls = run_both(tmp_path, IMPORTS, "outer", "spread", "colorsys")
    assert recorded == plain
    assert calls["outer.one.total"] == calls["outer.lazy.later"] == 1


def test_a_package_in_a_zip_file_is_recorded(tmp_path: Path) -> None:
    """Whatever finds a module, its data stay within reach."""
    with zipfile.ZipFile(tmp_path / "goods.zip", "w") as archive:
        archive.writestr("goods/__init__.py", "def sell():\n    return 1\n")
        archive.writestr("goods/data.txt", "data")
    program = (
        "import pkgutil, sys\nsys.path.insert(0, 'goods.zip')\nimport goods\n"
        "def look(): return [goods.sell(), pkgutil.get_data('goods', 'data.txt').decode(),\n"
        "    type(goods.__loader__).__name__, sorted(vars(goods.__loader__))]\n"
    )
    plain, recorded, calls = run_both(tmp_path, program, "goods")
    assert recorded == plain
    assert calls == {"goods.sell": 1}


def test_a_module_run_as_a_program_runs_as_it_would(shop: Path) -> None:
    """`runpy` asks the loader for code, and runs it itself."""
    shop.joinpath("tool.py").write_text("import shop\nresult = (__name__, shop.plain(1))\n")
    program = (
        "import runpy, sys\ndef look():\n"
        "    found = runpy.run_module('tool', run_name='__main__')\n"
        "    import tool\n"
        "    return [found['result'], tool.result,\n"
        "        sorted(vars(tool.__loader__)), 'tool' in sys.modules]\n"
    )
    plain, recorded, calls = run_both(shop, program, "shop", "tool")
    assert recorded == plain
    assert calls["shop.plain"] == 2


def test_a_loader_that_is_asked_for_code_first_is_followed(shop: Path) -> None:
    """What is looked at is another code object than what the import then runs."""
    program = (
        "import importlib.util\ndef look():\n"
        "    spec = importlib.util.find_spec('shop')\n"
        "    named = spec.loader.get_code('shop').co_name\n"
        "    module = importlib.util.module_from_spec(spec)\n"
        "    spec.loader.exec_module(module)\n"
        "    return [named, module.plain(), sorted(vars(spec.loader))]\n"
    )
    plain, recorded, calls = run_both(shop, program, "shop")
    assert recorded == plain
    assert calls["shop.plain"] == 1
