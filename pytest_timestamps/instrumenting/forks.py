"""What is done in a process that was forked from this one."""

from __future__ import annotations

import os

# its own follow-up of a fork is to come first
from pytest_timestamps.recording.engine import ENGINE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["do_in_forks", "stop_doing_in_forks"]

_ASKED: list[Callable[[], None]] = []


def do_in_forks(do: Callable[[], None]) -> None:
    """Have ``do`` called first thing in each forked process, instead of what was asked before."""
    _ASKED.append(do)


def stop_doing_in_forks(do: Callable[[], None]) -> None:
    """Undo `do_in_forks`; nothing where it isn't asked for."""
    if do in _ASKED:
        _ASKED.remove(do)


def _after_fork() -> None:
    if _ASKED:
        try:
            _ASKED[-1]()
        except Exception:
            # what is let out would be written to the program's output
            ENGINE.note_fault()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
