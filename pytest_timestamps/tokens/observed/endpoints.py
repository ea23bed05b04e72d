"""Which requests of the SDK cost tokens, and which of them are counted here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum

__all__ = ["Charge", "charge_of", "endpoint_name", "presented_key"]

_COUNTED = re.compile(r"/(chat/completions|completions|embeddings|responses|responses/compact)$")
_LOOKED_AT = re.compile(r"/responses/[^/]+$")
_FREE_POST = re.compile(
    r"/(files|uploads|uploads/.+|conversations|conversations/.+|organization/.+|models/.+"
    r"|responses/input_tokens|responses/[^/]+/cancel|chat/completions/[^/]+|tokenize)$"
)
_ROOT = re.compile(r"^.*/(?:v\d+|deployments/[^/]+|openai)(?=/)")
_ID = re.compile(r"(?<=/)[a-z]+[_-][A-Za-z0-9_-]*\d[A-Za-z0-9_-]*")


class Charge(Enum):
    """What a request means for the tally."""

    NONE = "none"
    COUNTED = "counted"
    LOOKED_AT = "looked_at"
    """A second look at a response; it tells the usage of one that ran in the background."""
    ELSEWHERE = "elsewhere"
    """It is charged for, and its usage is not counted here."""


def charge_of(method: str, path: str) -> Charge:
    """What a request of *method* for *path* means, whatever root the path is below."""
    if method == "GET" and _LOOKED_AT.search(path):
        return Charge.LOOKED_AT
    if method != "POST" or _FREE_POST.search(path):
        return Charge.NONE
    return Charge.COUNTED if _COUNTED.search(path) else Charge.ELSEWHERE


def endpoint_name(method: str, path: str) -> str:
    """A name for people: the root of the API cut off, ids masked."""
    return f"{method} {_ID.sub('{id}', _ROOT.sub('', path))}"


def presented_key(headers: Mapping[str, str]) -> str | None:
    """The key that a request carries: a bearer token, or Azure's own header."""
    bearer = headers.get("authorization", "")
    if bearer[:7].lower() == "bearer ":
        return bearer[7:]
    return headers.get("api-key")
