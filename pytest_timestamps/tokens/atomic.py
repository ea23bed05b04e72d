"""Writing a file so that a reader, or a crash, never meets half of it."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

__all__ = ["read_bytes", "write_atomically"]

_Result = TypeVar("_Result")

_serial = itertools.count()

# On Windows a file that another process reads at this moment can't be replaced; it is free again
# within milliseconds. Elsewhere these errors are final and are not retried.
_BUSY = {errno.EACCES, errno.EPERM} if os.name == "nt" else set()
_TRIES = 40
_PAUSE_S = 0.025


def write_atomically(
    path: Path,
    content: bytes,
    *,
    replace: Callable[[Path, Path], None] = os.replace,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """Put *content* at *path*: all of it, or what was there before.

    The content is on the disk, not only in the cache, before it takes the name.
    Raises `OSError`; no temporary file is left behind then, except by a process that is killed.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{next(_serial)}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        _patiently(lambda: replace(temporary, path), pause)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def read_bytes(path: Path, *, pause: Callable[[float], None] = time.sleep) -> bytes:
    """The content of *path*, also while another process is replacing it."""
    return _patiently(path.read_bytes, pause)


def _patiently(action: Callable[[], _Result], pause: Callable[[float], None]) -> _Result:
    for _ in range(_TRIES):
        try:
            return action()
        except OSError as error:
            if error.errno not in _BUSY:
                raise
        pause(_PAUSE_S)
    return action()


def _sync_folder(folder: Path) -> None:
    """Make the new name itself durable, where a folder can be opened for that."""
    if os.name == "nt":
        return
    # Some file systems refuse this; the content itself is safe by then.
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
