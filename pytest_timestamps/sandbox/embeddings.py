"""Embeddings as the sandbox answers them: short vectors that depend on the text alone."""

from __future__ import annotations

import base64
import hashlib
import struct
from collections.abc import Mapping
from typing import Any

from .model import TokenUse

__all__ = ["embedding_answer"]

_DIMENSIONS = 8


def embedding_answer(body: Mapping[str, Any], use: TokenUse, model: str) -> dict[str, Any]:
    """One vector per input, as floats or, where the request says so, as base64."""
    given = body.get("input")
    inputs = given if isinstance(given, list) else [given]
    as_base64 = body.get("encoding_format") == "base64"
    return {
        "object": "list",
        "model": model,
        "data": [
            {
                "object": "embedding",
                "index": index,
                "embedding": _packed(text) if as_base64 else _vector(text),
            }
            for index, text in enumerate(inputs)
        ],
        "usage": {"prompt_tokens": use.input_tokens, "total_tokens": use.input_tokens},
    }


def _vector(text: object) -> list[float]:
    digest = hashlib.sha256(repr(text).encode()).digest()[:_DIMENSIONS]
    return [byte / 255 for byte in digest]


def _packed(text: object) -> str:
    return base64.b64encode(struct.pack(f"<{_DIMENSIONS}f", *_vector(text))).decode()
