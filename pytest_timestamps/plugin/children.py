"""Child processes of tests, as the recorder sees them: what they recorded belongs to someone."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Protocol

from pytest_timestamps.recording.results import Recording

__all__ = ["Children", "NoChildren"]


class Children(Protocol):
    """Told what is going on, so that it knows whose a child process is that starts meanwhile."""

    def begin(self, owner: Hashable, section: str) -> None:
        """Children that start from now on are the owner's, until `end`."""

    def end(self) -> None:
        """They are whoever's that was going on before."""

    def collect(self, owner: Hashable, recording: Recording) -> Recording:
        """``recording`` with what the owner's children have recorded."""


class NoChildren:
    """They aren't recorded."""

    def begin(self, owner: Hashable, section: str) -> None:
        """Nothing."""

    def end(self) -> None:
        """Nothing."""

    def collect(self, owner: Hashable, recording: Recording) -> Recording:
        """``recording``."""
        return recording
