"""`timestamp`: mark a function whose calls shall be recorded."""

from __future__ import annotations

import os
import sys

from pytest_timestamps.errors import ArgumentTypeError

from .marks import MARKS
from .naming import (
    NAMES_LIMIT,
    Template,
    check_name,
    default_name,
    is_template,
    wrapper_site,
)
from .sites import SUSPENDABLE, Site

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import CodeType
    from typing import Any, TypeVar, overload

    _T = TypeVar("_T")

__all__ = ["DISABLED", "timestamp"]

DISABLED = os.environ.get("PYTEST_TIMESTAMPS_DISABLED", "") not in ("", "0")
"""Set at import: `timestamp` returns what it is given, and blocks do nothing."""

_Function = type(lambda: None)

_SHARED = 0x10
"""Code flag of a nested function (see `inspect`): its siblings share the code object."""


if TYPE_CHECKING:

    @overload
    def timestamp(target: _T, /, *, name: str | None = None) -> _T: ...
    @overload
    def timestamp(*, name: str | None = None) -> Callable[[_T], _T]: ...
    def timestamp(target: Any = None, /, *, name: str | None = None) -> Any: ...
else:

    def timestamp(target: Any = None, /, *, name: str | None = None) -> Any:
        """Record the calls of ``target`` wherever a collector is active.

        ``name`` is the span's name, ``module.qualname`` if it isn't given. A name with replacement
        fields is made from each call's arguments: ``@timestamp(name="load.{table}")``.
        Works on functions, coroutine functions, generators, methods, and above or below
        ``staticmethod``, ``classmethod``, ``property`` and ``cached_property``; on partials and
        other callable objects too.
        On Python 3.12 and later a function stays the same object, and costs nothing while no
        collector is active.

        Raises `ArgumentTypeError` if ``target`` is a class or can't be called, or if ``name`` is no
        string; `ArgumentError` if ``name`` is empty or a malformed template.
        """
        if name is not None:
            check_name(name, "a @timestamp")
        if target is None:
            return lambda target: _decorate(target, name)
        return _decorate(target, name)


def _decorate(target: Any, name: str | None) -> Any:
    if isinstance(target, type) or not (callable(target) or _is_descriptor(target)):
        raise ArgumentTypeError(
            "@timestamp records functions, methods and other callables, got "
            f"{'the class ' if isinstance(target, type) else ''}{target!r:.80}; "
            "for a class, decorate its methods"
        )
    templated = name is not None and is_template(name)
    if DISABLED:
        return target
    if isinstance(target, staticmethod | classmethod):
        return _inside(target, "__func__", name, type(target))
    if isinstance(target, property):
        parts = (target.fget, target.fset, target.fdel)
        recorded = tuple(f and _decorate(f, name) for f in parts)
        same = all(new is old for new, old in zip(recorded, parts, strict=True))
        return target if same else _rebuilt(target, recorded)
    if _is_descriptor(target):
        return _redirected(target, _decorate(target.func, name))
    if isinstance(target, _Function):
        return _decorate_function(target, name, templated)
    from .callables import TimedCallable

    return TimedCallable(target, _named(target, name, templated))


def _rebuilt(original: property, parts: tuple[Any, ...]) -> property:
    kind: Any = type(original)
    rebuilt: property = kind(*parts, original.__doc__)
    return rebuilt


def _redirected(target: Any, function: Any) -> Any:
    """``target``, made to call ``function`` instead of what it called."""
    if function is not target.func:
        target.func = function
        if hasattr(target, "dispatcher"):
            target.dispatcher.register(object, function)
    return target


def _is_descriptor(target: object) -> bool:
    """Something that holds functions and isn't called itself."""
    if isinstance(target, property | classmethod):
        return True
    # an object of functools' kinds exists only if functools is imported
    functools = sys.modules.get("functools")
    return functools is not None and isinstance(
        target,
        functools.cached_property | functools.partialmethod | functools.singledispatchmethod,
    )


def _inside(target: Any, attribute: str, name: str | None, make: Callable[..., Any]) -> Any:
    inner = getattr(target, attribute)
    recorded = _decorate(inner, name)
    return target if recorded is inner else make(recorded)


def _named(target: Any, name: str | None, templated: bool) -> Site | Template:
    if templated:
        assert name is not None
        return Template(name, target)
    return wrapper_site(_plain_name(target, name), target)


def _plain_name(target: Any, name: str | None) -> str:
    return default_name(target) if name is None else name.replace("{{", "{").replace("}}", "}")


def _is_wrapper(function: object) -> bool:
    wrappers = sys.modules.get(f"{__package__}.wrappers")
    return wrappers is not None and wrappers.is_wrapper(function)


def _decorate_function(function: Any, name: str | None, templated: bool) -> Any:
    if _is_wrapper(function):
        # decorated twice: one span a call, under the outer name if it has one
        if name is None:
            return function
        function = function.__wrapped__
    code = function.__code__
    already = None if MARKS is None else MARKS.site_of(code)
    is_found = MARKS is not None and MARKS.is_found(code)
    if MARKS is None or templated:
        if already is not None:
            # the wrapper records it from now on
            function.__code__ = code.replace()
        from .wrappers import wrap

        return wrap(function, _named(function, name, templated))
    kind = "suspendable code" if code.co_flags & SUSPENDABLE else "code"
    site = Site(_plain_name(function, name), kind)
    if already is not None and not is_found and (name is None or already.name == site.name):
        return function
    if code.co_flags & _SHARED or "<locals>" in code.co_qualname or code.co_name == "<lambda>":
        code = _own_code(code, site)
        function.__code__ = code
    else:
        MARKS.mark(code, site)
    return function


_clones: dict[int, tuple[CodeType, dict[str, CodeType]]] = {}


def _own_code(code: CodeType, site: Site) -> CodeType:
    """A copy of ``code`` for decorated functions alone.

    Nested functions and lambdas share their code with siblings that nobody decorated. One copy
    serves all functions of this code and name, so that a function that is made and decorated in
    a loop makes no new call path each time.
    """
    assert MARKS is not None
    original, clones = _clones.setdefault(id(code), (code, {}))
    clone = clones.get(site.name)
    if clone is None:
        if len(clones) >= NAMES_LIMIT:
            clones.clear()
        clone = clones[site.name] = original.replace()
        MARKS.mark(clone, site)
        # a function that is decorated again brings its copy
        _clones[id(clone)] = (clone, clones)
    return clone
