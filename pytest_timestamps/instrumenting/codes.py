"""The code objects of a module's functions, on Python 3.12 and later.

A module's own code object holds those of all functions in it as constants, nested ones in turn:
marked before the module runs, none is missed, and no function is touched.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator
from types import CodeType, FunctionType

from pytest_timestamps.recording.engine import ENGINE
from pytest_timestamps.recording.marks import MARKS
from pytest_timestamps.recording.sites import SUSPENDABLE, Site

__all__ = ["functions_in", "living_functions", "mark_code", "unmark_code"]

_FUNCTION = 0x1 | 0x2
"""Code flags that functions have and the bodies of modules and classes haven't (see `inspect`)."""


def functions_in(code: CodeType) -> Iterator[CodeType]:
    """The functions in ``code``, itself included if it is one; comprehensions are none."""
    pending = [code]
    while pending:
        one = pending.pop()
        pending += [item for item in one.co_consts if isinstance(item, CodeType)]
        named = one.co_name == "<lambda>" or not one.co_name.startswith("<")
        if named and one.co_flags & _FUNCTION == _FUNCTION:
            yield one


def living_functions(names: Iterable[str]) -> Iterator[tuple[str, CodeType]]:
    """The functions of modules that have been imported, each with the name of its module."""
    wanted = set(names)
    seen: set[int] = set()
    for item in gc.get_objects():
        # not isinstance(), which asks the object: some lie, and some do things when asked
        if type(item) is not FunctionType or id(item.__code__) in seen:
            continue
        if item.__code__.co_filename.startswith("<"):
            continue  # made, as dataclasses make them, and in no source
        name = item.__globals__.get("__name__")
        if type(name) is str and name in wanted:
            for code in functions_in(item.__code__):
                if id(code) not in seen:
                    seen.add(id(code))
                    yield name, code


def mark_code(code: CodeType, name: str) -> bool:
    """Have the calls of ``code`` recorded as ``name``; False where a decorator does so already."""
    assert MARKS is not None
    site = Site(name, "suspendable code" if code.co_flags & SUSPENDABLE else "code")
    if not MARKS.mark_found(code, site):
        return False
    ENGINE.thinning.admit(site)
    return True


def unmark_code(code: CodeType) -> None:
    """Record it no more."""
    assert MARKS is not None
    MARKS.unmark_found(code)
