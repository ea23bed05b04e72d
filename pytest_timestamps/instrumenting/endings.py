"""Being told that this process ends, where it ends so that `atexit` isn't asked."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # typeshed knows `signal` alone
import os
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn

__all__ = ["before_exit", "before_terminating"]


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


def before_terminating(do: Callable[[], None]) -> None:
    """Have ``do`` called at a SIGTERM that nobody handles; the process dies of it all the same.

    `signal.getsignal` goes on answering `signal.SIG_DFL`. Where the program sets a handler of
    its own, then or later, ``do`` isn't called.
    """
    if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
        # a module for programs takes the handler for the number that it is, and sets SIG_DFL
        _signal.signal(signal.SIGTERM, _LikeDefault(do))


class _LikeDefault(int):
    """A handler that is equal to `signal.SIG_DFL`, and is shown as that."""

    _do: Callable[[], None]

    def __new__(cls, do: Callable[[], None]) -> _LikeDefault:
        handler = super().__new__(cls, signal.SIG_DFL)
        handler._do = do
        return handler

    def __call__(self, number: int, frame: object) -> None:
        try:
            self._do()
        finally:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
