"""What a session tells its children, by files in its folder.

A child hands over to a folder that lies two further down.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["Running", "read_orders", "read_running", "session_of", "write_orders"]

_ORDERS_FILE = "orders.txt"
"""The budget, or an empty line where there is none, then what to record, a pattern a line."""

_RUNNING_FILE = "running.txt"
"""The folder of the test or fixture that is going on, if one is, and blanks."""

_LONGEST = 4_096
"""Bytes: no path is longer."""


def session_of(folder: str) -> str:
    """The session's folder that ``folder``, where a child hands over, lies in."""
    return os.path.dirname(os.path.dirname(folder))


def write_orders(session_folder: str, patterns: Sequence[str], budget: float | None) -> None:
    """Say what children shall record, and at what cost."""
    lines = ["" if budget is None else repr(budget), *patterns]
    with open(os.path.join(session_folder, _ORDERS_FILE), "w", encoding="utf-8") as file:
        file.write("\n".join(lines))


def read_orders(folder: str) -> tuple[float | None, list[str]]:
    """The budget and what to record; nothing of that if nobody waits any more."""
    try:
        with open(os.path.join(session_of(folder), _ORDERS_FILE), encoding="utf-8") as file:
            budget, *patterns = file.read().split("\n")
    except OSError:
        return None, []
    return float(budget) if budget else None, patterns


class Running:
    """Tells children what is going on that can't know it from their environment."""

    def __init__(self, session_folder: str) -> None:
        path = os.path.join(session_folder, _RUNNING_FILE)
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)

    def tell(self, folder: str) -> None:
        """From now on it is what ``folder`` is for; nothing if that is empty."""
        os.lseek(self._file, 0, os.SEEK_SET)
        os.write(self._file, folder.ljust(_LONGEST).encode())

    def close(self) -> None:
        """Tell nothing any more."""
        os.close(self._file)


def read_running(folder: str) -> str:
    """Where a child hands over that starts now; empty where nothing is going on."""
    try:
        with open(os.path.join(session_of(folder), _RUNNING_FILE), encoding="utf-8") as file:
            return file.read().rstrip()
    except OSError:
        return ""
