"""Recording a module's functions by replacing them: Python 3.11 tells of calls in no other way.

What the module's namespace and its classes hold is replaced once the module has run. A function
that something else took hold of before, as ``from module import function`` does, stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from types import FunctionType, ModuleType
from typing import Any

from pytest_timestamps.recording import timestamp
from pytest_timestamps.recording.engine import ENGINE
from pytest_timestamps.recording.naming import wrapper_site

__all__ = ["Replacement", "replace_functions"]

_KINDS = (FunctionType, staticmethod, classmethod, property, cached_property)


class Replacement:
    """One attribute that holds a wrapper now."""

    def __init__(self, owner: Any, attribute: str, original: object, replaced: object) -> None:
        self.owner = owner
        self.attribute = attribute
        self.original = original
        self.replaced = replaced

    def undo(self) -> None:
        """Put the original back, unless someone else has put in something of their own."""
        if vars(self.owner).get(self.attribute) is self.replaced:
            _set(self.owner, self.attribute, self.original)


def replace_functions(module: ModuleType, takes: Callable[[str], bool]) -> Iterator[Replacement]:
    """Replace what ``module`` defines, one by one."""
    for owner in _owners(module):
        for attribute, value in list(vars(owner).items()):
            function = _function_in(value)
            if function is None or function.__module__ != module.__name__:
                continue
            if hasattr(function, "__wrapped__") or not takes(_name_of(function)):
                continue
            ENGINE.thinning.admit(wrapper_site(_name_of(function), function))
            if isinstance(value, cached_property):
                # it can't be replaced without being told its name again: its function can
                replaced: Any = timestamp(value.func)
                yield _replaced(value, "func", replaced)
                continue
            yield _replaced(owner, attribute, timestamp(value))


def _name_of(function: FunctionType) -> str:
    return f"{function.__module__}.{function.__qualname__}"


def _replaced(owner: Any, attribute: str, replaced: object) -> Replacement:
    original = vars(owner)[attribute]
    _set(owner, attribute, replaced)
    return Replacement(owner, attribute, original, replaced)


def _set(owner: Any, attribute: str, value: object) -> None:
    # a metaclass may do as it likes on assignment
    (type.__setattr__ if isinstance(owner, type) else setattr)(owner, attribute, value)


def _owners(module: ModuleType) -> Iterator[Any]:
    """The module and its classes, those in classes too."""
    pending: list[Any] = [module]
    seen: set[int] = set()
    while pending:
        owner = pending.pop()
        if id(owner) in seen:
            continue
        seen.add(id(owner))
        yield owner
        pending += [
            value
            for value in list(vars(owner).values())
            if isinstance(value, type) and value.__module__ == module.__name__
        ]


def _function_in(value: object) -> FunctionType | None:
    """The function that the source defines, None where ``value`` is or holds none."""
    if type(value) not in _KINDS:
        return None
    inner: object = value
    if isinstance(value, staticmethod | classmethod):
        inner = value.__func__
    elif isinstance(value, property):
        inner = value.fget
    elif isinstance(value, cached_property):
        inner = value.func
    # what a dataclass or a named tuple makes has no source
    if type(inner) is not FunctionType or inner.__code__.co_filename.startswith("<"):
        return None
    return inner
