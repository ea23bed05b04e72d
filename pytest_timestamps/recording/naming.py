"""What a span is called: default names, fixed names, and names made from a call's arguments."""

from __future__ import annotations

from pytest_timestamps.errors import ArgumentError, ArgumentTypeError

from .sites import SUSPENDABLE, Site

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

__all__ = [
    "NAMES_LIMIT",
    "NAME_LENGTH",
    "Template",
    "check_name",
    "default_name",
    "is_template",
    "wrapper_site",
]

NAME_LENGTH = 80
"""Characters that a name made from arguments keeps."""

NAMES_LIMIT = 1_000
"""Distinct names that one template makes; further calls go under the template itself."""


def default_name(target: Any) -> str:
    """``module.qualname`` of a callable, of what a partial calls, or else of its type."""
    while not hasattr(target, "__qualname__") and hasattr(target, "func"):
        target = target.func
    named = target if hasattr(target, "__qualname__") else type(target)
    module = getattr(named, "__module__", None) or "<unknown>"
    return f"{module}.{named.__qualname__}"


def check_name(name: object, what: str) -> str:
    """``name`` if it can name a span.

    Raises `ArgumentTypeError` for anything but a string, `ArgumentError` for an empty one.
    """
    if not isinstance(name, str):
        raise ArgumentTypeError(
            f"{what} must be named by a string, got {type(name).__name__}: {name!r:.80}"
        )
    if not name:
        raise ArgumentError(f"{what} must have a name, got an empty string")
    return name


def is_template(name: str) -> bool:
    """Does ``name`` hold a replacement field?

    Raises `ArgumentError` where its braces don't match.
    """
    if "{" not in name and "}" not in name:
        return False
    import string

    try:
        return any(field is not None for _, field, _, _ in string.Formatter().parse(name))
    except ValueError as error:
        raise ArgumentError(
            f"the name {name!r:.80} is no valid template ({error}); "
            "write {{ and }} for literal braces"
        ) from None


_SITES_LIMIT = 10_000
"""Names of wrapped functions that are remembered; past it they are learned anew."""

_sites: dict[tuple[str, str], Site] = {}


def wrapper_site(name: str, target: Any) -> Site:
    """The site of wrappers called ``name`` of callables of ``target``'s kind.

    One for all, so that a function that is decorated in a loop makes no new call path each time.
    """
    code = getattr(target, "__code__", None)
    suspendable = code is not None and code.co_flags & SUSPENDABLE
    kind = "suspendable wrapper" if suspendable else "wrapper"
    site = _sites.get((name, kind))
    if site is None:
        if len(_sites) >= _SITES_LIMIT:
            _sites.clear()
        site = _sites[name, kind] = Site(name, kind)
    return site


class Template:
    """Names made from a call's arguments, as `str.format` would.

    ``site_for`` never raises: where the name can't be made, it is the template itself.
    """

    def __init__(self, text: str, function: Callable[..., Any]) -> None:
        import inspect

        self.text = text
        self._function = function
        self._fallback = wrapper_site(text, function)
        self._sites: dict[str, Site] = {}
        parameters = inspect.signature(function).parameters.values()
        self._defaults = {p.name: p.default for p in parameters if p.default is not p.empty}
        self._positional = [
            p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
        ]
        self._rest = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), None)
        self._keywords = next((p.name for p in parameters if p.kind is p.VAR_KEYWORD), None)

    def site_for(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Site:
        """The site that this call counts for."""
        try:
            values = {**self._defaults, **kwargs, **dict(zip(self._positional, args, strict=False))}
            if self._rest:
                values[self._rest] = args[len(self._positional) :]
            if self._keywords:
                values[self._keywords] = kwargs
            name = self.text.format_map(values)
        except Exception:
            return self._fallback
        if len(name) > NAME_LENGTH:
            name = name[: NAME_LENGTH - 1] + "…"
        site = self._sites.get(name)
        if site is None:
            if not name or len(self._sites) >= NAMES_LIMIT:
                return self._fallback
            site = self._sites[name] = wrapper_site(name, self._function)
        return site
