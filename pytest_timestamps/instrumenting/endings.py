"""Being told that this process ends, where it ends so that `atexit` isn't asked.

There is nothing for signals. A handler in Python runs when Python gets to run: a signal that comes
just before a blocking system call would be left waiting until that returns, and a process that is
told to terminate would not. Of pools that are terminated right after their work, one in 50 was.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

__all__ = ["before_exit"]


def before_exit(do: Callable[[], None]) -> None:
    """Have ``do`` called whenever `os._exit` is; the process ends with its status all the same.

    Forked processes end by it: those of `multiprocessing`, too.
    """
    leave = os._exit

    def _exit(status: int) -> NoReturn:
        """Exit to the system with specified status, without normal exit processing."""
        try:
            do()
        finally:
            leave(status)

    # so that it is pickled by the name that it is found under
    _exit.__module__, _exit.__qualname__ = "os", "_exit"
    os._exit = _exit
