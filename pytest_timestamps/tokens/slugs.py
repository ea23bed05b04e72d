"""Names that become folders: checked once, safe on every file system."""

from __future__ import annotations

import re
import uuid

from pytest_timestamps.errors import ArgumentError, ArgumentTypeError

__all__ = ["check_run_id", "check_slug", "is_run_id", "is_slug", "slug_rule"]

_SLUG = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_RUN_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

# Windows opens the device, not the folder, for each of these names.
_DEVICES = frozenset(
    ["con", "prn", "aux", "nul"] + [f"{port}{n}" for port in ("com", "lpt") for n in range(10)]
)

slug_rule = (
    "a lower-case letter followed by up to 63 lower-case letters, digits, '_' or '-', "
    "and no Windows device name such as 'con'"
)


def is_slug(text: str) -> bool:
    """Whether *text* may name a framework, and so a folder."""
    return _SLUG.fullmatch(text) is not None and text not in _DEVICES


def check_slug(value: object, what: str = "framework") -> str:
    """*value* itself if it is a slug.

    Raises `ArgumentTypeError` for anything but a string and `ArgumentError` for any other name.
    """
    if not isinstance(value, str):
        raise ArgumentTypeError(f"{what} must be a string, got {value!r:.80}")
    if not is_slug(value):
        raise ArgumentError(f"{what} must be {slug_rule}; got {_shown(value)}")
    return value


def is_run_id(text: str) -> bool:
    """Whether *text* is a UUID as people write it: 8-4-4-4-12 hexadecimal digits."""
    return _RUN_ID.fullmatch(text) is not None


def check_run_id(value: object) -> str:
    """A given run id in its one spelling (lower case), from a string or a `uuid.UUID`."""
    if isinstance(value, uuid.UUID):
        return str(value)
    if not isinstance(value, str):
        raise ArgumentTypeError(f"run_id must be a UUID or its text, got {value!r:.80}")
    if not is_run_id(value):
        raise ArgumentError(
            "run_id must be a UUID such as '0b0c9a56-7d0e-4a3f-9a53-0c8a3c1f7a10'; "
            f"got {_shown(value)}"
        )
    return value.lower()


def _shown(value: str, limit: int = 60) -> str:
    if len(value) <= limit:
        return repr(value)
    return f"{value[:limit]!r}... ({len(value)} characters)"
