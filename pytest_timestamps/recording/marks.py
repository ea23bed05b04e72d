"""The code objects whose calls are recorded without a wrapper, on Python 3.12 and later."""

from __future__ import annotations

import sys
from _weakref import ref

from .sites import Site

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType
    from typing import TypeAlias

    from .starters import Starter

    Mark: TypeAlias = Site | Starter | None

__all__ = ["MARKS", "Marks"]


class Marks:
    """What each marked code object stands for.

    Codes are known by id, since equal codes of different functions compare equal; a code that
    dies takes its mark with it.
    ``on_mark`` is told of each new mark while events are on; ``told`` has the ids of those codes
    whose suspensions are told then, if they can be suspended.
    ``replaced`` counts the codes that had another mark before.
    """

    def __init__(self) -> None:
        self.by_id: dict[int, Mark] = {}
        self.told: set[int] = set()
        self.on_mark: Callable[[CodeType, Mark], None] | None = None
        self.replaced = 0
        self._codes: dict[int, ref[CodeType]] = {}
        self._found: dict[int, Site] = {}

    def mark(self, code: CodeType, mark: Site | Starter) -> None:
        """Record the calls of ``code`` as a site, or follow it as a starter of work."""
        self._remember(code, mark)

    def mark_found(self, code: CodeType, site: Site) -> bool:
        """Record the calls of ``code``, that nobody decorated, until `unmark_found`.

        False where it is recorded already. A decorator takes over from such a mark.
        """
        if self.by_id.get(id(code)) is not None:
            return False
        self._found[id(code)] = site
        self._remember(code, site)
        return True

    def unmark_found(self, code: CodeType) -> None:
        """Undo `mark_found`, unless the code was decorated since."""
        if self.is_found(code):
            self._remember(code, None)
        self._found.pop(id(code), None)

    def is_found(self, code: CodeType) -> bool:
        """Is it recorded, and not because it was decorated?"""
        found = self._found.get(id(code))
        return found is not None and self.by_id.get(id(code)) is found

    def watch(self, code: CodeType) -> None:
        """Follow the suspensions of ``code``, in which a block was entered."""
        if id(code) not in self.told:
            self._remember(code, self.by_id.get(id(code)))

    def site_of(self, code: CodeType) -> Site | None:
        """What ``code`` is recorded as, if it is."""
        mark = self.by_id.get(id(code))
        return mark if isinstance(mark, Site) else None

    def all(self) -> list[tuple[CodeType, Mark]]:
        """All marked codes that are alive."""
        alive = ((reference(), self.by_id.get(key)) for key, reference in list(self._codes.items()))
        return [(code, mark) for code, mark in alive if code is not None]

    def _remember(self, code: CodeType, mark: Mark) -> None:
        key = id(code)
        if self.by_id.get(key) not in (None, mark):
            self.replaced += 1
        self.by_id[key] = mark
        self.told.add(key)

        def forget(_: object) -> None:
            self.by_id.pop(key, None)
            self.told.discard(key)
            self._codes.pop(key, None)
            self._found.pop(key, None)

        self._codes[key] = ref(code, forget)
        if self.on_mark is not None:
            self.on_mark(code, mark)


MARKS = Marks() if hasattr(sys, "monitoring") else None
"""The process's marks; None on Python 3.11, where wrappers record."""
