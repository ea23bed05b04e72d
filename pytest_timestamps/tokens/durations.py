"""Durations as people write them: ``90s``, ``30m``, ``1.5h``, ``7d``, ``0``."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

from pytest_timestamps.errors import ArgumentError

__all__ = ["parse_duration_s", "shown_age"]

_UNITS_S: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_DURATION: Final = re.compile(r"(\d{1,9}(?:\.\d{1,9})?|\.\d{1,9})\s*([smhdw])", re.ASCII)


def parse_duration_s(text: str, what: str) -> float:
    """The seconds that *text* says; raises `ArgumentError`, which calls it *what*."""
    word = text.strip().lower()
    if word == "0":
        return 0.0
    match = _DURATION.fullmatch(word)
    if match is None:
        raise ArgumentError(
            f"{what} must be a duration with its unit (s, m, h, d or w), such as 30m or 1.5h, "
            f"or 0; got {text!r:.60}"
        )
    return float(match[1]) * _UNITS_S[match[2]]


def shown_age(seconds: float) -> str:
    """A duration in its largest two units, for people: ``3 d 4 h``, ``12 min``, ``5 s``."""
    whole = timedelta(seconds=max(0, round(seconds)))
    hours, rest = divmod(whole.seconds, 3_600)
    if whole.days:
        return f"{whole.days} d {hours} h"
    if hours:
        return f"{hours} h {rest // 60} min"
    return f"{rest // 60} min" if rest >= 60 else f"{rest} s"
