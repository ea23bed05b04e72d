"""Keys don't get into reports, in whatever way they got into an exception."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Collection
from typing import Any, Final

import pytest

from pytest_timestamps.tokens.secret import MASK, SecretText, masked

__all__ = ["compare_masked", "compare_secrets", "mask_live_logs", "mask_report", "mask_warning"]

_SHOWN: Final = 120


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


def compare_masked(
    config: pytest.Config, op: str, left: object, right: object, secrets: Collection[str]
) -> list[str] | None:
    """How a failed comparison of what contains one of *secrets* is explained; None for any other.

    The masks come before pytest shortens and compares: half a key would not be known for one.
    """
    if isinstance(left, SecretText) or isinstance(right, SecretText):
        return None  # explained by `compare_secrets`
    shown = _shown(left), _shown(right)
    if all(text == masked(text, secrets) for text in shown):
        return None
    copies = _copied(left, secrets), _copied(right, secrets)
    if all(_shown(copy) == masked(_shown(copy), secrets) for copy in copies):
        told: list[list[str] | None] = config.hook.pytest_assertrepr_compare(
            config=config, op=op, left=copies[0], right=copies[1]
        )
        if lines := next(filter(None, told), None):
            return lines
    one, other = (_shortened(masked(text, secrets)) for text in shown)
    return [f"{one} {op} {other}", "keys are masked"]


def mask_live_logs(config: pytest.Config, secrets: Collection[str]) -> None:
    """Mask *secrets* in what pytest logs to the terminal (log_cli) and to a file (log_file).

    What is captured stays as it is: the program under test may ask for it.
    """
    plugin = config.pluginmanager.get_plugin("logging-plugin")
    for name in ("log_cli_handler", "log_file_handler"):
        handler = getattr(plugin, name, None)
        if isinstance(handler, logging.Handler) and handler.formatter is not None:
            handler.setFormatter(_MaskingFormatter(handler.formatter, secrets))


class _MaskingFormatter(logging.Formatter):
    def __init__(self, formatter: logging.Formatter, secrets: Collection[str]) -> None:
        super().__init__()
        self._formatter = formatter
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        return masked(self._formatter.format(record), self._secrets)


def _copied(value: Any, secrets: Collection[str]) -> Any:
    """*value*, if it is text or made of plain containers of it, with masks; else itself."""
    if isinstance(value, str):
        return masked(value, secrets)
    if type(value) in (list, tuple, set, frozenset):
        return type(value)(_copied(part, secrets) for part in value)
    if type(value) is dict:
        return {_copied(key, secrets): _copied(part, secrets) for key, part in value.items()}
    return value


def _shown(value: object) -> str:
    if isinstance(value, str):
        return str.__repr__(value)
    try:
        return repr(value)
    except Exception as error:
        return f"<{type(value).__name__} whose repr raised {type(error).__name__}>"


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."
