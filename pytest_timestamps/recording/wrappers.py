"""Recording with a wrapper: on Python 3.11, for callables without code of their own, and for
names that are made from a call's arguments.

A wrapper keeps the kind of what it wraps: a coroutine function stays one, and so on. While
nothing is armed it does nothing but call. It takes its own frame out of the traceback of each
exception that passes through it, so that the traceback is the one of the undecorated function.
"""

from __future__ import annotations

from .sites import SWITCH, Site
from .stepping import leave_out, wrap_async_generator, wrap_coroutine, wrap_generator

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .naming import Template

__all__ = ["is_wrapper", "wrap"]


def wrap(function: Callable[..., Any], name: Site | Template) -> Callable[..., Any]:
    """A wrapper of ``function``'s own kind that records its calls."""
    pick = _fixed(name) if isinstance(name, Site) else name.site_for
    flags = _flags(function)
    if flags & 0x200:
        wrapper = wrap_async_generator(function, pick)
    elif flags & (0x80 | 0x100):
        wrapper = wrap_coroutine(function, pick)
    elif flags & 0x20:
        wrapper = wrap_generator(function, pick)
    elif isinstance(name, Site):
        wrapper = _wrap_plain(function, name)
    else:
        wrapper = _wrap_named(function, pick)
    _CODES.add(wrapper.__code__)
    dressed: Callable[..., Any] = _dress(wrapper, function)
    return dressed


def is_wrapper(function: object) -> bool:
    """Is ``function`` one of the wrappers made here, rather than a copy of their attributes?"""
    return getattr(function, "__code__", None) in _CODES


_CODES: set[Any] = set()


def _flags(function: Any) -> int:
    """The code flags of ``function``, as `inspect` reads them; 0 where it has no code."""
    code = getattr(function, "__code__", None)
    return 0 if code is None else code.co_flags


def _dress(wrapper: Any, function: Any) -> Any:
    """What `functools.update_wrapper` does, without the cost of importing it."""
    for attribute in ("__module__", "__name__", "__qualname__", "__doc__", "__annotations__"):
        value = getattr(function, attribute, _MISSING)
        if value is not _MISSING:
            setattr(wrapper, attribute, value)
    wrapper.__dict__.update(getattr(function, "__dict__", {}))
    wrapper.__wrapped__ = function
    return wrapper


_MISSING = object()


def _fixed(site: Site) -> Callable[..., Site]:
    return lambda args, kwargs: site


def _wrap_plain(function: Callable[..., Any], site: Site) -> Any:
    switch = SWITCH

    def timed(*args: Any, **kwargs: Any) -> Any:
        if not switch.armed:
            try:
                return function(*args, **kwargs)
            except BaseException as error:
                leave_out(error)
                raise
        spans = switch.engine.spans
        thinned = site.thinned
        if thinned is not None and (thinned.left_out or spans.count(site)):
            try:
                return function(*args, **kwargs)
            except BaseException as error:
                thinned.note_failure(switch.engine.lanes.here())
                leave_out(error)
                raise
        spans.open(site, site)
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            spans.fail(site)
            leave_out(error)
            raise
        spans.close(site)
        return result

    return timed


def _wrap_named(function: Callable[..., Any], pick: Callable[..., Site]) -> Any:
    switch = SWITCH

    def timed(*args: Any, **kwargs: Any) -> Any:
        if not switch.armed:
            try:
                return function(*args, **kwargs)
            except BaseException as error:
                leave_out(error)
                raise
        site = pick(args, kwargs)
        spans = switch.engine.spans
        spans.open(site, site)
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            spans.fail(site)
            leave_out(error)
            raise
        spans.close(site)
        return result

    return timed
