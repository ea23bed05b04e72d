"""Recording callable objects: partials, instances with ``__call__``, and the like."""

from __future__ import annotations

from .sites import Site
from .wrappers import wrap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from .naming import Template

__all__ = ["TimedCallable"]


class TimedCallable:
    """A recorded callable object: calls are recorded, all else is the object's own."""

    def __init__(self, target: Any, name: Site | Template) -> None:
        self.__wrapped__ = target
        self._name = name
        self._call = wrap(_as_function(target), name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._call(*args, **kwargs)

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        bind = getattr(type(self.__wrapped__), "__get__", None)
        if instance is None or bind is None:
            return self
        return TimedCallable(bind(self.__wrapped__, instance, owner), self._name)

    def __getattr__(self, attribute: str) -> Any:
        if attribute == "__wrapped__":
            raise AttributeError(attribute)
        return getattr(self.__wrapped__, attribute)

    def __reduce__(self) -> Any:
        name = self._name.name if isinstance(self._name, Site) else self._name.text
        return _restore, (self.__wrapped__, name)

    def __repr__(self) -> str:
        return repr(self.__wrapped__)


def _restore(target: Any, name: str) -> Any:
    from .decorator import timestamp

    return timestamp(target, name=name)


def _as_function(target: Any) -> Callable[..., Any]:
    """A function of ``target``'s kind that calls it."""
    import inspect

    inner = target
    while not inspect.isroutine(inner) and hasattr(inner, "func"):
        inner = inner.func
    if not inspect.isroutine(inner):
        inner = getattr(type(inner), "__call__", inner)  # noqa: B004  # the function, not a test
    call: Any
    if inspect.isasyncgenfunction(inner) or inspect.isgeneratorfunction(inner):
        return _generator_call(target, inspect.isasyncgenfunction(inner))
    if inspect.iscoroutinefunction(inner):

        async def call(*args: Any, **kwargs: Any) -> Any:
            return await target(*args, **kwargs)
    else:

        def call(*args: Any, **kwargs: Any) -> Any:
            return target(*args, **kwargs)

    return _signed(call, target)


def _generator_call(target: Any, is_async: bool) -> Callable[..., Any]:
    call: Any
    if is_async:

        async def call(*args: Any, **kwargs: Any) -> Any:
            async for item in target(*args, **kwargs):
                yield item
    else:

        def call(*args: Any, **kwargs: Any) -> Any:
            return (yield from target(*args, **kwargs))

    return _signed(call, target)


def _signed(call: Any, target: Any) -> Callable[..., Any]:
    import inspect

    try:
        call.__signature__ = inspect.signature(target)
    except (TypeError, ValueError):
        call.__signature__ = inspect.signature(call)
    function: Callable[..., Any] = call
    return function
