"""Servers of this project that count for themselves what passes through them."""

from __future__ import annotations

import os
from typing import Any

__all__ = ["FORWARDING_VARIABLE", "is_counted_elsewhere", "serve_from", "stop_serving_from"]

FORWARDING_VARIABLE = "PYTEST_TIMESTAMPS_FORWARDING"
"""The environment variable that names the address of a forwarding endpoint."""

_served_here: set[str] = set()


def serve_from(address: str) -> None:
    """Know *address* for that of an endpoint of this very process."""
    _served_here.add(address)


def stop_serving_from(address: str) -> None:
    """Take back `serve_from`."""
    _served_here.discard(address)


def is_counted_elsewhere(url: Any) -> bool:
    """Whether a request for *url* goes to the forwarding endpoint, which reports it itself."""
    address = f"{url.host}:{url.port}"
    return address in _served_here or address == os.environ.get(FORWARDING_VARIABLE)
