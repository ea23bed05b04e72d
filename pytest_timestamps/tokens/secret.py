"""Keys that can be used, and can't be shown by accident."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

__all__ = ["MASK", "SecretText", "masked"]

MASK = "********"

_SHORTENED: Final = re.compile(r"([\w-]*)\.\.\.([\w-]*)")
_SHORTEST_PART: Final = 6
"""Fewer characters of a key give nothing away, and would be found in many a word."""


class SecretText(str):
    """A string like any other to whoever uses it, whose repr doesn't tell what it is.

    So it is masked in tracebacks, in ``--showlocals``, in assertion messages and in the repr of
    whatever holds it. Formatting it (``f"Bearer {key}"``) gives the value: that is its use.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"'{MASK}'"


def masked(text: str, secrets: Iterable[str]) -> str:
    """*text* with every occurrence of one of *secrets* replaced by a mask.

    So is a part of one that begins or ends at ``...``, which is what a representation that was
    shortened leaves of it.
    """
    # The longest first, or a secret that begins with another would leave its tail.
    found = sorted({str(secret) for secret in secrets if secret}, key=len, reverse=True)
    if not found:
        return text
    text = re.sub("|".join(map(re.escape, found)), MASK, text)
    if "..." not in text:
        return text
    joined, longest = "\n".join(found), len(found[0])

    def without_parts(match: re.Match[str]) -> str:
        before, after = match.groups()
        return f"{_less_end(before, joined, longest)}...{_less_start(after, joined, longest)}"

    return _SHORTENED.sub(without_parts, text)


def _less_end(word: str, secrets: str, longest: int) -> str:
    """*word*, whose end is masked as far as it is a part of one of *secrets*."""
    for length in range(min(len(word), longest), _SHORTEST_PART - 1, -1):
        if word[-length:] in secrets:
            return word[:-length] + MASK
    return word


def _less_start(word: str, secrets: str, longest: int) -> str:
    """*word*, whose start is masked as far as it is a part of one of *secrets*."""
    for length in range(min(len(word), longest), _SHORTEST_PART - 1, -1):
        if word[:length] in secrets:
            return MASK + word[length:]
    return word
