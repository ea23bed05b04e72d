"""From call paths to figures per module and per package, by the names of functions.

A function's default name is ``module.qualname``, which doesn't say where the module ends: that
takes the names of the modules, and only the process that imported them knows those.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from pytest_timestamps.analysis.timings import time_names
from pytest_timestamps.recording.results import PathStats

__all__ = ["ModuleTiming", "find_module", "keys_of", "packages_above", "time_modules"]


class _Key(NamedTuple):
    name: str
    kind: Literal["module", "package"]


class ModuleTiming(NamedTuple):
    """What the functions of one module cost, or those of a package: of all modules in it.

    A package that has functions of its own is a module too, and has a row as each.
    ``functions`` counts the names that were called, ``self_ns`` is the sum of their self times.
    ``cumulative_ns`` is the time of the call paths that lead through the module or package, each
    path's once, however often it comes back to it: never less than ``self_ns``. What one of its
    functions started, and ran beside it (a task, a thread), has a call path of its own.
    """

    name: str
    kind: Literal["module", "package"]
    functions: int
    calls: int
    errors: int
    self_ns: int
    cumulative_ns: int


def find_module(name: str, known: Collection[str]) -> str:
    """The module in which a function of that name is: the longest dotted beginning in ``known``.

    Empty where there is none, as for most names that were given by hand.
    """
    module = name.rpartition(".")[0]
    while module and module not in known:
        module = module.rpartition(".")[0]
    return module


def packages_above(module: str) -> Iterator[str]:
    """The packages that the module lies in, the nearest first."""
    package = module.rpartition(".")[0]
    while package:
        yield package
        package = package.rpartition(".")[0]


def time_modules(table: Sequence[PathStats], modules: Collection[str]) -> tuple[ModuleTiming, ...]:
    """A row for each of ``modules`` that has a function in the table, and for each package.

    The most self time first. Depends on the table's paths and on which modules are known, not on
    the order of either: tables can be merged before or after.
    """
    timings = time_names(table)
    module_of = {name: find_module(name, modules) for name in timings}
    there = set(module_of.values()) - {""}
    packages = {package for module in there for package in packages_above(module)}
    keys = {module: tuple(keys_of(module, packages)) for module in sorted(there)}
    sums: dict[_Key, list[int]] = {key: [0, 0, 0, 0, 0] for of in keys.values() for key in of}
    for timing in timings.values():
        for key in keys.get(module_of[timing.name], ()):
            row = sums[key]
            row[0] += 1
            row[1] += timing.calls
            row[2] += timing.errors
            row[3] += timing.self_ns
    bits = {key: 1 << at for at, key in enumerate(sums)}
    masks = {module: sum(bits[key] for key in of) for module, of in keys.items()}
    of_name = {name: masks.get(module, 0) for name, module in module_of.items()}
    for mask, self_ns in _times_by_mask(table, of_name).items():
        for key in _keys_in(mask, tuple(sums)):
            sums[key][4] += self_ns
    rows = [ModuleTiming(*key, *figures) for key, figures in sums.items()]
    return tuple(sorted(rows, key=lambda row: (-row.self_ns, row.name, row.kind)))


def keys_of(module: str, packages: Collection[str]) -> Iterator[_Key]:
    """The name and kind of all rows that count a function of that module."""
    yield _Key(module, "module")
    if module in packages:
        yield _Key(module, "package")
    for package in packages_above(module):
        yield _Key(package, "package")


def _times_by_mask(table: Sequence[PathStats], of_name: Mapping[str, int]) -> dict[int, int]:
    """Self time by all that is on the call path, each a bit: every path's time is in one of them.

    Self times and not totals: the total of a path is in another's too where a recursion was
    folded, and those sums would count it twice.
    """
    times: dict[int, int] = {}
    masks: list[int] = []
    for row in table:
        mask = of_name[row.name]
        if row.parent >= 0 and not row.detached:
            mask |= masks[row.parent]
        masks.append(mask)
        times[mask] = times.get(mask, 0) + row.self_ns
    return times


def _keys_in(mask: int, keys: Sequence[_Key]) -> Iterator[_Key]:
    while mask:
        lowest = mask & -mask
        yield keys[lowest.bit_length() - 1]
        mask ^= lowest
