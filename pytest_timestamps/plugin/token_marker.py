"""The marker ``token_run``: its arguments, checked, as one frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import pytest

from pytest_timestamps.errors import ArgumentError, ArgumentTypeError
from pytest_timestamps.tokens.budgets import check_max_cost, check_max_tokens
from pytest_timestamps.tokens.keys import DEFAULT_FRAMEWORK, check_key_id, check_project_id
from pytest_timestamps.tokens.slugs import check_run_id, check_slug

__all__ = ["MARKER", "SCOPES", "MarkerError", "RunSpec", "default_spec", "read_marker"]

MARKER = "token_run"
SCOPES = ("function", "class", "module", "session")
_ARGUMENTS = (
    "framework",
    "run_id",
    "api_key_id",
    "project_id",
    "scope",
    "max_tokens",
    "max_cost_usd",
)


class MarkerError(ArgumentError):
    """A marker can't be used; the message says which argument and why."""


@dataclass(frozen=True, slots=True)
class RunSpec:
    """What a marker asks for."""

    framework: str = DEFAULT_FRAMEWORK
    run_id: str | None = None
    api_key_id: str | None = None
    project_id: str | None = None
    scope: str = "function"
    max_tokens: int | None = None
    max_cost_usd: Decimal | None = None


def read_marker(mark: pytest.Mark) -> RunSpec:
    """The run that *mark* asks for; raises `MarkerError`."""
    if mark.args:
        raise MarkerError(
            f"takes keyword arguments only, got {mark.args[0]!r:.60}; write framework=..."
        )
    unknown = [name for name in mark.kwargs if name not in _ARGUMENTS]
    if unknown:
        raise MarkerError(
            f"unknown argument {unknown[0]!r}; expected one of {', '.join(_ARGUMENTS)}"
        )
    try:
        return _spec(mark.kwargs)
    except (ArgumentError, ArgumentTypeError) as error:
        raise MarkerError(str(error)) from None


def default_spec(ini: str) -> RunSpec | None:
    """What the ini option ``token_run`` makes of every test; None if it is off.

    Raises ``pytest.UsageError`` for a value that is neither a truth value nor a framework.
    """
    word = ini.strip()
    if word.lower() in ("", "false", "no", "off", "0"):
        return None
    if word.lower() in ("true", "yes", "on", "1"):
        return RunSpec()
    try:
        return RunSpec(framework=check_slug(word, "token_run"))
    except ArgumentError as error:
        raise pytest.UsageError(f"{error}; or true, for framework 'default'") from None


def _spec(given: Mapping[str, object]) -> RunSpec:
    scope = given.get("scope", "function")
    if scope not in SCOPES:
        raise ArgumentError(f"scope must be one of {', '.join(SCOPES)}; got {scope!r:.60}")
    run_id, key_id, project = (given.get(n) for n in ("run_id", "api_key_id", "project_id"))
    max_tokens, max_cost = given.get("max_tokens"), given.get("max_cost_usd")
    return RunSpec(
        framework=check_slug(given.get("framework", DEFAULT_FRAMEWORK)),
        run_id=None if run_id is None else check_run_id(run_id),
        api_key_id=None if key_id is None else check_key_id(key_id),
        project_id=None if project is None else check_project_id(project),
        scope=str(scope),
        max_tokens=None if max_tokens is None else check_max_tokens(max_tokens),
        max_cost_usd=None if max_cost is None else check_max_cost(max_cost),
    )
