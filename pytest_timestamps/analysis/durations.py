"""Durations as people write them: ``5ms``, ``1.5s``, ``20us``."""

import re

from pytest_timestamps.errors import ArgumentError

__all__ = ["parse_duration_ns"]

_UNITS_NS = {"ns": 1, "us": 1_000, "µs": 1_000, "μs": 1_000, "ms": 1_000_000, "s": 1_000_000_000}
_DURATION = re.compile(r"(\d+(?:\.\d+)?|\.\d+)\s*(ns|us|µs|μs|ms|s)", re.ASCII)


def parse_duration_ns(text: str) -> int:
    """Nanoseconds in ``5ms``, ``1.5s``, ``20us``, ``0``; ArgumentError for anything else."""
    if text.strip() == "0":
        return 0
    match = _DURATION.fullmatch(text.strip())
    if match is None or len(match[1]) > 30:
        raise ArgumentError(
            f"must be a time with its unit (ns, us, ms or s) such as 5ms, got {text!r}"
        )
    whole, _, fraction = match[1].partition(".")
    scaled = int(whole + fraction) * _UNITS_NS[match[2]]
    return int(scaled // 10 ** len(fraction))
