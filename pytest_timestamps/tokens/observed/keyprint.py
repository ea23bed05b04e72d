"""Telling two API keys apart without keeping either."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Self

__all__ = ["KeyPrint"]


class KeyPrint:
    """A salted digest of a key: it can be compared, stored for a run and handed to a child."""

    __slots__ = ("_digest", "_salt")

    def __init__(self, salt: str, digest: str) -> None:
        self._salt = salt
        self._digest = digest

    @classmethod
    def of(cls, api_key: str) -> Self:
        """The print of *api_key*, with a salt of its own."""
        salt = secrets.token_hex(8)
        return cls(salt, _digest(salt, api_key))

    @classmethod
    def from_text(cls, text: str) -> Self:
        """The print that `to_text` described."""
        salt, _, digest = text.partition(":")
        return cls(salt, digest)

    def to_text(self) -> str:
        """A text for an environment variable; the key can't be had from it."""
        return f"{self._salt}:{self._digest}"

    def matches(self, api_key: str) -> bool:
        """Whether *api_key* is the key that this is the print of."""
        return hmac.compare_digest(self._digest, _digest(self._salt, api_key))


def _digest(salt: str, api_key: str) -> str:
    return hashlib.sha256(f"{salt}:{api_key}".encode()).hexdigest()
