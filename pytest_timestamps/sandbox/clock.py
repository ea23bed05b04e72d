"""The sandbox's clock: the machine's time plus an offset, or a time that only a test moves."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from pytest_timestamps.errors import ArgumentError

__all__ = ["SandboxClock"]


class SandboxClock:
    """Tells the sandbox what time it is, in Unix seconds.

    It runs with the machine's clock unless *frozen_at_s* is given; then it stands still.
    `advance` moves either kind forward at once, so that nobody has to wait for a delay.
    """

    def __init__(
        self,
        *,
        frozen_at_s: float | None = None,
        wall_clock_s: Callable[[], float] = time.time,
    ) -> None:
        self._wall_clock_s = wall_clock_s
        self._frozen_at_s = frozen_at_s
        self._offset_s = 0.0
        self._lock = threading.Lock()

    def now_s(self) -> float:
        """The time in Unix seconds."""
        with self._lock:
            base_s = self._wall_clock_s() if self._frozen_at_s is None else self._frozen_at_s
            return base_s + self._offset_s

    def advance(self, seconds: float) -> float:
        """Move the clock forward by *seconds* and answer the new time.

        A negative number is refused: what was served can't become unserved.
        """
        if seconds < 0:
            raise ArgumentError(
                f"the sandbox's clock can't go back by {-seconds:g} s: expected 0 or more seconds; "
                "use a second sandbox for an earlier time"
            )
        with self._lock:
            self._offset_s += seconds
        return self.now_s()

    def move_to(self, at_s: float) -> float:
        """Move the clock forward to *at_s*, a Unix time that is not in its past."""
        return self.advance(at_s - self.now_s())
