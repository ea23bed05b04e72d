"""Which modules are recorded: packages, globs, and what is left out of them."""

from __future__ import annotations

from fnmatch import fnmatchcase

from pytest_timestamps.errors import ArgumentError, ArgumentTypeError

__all__ = ["Selection"]

_OWN = "pytest_timestamps"
"""Never recorded: recording would measure itself."""


class Selection:
    """Patterns, one or several in a string with commas between them.

    A dotted name stands for that module and all below it, a name with ``*``, ``?`` or ``[...]``
    for the names that it matches. ``!`` before a pattern leaves out what it stands for; it is
    compared with names of functions (``module.qualname``) too.

    Raises `ArgumentTypeError` for a pattern that is no string, `ArgumentError` for an empty one,
    for one that can't be a name, and where nothing but exclusions is given.
    """

    def __init__(self, *patterns: str) -> None:
        self.wanted: list[str] = []
        self.unwanted: list[str] = []
        for text in patterns:
            if not isinstance(text, str):
                raise ArgumentTypeError(
                    f"instrument takes names of packages, got {type(text).__name__}: {text!r:.80}"
                )
            for pattern in text.split(","):
                self._add(pattern.strip(), text)
        if not self.wanted:
            given = ", ".join(map(repr, patterns)) or "nothing"
            raise ArgumentError(
                f"instrument needs a package, module or glob to record, got {given}; "
                "'!' only leaves out what another pattern has brought in"
            )

    def _add(self, pattern: str, text: str) -> None:
        name = pattern.removeprefix("!")
        parts = name.split(".")
        if not all(part.translate(_AS_NAME).isidentifier() for part in parts):
            raise ArgumentError(
                f"instrument expects names such as 'shop', 'shop.cart' or 'shop.*', got "
                f"{pattern!r} in {text!r:.80}"
            )
        (self.unwanted if pattern.startswith("!") else self.wanted).append(name)

    def takes_module(self, name: str) -> bool:
        """Are functions of this module recorded?"""
        if name.partition(".")[0] == _OWN or any(_covers(one, name) for one in self.unwanted):
            return False
        return any(_covers(one, name) for one in self.wanted)

    def takes_function(self, name: str) -> bool:
        """Is the function ``module.qualname`` of such a module recorded?"""
        return not any(_covers(one, name) for one in self.unwanted)

    def unmatched(self, modules: set[str]) -> list[str]:
        """The patterns that brought in none of ``modules``."""
        return [one for one in self.wanted if not any(_covers(one, name) for name in modules)]


_AS_NAME = str.maketrans({"*": "_", "?": "_", "[": "_", "]": "_", "-": "_", "!": "_"})


def _covers(pattern: str, name: str) -> bool:
    return name == pattern or name.startswith(f"{pattern}.") or fnmatchcase(name, pattern)
