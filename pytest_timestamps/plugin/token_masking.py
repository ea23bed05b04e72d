"""Keys don't get into reports, in whatever way they got into an exception."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from typing import Any

import pytest

from pytest_timestamps.tokens.secret import MASK, SecretText, masked

__all__ = ["compare_secrets", "mask_report", "mask_warning"]


def mask_report(report: pytest.TestReport, secrets: Collection[str]) -> None:
    """Mask *secrets* in the report's traceback, captured output and properties."""
    if not secrets:
        return
    report.user_properties = [
        (name, masked(value, secrets) if isinstance(value, str) else value)
        for name, value in report.user_properties
    ]
    report.sections = [(name, masked(text, secrets)) for name, text in report.sections]
    shown = str(report.longrepr)
    if shown == masked(shown, secrets):
        return
    report.longrepr = _hidden(report.longrepr, secrets)
    shown = str(report.longrepr)
    if shown != masked(shown, secrets):
        # Of a shape that isn't known here: it loses its colours, and keeps the key.
        report.longrepr = masked(shown, secrets)


def mask_warning(warning: Warning, secrets: Collection[str]) -> None:
    """Mask *secrets* in what *warning* says: pytest shows it in its summary."""
    if str(warning) != masked(str(warning), secrets):
        warning.args = tuple(_hidden(part, secrets) for part in warning.args)


def _hidden(value: Any, secrets: Collection[str]) -> Any:
    """*value*, a representation of an exception made of dataclasses and lists, with masks."""
    if isinstance(value, str):
        return masked(value, secrets)
    if isinstance(value, list | tuple):
        return type(value)(_hidden(part, secrets) for part in value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            # Some of them are frozen; they are this report's own all the same.
            object.__setattr__(value, field.name, _hidden(getattr(value, field.name), secrets))
    return value


def compare_secrets(op: str, left: object, right: object) -> list[str] | None:
    """How a failed comparison with a key is explained: without the difference of the texts."""
    if not isinstance(left, SecretText) and not isinstance(right, SecretText):
        return None
    return [f"'{MASK}' {op} ...", "one of them is a key: their difference isn't shown"]
