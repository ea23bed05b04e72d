"""Modules below their packages, as a table shows them."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from pytest_timestamps.analysis.modules import ModuleTiming, packages_above
from pytest_timestamps.analysis.timings import SortOrder

__all__ = ["ModuleLine", "arrange_modules"]


class ModuleLine(NamedTuple):
    """A module or package, how deep it stands, and its name below what stands above it.

    Below ``shop``, the module ``shop.cart`` is ``.cart``, and what ``shop`` itself defines is
    ``.__init__``.
    """

    depth: int
    label: str
    timing: ModuleTiming


def arrange_modules(
    timings: Iterable[ModuleTiming], *, sort: SortOrder = "self", limit: int | None = None
) -> tuple[ModuleLine, ...]:
    """The ``limit`` first modules in descending order of ``sort`` (None for all), as a tree.

    Packages stand above their modules and are not counted; one that holds a single module or
    package is left out, as its figures are that one's.
    """
    ranked = sorted(timings, key=lambda timing: _rank(timing, sort))
    modules = [timing for timing in ranked if timing.kind == "module"]
    shown = {timing.name: timing for timing in ranked if timing.kind == "package"}
    for name in _of_one(modules, shown):
        del shown[name]
    above: dict[ModuleTiming, str] = {}
    for module in modules[:limit]:
        lower = module
        chain = [name for name in (module.name, *packages_above(module.name)) if name in shown]
        for name in chain:
            above[lower] = name
            lower = shown[name]
        above.setdefault(lower, "")
    return _depth_first([timing for timing in ranked if timing in above], above)


def _rank(timing: ModuleTiming, sort: SortOrder) -> tuple[int, int, str, str]:
    by = {"self": timing.self_ns, "total": timing.cumulative_ns, "calls": timing.calls}
    return -by[sort], -timing.self_ns, timing.name, timing.kind


def _of_one(modules: Sequence[ModuleTiming], packages: Iterable[str]) -> list[str]:
    """The packages with nothing in them but one module or one package."""
    members: dict[str, set[str]] = {name: set() for name in packages}
    for module in modules:
        member = module.name
        if member in members:
            members[member].add("")
        for package in packages_above(module.name):
            members[package].add(member)
            member = package
    return [name for name, inside in members.items() if len(inside) == 1]


def _depth_first(
    ranked: Sequence[ModuleTiming], above: dict[ModuleTiming, str]
) -> tuple[ModuleLine, ...]:
    lines: list[ModuleLine] = []
    stack = [(0, timing) for timing in reversed(ranked) if not above[timing]]
    while stack:
        depth, timing = stack.pop()
        lines.append(ModuleLine(depth, _label(timing.name, above[timing]), timing))
        if timing.kind == "package":
            below = [one for one in ranked if above[one] == timing.name]
            stack.extend((depth + 1, one) for one in reversed(below))
    return tuple(lines)


def _label(name: str, package: str) -> str:
    if not package:
        return name
    return name[len(package) :] or ".__init__"
