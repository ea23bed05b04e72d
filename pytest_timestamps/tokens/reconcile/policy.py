"""How patient reconciliation is, and what it asks: one frozen value, checked once."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from pytest_timestamps.errors import ArgumentError
from pytest_timestamps.tokens.durations import parse_duration_s

__all__ = [
    "CHECKS_VARIABLE",
    "ENDPOINTS",
    "INTERVAL_VARIABLE",
    "MINUTE_S",
    "Policy",
    "checks_from",
    "interval_from",
    "parse_endpoints",
]

INTERVAL_VARIABLE: Final = "RECONCILIATION_VERIFICATION_INTERVAL_MIN"
CHECKS_VARIABLE: Final = "RECONCILIATION_MIN_STABLE_VERIFICATIONS"
MINUTE_S: Final = 60
_DEFAULT_INTERVAL_S: Final = 1_800
_DEFAULT_CHECKS: Final = 2

ENDPOINTS: Final = ("completions", "embeddings", "moderations")
"""The usage endpoints whose rows count tokens and model requests."""


@dataclass(frozen=True, slots=True)
class Policy:
    """The settings of one reconciliation; all times in seconds.

    ``lag_s`` is how much later than a response the books may put it; it is used in whole
    minutes, since the books know nothing finer. ``settle_s`` is how long after the widened
    window usage may still become visible. ``checks`` reads have to agree, ``interval_s`` apart.
    """

    min_age_s: int = 1_800
    interval_s: int = _DEFAULT_INTERVAL_S
    checks: int = _DEFAULT_CHECKS
    max_age_s: int = 86_400
    lag_s: int = 300
    settle_s: int = 3_600
    trust_books: bool = False
    force: bool = False
    endpoints: tuple[str, ...] = ("completions", "embeddings")

    def __post_init__(self) -> None:
        if self.checks < 1:
            raise ArgumentError(
                f"--checks must be 1 or more, got {self.checks}: a figure needs at least one read"
            )
        if not self.endpoints:
            raise ArgumentError(f"--endpoints must name one or more of {', '.join(ENDPOINTS)}")


def interval_from(option: str | None, environ: Mapping[str, str]) -> int:
    """The interval in seconds: the option's, else the variable's minutes, else half an hour."""
    if option is not None:
        return math.ceil(parse_duration_s(option, "--interval"))
    text = environ.get(INTERVAL_VARIABLE)
    if text is None:
        return _DEFAULT_INTERVAL_S
    try:
        minutes = float(text)
    except ValueError:
        minutes = math.nan
    if not math.isfinite(minutes) or minutes < 0:
        raise ArgumentError(
            f"{INTERVAL_VARIABLE} must be a number of minutes, 0 or more; got {text!r:.60}"
        )
    return math.ceil(minutes * MINUTE_S)


def checks_from(option: int | None, environ: Mapping[str, str]) -> int:
    """How many reads have to agree: the option's number, else the variable's, else two."""
    if option is not None:
        return option
    text = environ.get(CHECKS_VARIABLE)
    if text is None:
        return _DEFAULT_CHECKS
    if not text.strip().isdecimal() or int(text) < 1:
        raise ArgumentError(f"{CHECKS_VARIABLE} must be 1 or more; got {text!r:.60}")
    return int(text)


def parse_endpoints(text: str) -> tuple[str, ...]:
    """The endpoints in a list with commas, in the order of `ENDPOINTS`, each once."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in ENDPOINTS:
            raise ArgumentError(
                f"--endpoints knows {', '.join(ENDPOINTS)}: the others count no tokens; "
                f"got {name!r:.60}"
            )
    return tuple(name for name in ENDPOINTS if name in names)
