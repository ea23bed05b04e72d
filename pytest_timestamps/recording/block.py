"""`timestamp_block`: record a part of a function."""

from __future__ import annotations

import sys

from .decorator import DISABLED, timestamp
from .marks import MARKS
from .naming import check_name
from .sites import COROUTINE, SUSPENDABLE, SWITCH, Site

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType, TracebackType
    from typing import Any, Self, TypeVar

    _T = TypeVar("_T")

__all__ = ["timestamp_block"]

_SITES_LIMIT = 10_000
"""Block names that are remembered; past it they are learned anew."""

_sites: dict[str, Site] = {}

_CONTEXT_MANAGER_ENTERS = ("_GeneratorContextManager.", "_AsyncGeneratorContextManager.")


class timestamp_block:  # reads as the keyword that it is used like
    """Record the body of a ``with`` statement as a span called ``name``.

    Also a decorator: ``@timestamp_block("phase")`` is ``@timestamp(name="phase")``.
    In a coroutine or a generator, the time for which that is suspended is kept apart, as it is
    for a decorated function; in a ``contextlib.contextmanager`` the span covers the caller's
    body.

    Raises `ArgumentTypeError` if ``name`` is no string, `ArgumentError` if it is empty.
    """

    __slots__ = ("_open", "_site")

    def __init__(self, name: str) -> None:
        try:
            self._site = _sites[name]
        except (KeyError, TypeError):
            self._site = _new_site(name)
        self._open = 0

    def __enter__(self) -> Self:
        if SWITCH.armed and not DISABLED:
            frame = sys._getframe(1)
            flags = frame.f_code.co_flags
            SWITCH.engine.spans.open_block(
                self._site, _follow(frame, flags) if flags & SUSPENDABLE else 0
            )
            self._open += 1
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._open:
            self._open -= 1
            if exc_type is None or exc_type is GeneratorExit:
                SWITCH.engine.spans.close(self._site)
            else:
                SWITCH.engine.spans.fail(self._site)

    def __call__(self, function: _T) -> _T:
        return timestamp(function, name=_escaped(self._site.name))

    def __repr__(self) -> str:
        return f"timestamp_block({self._site.name!r})"


def _follow(frame: FrameType, flags: int) -> int:
    """Have the frame whose suspension is the block's followed; its id, or 0 where there is none."""
    # a context manager is made of a generator, never of a coroutine
    lasting = frame if flags & COROUTINE else _covered_by(frame)
    if lasting is None:
        return 0
    if MARKS is not None:
        code = lasting.f_code
        if id(code) not in MARKS.told:
            try:
                MARKS.watch(code)
            except Exception:
                SWITCH.engine.note_fault()
    return id(lasting)


def _covered_by(frame: FrameType) -> FrameType | None:
    """The frame whose suspension is that of a block in ``frame``, if it can be suspended.

    A block in a context manager made of a generator covers the body of the caller's ``with``.
    """
    caller = frame.f_back
    if (
        caller is None
        or not caller.f_code.co_qualname.startswith(_CONTEXT_MANAGER_ENTERS)
        or caller.f_globals.get("__name__") != "contextlib"
    ):
        return frame
    body = caller.f_back
    # an ExitStack's own coroutine ends long before the block does
    while body is not None and (
        not body.f_code.co_flags & SUSPENDABLE or body.f_globals.get("__name__") == "contextlib"
    ):
        body = body.f_back
    return body


def _new_site(name: Any) -> Site:
    check_name(name, "a timestamp_block")
    if len(_sites) >= _SITES_LIMIT:
        _sites.clear()
    site = _sites[name] = Site(name, "block")
    return site


def _escaped(name: str) -> str:
    return name.replace("{", "{{").replace("}", "}}")
