"""Wrappers of what can be suspended: coroutines, generators and asynchronous generators.

They step what they wrap as their own caller steps them, and record each step as a stretch of one
span.
"""

from __future__ import annotations

from .sites import ANY_FRAME, SWITCH, Site

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
    from typing import Any

    from .activation import Paused
    from .thinned import Thinned

__all__ = ["leave_out", "wrap_async_generator", "wrap_coroutine", "wrap_generator"]

_MISSING = object()


def leave_out(error: BaseException) -> None:
    """Take the frame that just caught ``error`` out of its traceback.

    A bare ``raise`` after it adds none.
    """
    if error.__traceback__ is not None:
        error.__traceback__ = error.__traceback__.tb_next


def wrap_coroutine(function: Callable[..., Any], pick: Callable[..., Site]) -> Any:
    switch = SWITCH

    async def timed(*args: Any, **kwargs: Any) -> Any:
        try:
            if not switch.armed:
                return await function(*args, **kwargs)
            site = pick(args, kwargs)
            spans = switch.engine.spans
            thinned = site.thinned
            if thinned is not None and spans.count(site):
                try:
                    return await function(*args, **kwargs)
                except BaseException as error:
                    _note_failure(thinned, error)
                    raise
            steps: Any = function(*args, **kwargs)
            spans.open(site, site)
            # most coroutines end without waiting: these need nothing that lasts
            try:
                item = steps.send(None)
            except StopIteration as stop:
                spans.close(site)
                return stop.value
            except BaseException as error:
                if isinstance(error, _ENDS):
                    spans.close(site)
                else:
                    spans.fail(site)
                raise
            return await _Driven(steps, _Span(site, started=True), item=item)
        except BaseException as error:
            leave_out(error)
            raise

    return timed


def wrap_generator(function: Callable[..., Any], pick: Callable[..., Site]) -> Any:
    switch = SWITCH

    def timed(*args: Any, **kwargs: Any) -> Any:
        try:
            if not switch.armed:
                return (yield from function(*args, **kwargs))
            site = pick(args, kwargs)
            thinned = site.thinned
            if thinned is not None and switch.engine.spans.count(site):
                try:
                    return (yield from function(*args, **kwargs))
                except BaseException as error:
                    _note_failure(thinned, error)
                    raise
            return (yield from _drive(function(*args, **kwargs), _Span(site)))
        except BaseException as error:
            leave_out(error)
            raise

    return timed


def _note_failure(thinned: Thinned, error: BaseException) -> None:
    """A call that was only counted ends by ``error``."""
    if not isinstance(error, _ENDS):
        thinned.note_failure(SWITCH.engine.lanes.here())


def wrap_async_generator(function: Callable[..., Any], pick: Callable[..., Site]) -> Any:
    switch = SWITCH

    async def timed(*args: Any, **kwargs: Any) -> Any:
        __tracebackhide__ = True
        items: AsyncGenerator[Any, Any] = function(*args, **kwargs)
        span = _begin(pick(args, kwargs)) if switch.armed else None
        step: Any = items.asend(None)
        while True:
            try:
                item = await (step if span is None else _Driven(step, span, pauses=True))
            except StopAsyncIteration:
                return
            except BaseException as error:
                leave_out(error)
                raise
            finally:
                # it holds what was thrown in, whose traceback holds this frame
                step = None
            try:
                sent = yield item
            except GeneratorExit:
                if span is not None:
                    span.forget_wait()
                    await _Driven(items.aclose(), span)
                else:
                    await items.aclose()
                raise
            except BaseException as error:
                leave_out(error)
                step = items.athrow(error)
            else:
                step = items.asend(sent)

    return timed


def _begin(site: Site) -> _Span | None:
    """A span of ``site``, None for a call that is only counted."""
    counted = site.thinned is not None and SWITCH.engine.spans.count(site)
    return None if counted else _Span(site)


class _Span:
    """One wrapped span that may be suspended: begun, paused and resumed, then finished.

    Where recording was off in between it is lost: its site may be open for another call by now.
    """

    __slots__ = ("_lost", "_paused", "_site", "_started")

    def __init__(self, site: Site, started: bool = False) -> None:
        self._site = site
        self._started = started
        self._lost = False
        self._paused: list[Paused] = []

    def go(self) -> None:
        """Begin, or go on after a pause."""
        if not self._started:
            self._started = True
            SWITCH.engine.spans.open(self._site, self._site)
        elif self._paused:
            SWITCH.engine.lanes.paused.pop(id(self), None)
            paused, self._paused = self._paused, []
            SWITCH.engine.spans.resume(paused)
        else:
            self._lost = True

    def pause(self) -> None:
        """Be suspended."""
        if self._lost:
            return
        self._paused = SWITCH.engine.spans.pause(self._site, ANY_FRAME)
        if self._paused:
            SWITCH.engine.lanes.paused[id(self)] = self._paused

    def forget_wait(self) -> None:
        """Count no time of the present suspension: closing is no resumption."""
        for one in self._paused:
            one.paused_ns = SWITCH.engine.clock()
            one.closing = True

    def finish(self, failed: bool) -> None:
        """End, by an exception or without."""
        if self._lost:
            return
        if failed:
            SWITCH.engine.spans.fail(self._site)
        else:
            SWITCH.engine.spans.close(self._site)

    def __del__(self) -> None:
        if self._paused:
            # abandoned: it ended where it was suspended, although a collection may close it later
            paused, self._paused, self._lost = self._paused, [], True
            SWITCH.engine.lanes.paused.pop(id(self), None)
            for one in paused:
                one.node.finish(one.active_ns, False)


class _Driven:
    """Awaits ``awaitable`` under ``span``: see `_drive`."""

    __slots__ = ("_awaitable", "_item", "_pauses", "_span")

    def __init__(
        self,
        awaitable: Coroutine[Any, Any, Any],
        span: _Span,
        pauses: bool = False,
        item: Any = _MISSING,
    ) -> None:
        self._awaitable = awaitable
        self._span = span
        self._pauses = pauses
        self._item = item

    def __await__(self) -> Generator[Any, Any, Any]:
        return _drive(self._awaitable, self._span, self._pauses, self._item)


_ENDS = (GeneratorExit, StopAsyncIteration)
"""Exceptions that end a span without being a failure."""


def _drive(
    steps: Any, span: _Span, pauses: bool = False, item: Any = _MISSING
) -> Generator[Any, Any, Any]:
    """Step ``steps`` as its caller steps this, and tell ``span`` when it runs.

    With ``pauses`` their end suspends the span. ``item`` is what their first step has yielded,
    where that was made already.
    """
    advance, argument = steps.send, None
    while True:
        if item is _MISSING:
            span.go()
            try:
                item = advance(argument)
            except StopIteration as stop:
                argument = None
                if pauses:
                    span.pause()
                else:
                    span.finish(failed=False)
                return stop.value
            except BaseException as error:
                # an exception that was thrown in would otherwise hold this frame, and this it
                argument = None
                span.finish(failed=not isinstance(error, _ENDS))
                leave_out(error)
                raise
        span.pause()
        try:
            argument = yield item
            item, advance = _MISSING, steps.send
        except GeneratorExit as closing:
            span.forget_wait()
            leave_out(closing)
            item, advance, argument = _MISSING, steps.throw, closing
        except BaseException as error:
            leave_out(error)
            item, advance, argument = _MISSING, steps.throw, error
