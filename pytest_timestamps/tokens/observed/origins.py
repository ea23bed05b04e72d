"""Servers of this project that count for themselves what passes through them."""

from __future__ import annotations

import os
from typing import Any

__all__ = ["FORWARDING_VARIABLE", "is_counted_elsewhere"]

FORWARDING_VARIABLE = "PYTEST_TIMESTAMPS_FORWARDING"
"""The environment variable that names the address of a forwarding endpoint."""


def is_counted_elsewhere(url: Any) -> bool:
    """Whether a request for *url* goes to the forwarding endpoint, which reports it itself."""
    address = os.environ.get(FORWARDING_VARIABLE)
    return bool(address) and f"{url.host}:{url.port}" == address
