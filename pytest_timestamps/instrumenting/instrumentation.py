"""`instrument`: record every function of whole packages."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import CodeType, ModuleType
from typing import Self

from pytest_timestamps.errors import ArgumentError, ArgumentTypeError
from pytest_timestamps.recording import DISABLED
from pytest_timestamps.recording.engine import ENGINE
from pytest_timestamps.recording.marks import MARKS

from .codes import functions_in, living_functions, mark_code, unmark_code
from .importing import ImportWatch
from .selection import Selection
from .wrapping import Replacement, replace_functions

__all__ = ["Instrumentation", "instrument"]


def instrument(*patterns: str, budget: float | None = None) -> Instrumentation:
    """Record every function, method, coroutine and generator that the named modules define.

    Each of ``patterns`` is a package or module (``"shop"``, all below it included), a glob
    (``"shop.*_views"``), several with commas between them, or, with ``!``, what to leave out
    (``"!shop.fast.*"``). Modules that are imported later are recorded from their first line on.
    It lasts until `Instrumentation.remove`, or to the end of a ``with`` block.
    ``budget`` is the share of the program's own time that recording may cost, 0.10 for 10 %;
    None sets no limit.

    Raises `ArgumentTypeError` and `ArgumentError` as `Selection` does, and for a budget that is no
    number above 0.
    """
    return Instrumentation(Selection(*patterns), budget)


class Instrumentation:
    """What `instrument` has done so far, and the way to undo it.

    ``modules`` are those that were met, ``functions`` counts what is recorded in them, ``budget``
    is the share of the program's own time that recording may cost, None for no limit.
    ``on_first`` is called when the first one is met that is imported later.
    """

    def __init__(
        self,
        selection: Selection,
        budget: float | None = None,
        on_first: Callable[[], None] | None = None,
    ) -> None:
        self._selection = selection
        self.budget = _checked(budget)
        self._on_first = on_first
        self._codes: list[CodeType] = []
        self._replaced: list[Replacement] = []
        self.modules: set[str] = set()
        on_code = None if MARKS is None else self._mark_module
        self._watch = ImportWatch(selection.takes_module, on_code, self._meet)
        self._active = not DISABLED
        if DISABLED:
            return
        ENGINE.thinning.start(self.budget)
        self._watch.start()
        self._meet_imported()

    @property
    def functions(self) -> int:
        """How many functions are recorded."""
        return len(self._codes) + len(self._replaced)

    @property
    def unmatched(self) -> list[str]:
        """The patterns for which no module has been imported: misspelt, or never used."""
        return self._selection.unmatched(self.modules)

    def remove(self) -> None:
        """Record these functions no more, unless something else records them."""
        self._watch.stop()
        if self._active:
            self._active = False
            ENGINE.thinning.stop(self.budget)
        for code in self._codes:
            unmark_code(code)
        for replacement in reversed(self._replaced):
            replacement.undo()
        self._codes.clear()
        self._replaced.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.remove()

    def _meet_imported(self) -> None:
        there = {
            name: module
            for name, module in list(sys.modules.items())
            if type(name) is str and self._selection.takes_module(name) and module is not None
        }
        self.modules |= there.keys()
        if MARKS is None:
            for module in there.values():
                self._meet(module)
        elif there:
            for name, code in living_functions(there):
                self._mark(name, code)

    def _mark_module(self, name: str, code: CodeType) -> None:
        """A module is about to run."""
        self._add(name)
        for one in functions_in(code):
            self._mark(name, one)

    def _mark(self, name: str, code: CodeType) -> None:
        span_name = f"{name}.{code.co_qualname}"
        if self._selection.takes_function(span_name) and mark_code(code, span_name):
            self._codes.append(code)

    def _add(self, name: str) -> None:
        self.modules.add(name)
        on_first, self._on_first = self._on_first, None
        if on_first is not None:
            on_first()

    def _meet(self, module: ModuleType) -> None:
        """A module has run."""
        name = module.__name__
        if MARKS is None:
            self._add(name)
            if isinstance(module, ModuleType):
                self._replaced += replace_functions(module, self._selection.takes_function)
        elif name not in self.modules:
            self._add(name)
            for _, code in living_functions([name]):
                self._mark(name, code)


def _checked(budget: float | None) -> float | None:
    """The budget, unless it can't be one."""
    if budget is None:
        return None
    if isinstance(budget, bool) or not isinstance(budget, int | float):
        raise ArgumentTypeError(
            f"instrument's budget must be a number, such as 0.10 for 10 %, got {budget!r:.80} "
            f"({type(budget).__name__})"
        )
    if not 0 < budget < float("inf"):
        raise ArgumentError(
            f"instrument's budget must be above 0, such as 0.10 for 10 %, got {budget!r:.80}; "
            "None sets no limit"
        )
    return float(budget)
