"""Replacing a method of a class, or a function of a module, for a while."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

__all__ = ["IsLive", "Patch", "Wrap"]

IsLive = Callable[[], bool]
"""Whether a replacement is still wanted; if not it must do what the original does, no more."""
Wrap = Callable[[Callable[..., Any], IsLive], Callable[..., Any]]
"""Makes a replacement from the original."""


class Patch:
    """One replaced method of a class or function of a module; installed and removed once."""

    def __init__(self, owner: Any, name: str, wrap: Wrap) -> None:
        self.owner = owner
        self.name = name
        self._original: Callable[..., Any] = owner.__dict__[name]
        self._replacement = wrap(self._original, lambda: self._is_live)
        self._is_live = False

    def install(self) -> None:
        """Put the replacement in place."""
        setattr(self.owner, self.name, self._replacement)
        self._is_live = True

    def remove(self) -> None:
        """Put the original back.

        If somebody has wrapped the replacement meanwhile it stays below theirs, which would be
        lost with it, and is dead from now on: were it only idle, it would count beside its
        successor after the next activation.
        """
        self._is_live = False
        if self.owner.__dict__[self.name] is self._replacement:
            setattr(self.owner, self.name, self._original)
