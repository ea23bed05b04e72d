"""Which modules the recorded functions are in: known only where they were imported."""

import sys
from collections.abc import Callable, Collection

from pytest_timestamps.analysis.modules import find_module
from pytest_timestamps.recording.results import Recording
from pytest_timestamps.recording.rows import columns_of

__all__ = ["ModuleFinder"]


class ModuleFinder:
    """Names each module once, with the first recording that has a function of it.

    ``instrumented`` are modules that were recorded undecorated: they count as well after a test
    has taken them out of ``sys.modules``.
    """

    def __init__(
        self,
        instrumented: Callable[[], Collection[str]] = tuple,
        imported: Callable[[], Collection[str]] = lambda: sys.modules,
    ) -> None:
        self._instrumented = instrumented
        self._imported = imported
        self._names: set[str] = set()
        self._modules: set[str] = set()

    def new_in(self, recording: Recording) -> tuple[str, ...]:
        """The modules of functions that no earlier recording had, sorted."""
        if not recording.paths:
            return ()
        recorded = columns_of(recording.paths).name
        if self._names.issuperset(recorded):
            return ()
        names = set(recorded) - self._names
        self._names |= names
        imported, instrumented = self._imported(), self._instrumented()
        found = {
            max(find_module(name, imported), find_module(name, instrumented), key=len)
            for name in names
        }
        new = found - self._modules - {""}
        self._modules |= new
        return tuple(sorted(new))
