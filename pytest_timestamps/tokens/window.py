"""Run windows: half-open intervals of whole UTC Unix seconds that cover what happened."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["NS_PER_S", "Window", "ceil_s", "floor_s"]

NS_PER_S = 1_000_000_000


def floor_s(moment_ns: int) -> int:
    """The last whole second at or before *moment_ns*."""
    return moment_ns // NS_PER_S


def ceil_s(moment_ns: int) -> int:
    """The first whole second at or after *moment_ns*."""
    return -(-moment_ns // NS_PER_S)


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """``[start_s, end_s)``, at least one second long wherever this project makes one."""

    start_s: int
    end_s: int

    @classmethod
    def covering(cls, start_ns: int, end_ns: int) -> Window:
        """The smallest window of whole seconds, and at least one, around both moments.

        An *end_ns* before *start_ns* (a clock set back) gives the one second of the start.
        """
        start_s = floor_s(start_ns)
        return cls(start_s, max(ceil_s(end_ns), start_s + 1))

    def extended_to(self, moment_ns: int) -> Window:
        """This window, made longer if need be so that it ends at or after *moment_ns*.

        It never becomes shorter, and its start stays: a clock that was set back, or faked by a
        test, can't uncover what was covered.
        """
        return Window(self.start_s, max(self.end_s, ceil_s(moment_ns)))

    @property
    def duration_s(self) -> int:
        """Its length in seconds."""
        return self.end_s - self.start_s

    def overlaps(self, other: Window) -> bool:
        """Whether the two share a second; windows that only touch do not."""
        return self.start_s < other.end_s and other.start_s < self.end_s
