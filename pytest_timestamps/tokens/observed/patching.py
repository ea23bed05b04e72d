"""Replacing a method of a class for a while, and putting it back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["Patch"]


class Patch:
    """One replaced method. *wrap* makes the replacement from the original."""

    def __init__(
        self, owner: type, name: str, wrap: Callable[[Callable[..., Any]], Callable[..., Any]]
    ) -> None:
        self.owner = owner
        self._name = name
        self._wrap = wrap
        self._original: Callable[..., Any] | None = None
        self._replacement: Callable[..., Any] | None = None

    def install(self) -> None:
        """Put the replacement in place, unless it still is."""
        found = self.owner.__dict__[self._name]
        if self._replacement is None:
            self._original, self._replacement = found, self._wrap(found)
            setattr(self.owner, self._name, self._replacement)

    def remove(self) -> None:
        """Put the original back.

        If somebody has wrapped the replacement meanwhile it stays where it is: it does nothing
        while no run is open, and removing it would remove theirs.
        """
        if self._replacement is not None and (self.owner.__dict__[self._name] is self._replacement):
            setattr(self.owner, self._name, self._original)
            self._original = self._replacement = None
