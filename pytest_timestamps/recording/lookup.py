"""Which captures a call belongs to: the definition, and the answer of last resort.

A call belongs to every capture that was entered by a frame of its own call stack; the nearest
owns it. A capture whose entering frame has been suspended or has returned covers the thread, or
the task, that entered it.
The context variable and the lanes answer almost always. A walk up the frames is left for code
that runs in a context which knows nothing of a capture that a coroutine entered further down the
same stack.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import CodeType, FrameType

    from .capture import Capture
    from .lane import Lane

__all__ = ["Entry", "entered_in_task", "entries_on_stack", "entry_to_leave"]

_SUSPENDABLE = 0x80 | 0x100 | 0x200
"""Code flags: coroutine, iterable coroutine, asynchronous generator (see `inspect`)."""


class Entry:
    """One entering of a capture: by which frame, on which lane, in a task or not.

    ``mark`` is that of the origin which its context has had since.
    The frame is known by its id and its code: holding it would keep its locals alive.
    """

    __slots__ = ("capture", "code", "frame_id", "in_task", "lane", "mark")

    def __init__(self, capture: Capture, frame: FrameType, lane: Lane) -> None:
        self.capture = capture
        self.frame_id = id(frame)
        self.code: CodeType = frame.f_code
        self.lane = lane
        self.mark: object = None
        self.in_task = entered_in_task(frame)


def entered_in_task(frame: FrameType | None) -> bool:
    """Is a coroutine on the stack from ``frame`` up? Then what it enters covers its task alone."""
    while frame is not None:
        if frame.f_code.co_flags & _SUSPENDABLE:
            return True
        frame = frame.f_back
    return False


def entries_on_stack(
    entries: Iterable[Entry],
    depth: int = 1,
    getframe: Callable[[int], FrameType] = sys._getframe,
) -> list[Entry]:
    """The ``entries`` whose frames are on the caller's stack, nearest first, at any depth."""
    wanted: dict[int, list[Entry]] = {}
    for entry in entries:
        wanted.setdefault(entry.frame_id, []).append(entry)
    found: list[Entry] = []
    frame: FrameType | None = getframe(depth + 1)
    while frame is not None:
        here = reversed(wanted.get(id(frame), ()))
        found += [entry for entry in here if entry.code is frame.f_code]
        frame = frame.f_back
    return found


def entry_to_leave(own: list[Entry], lane: Lane, marks: set[int]) -> tuple[Entry, bool]:
    """Which of a capture's ``own`` entries is left on ``lane``, by a context with these ``marks``.

    It is the latest of that context, else of that lane, else of all. Comes with whether the capture
    is still entered there.
    """
    here = [entry for entry in own if entry.lane is lane]
    in_context = [entry for entry in here if id(entry.mark) in marks]
    left = (in_context or here or own)[-1]
    others = [entry for entry in here if entry is not left]
    return left, any(entry in in_context or not entry.in_task for entry in others)
