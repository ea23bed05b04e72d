"""Keys that can be used, and can't be shown by accident."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["MASK", "SecretText", "masked"]

MASK = "********"


class SecretText(str):
    """A string like any other to whoever uses it, whose repr doesn't tell what it is.

    So it is masked in tracebacks, in ``--showlocals``, in assertion messages and in the repr of
    whatever holds it. Formatting it (``f"Bearer {key}"``) gives the value: that is its use.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"'{MASK}'"


def masked(text: str, secrets: Iterable[str]) -> str:
    """*text* with every occurrence of one of *secrets* replaced by a mask."""
    # The longest first, or a secret that begins with another would leave its tail.
    found = sorted({str(secret) for secret in secrets if secret}, key=len, reverse=True)
    if not found:
        return text
    return re.sub("|".join(map(re.escape, found)), MASK, text)
