"""All options and ini values of token runs as one frozen value, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from pytest_timestamps.plugin.options import ini_flag

if TYPE_CHECKING:
    from decimal import Decimal
    from pathlib import Path

    from pytest_timestamps.tokens.keys import KeyPolicy
    from pytest_timestamps.tokens.pricing import ModelPrice

__all__ = ["TokenSettings", "read_token_settings"]


@dataclass(frozen=True, slots=True)
class TokenSettings:
    """What the user asked for; made once a session, when the first token run is met."""

    run_dir: Path
    keys: KeyPolicy
    max_cost_usd: Decimal | None = None
    project_id: str | None = None
    sets_environment: bool = True
    covers_subprocesses: bool = False
    prices: Mapping[str, ModelPrice] = field(default_factory=dict)
    forwards: bool = False


def read_token_settings(config: pytest.Config) -> TokenSettings:
    """The settings; ``pytest.UsageError`` names the option that can't be used."""
    from pytest_timestamps.errors import ArgumentError
    from pytest_timestamps.tokens.budgets import check_max_cost
    from pytest_timestamps.tokens.keys import KeyPolicy, check_project_id
    from pytest_timestamps.tokens.own_prices import price_overrides

    keys = _value(config, "keys") or KeyPolicy.REQUIRE
    max_cost, project_id = _value(config, "max_cost"), _value(config, "project_id")
    try:
        policy = KeyPolicy(keys)
    except ValueError:
        words = ", ".join(KeyPolicy)
        raise pytest.UsageError(f"--token-run-keys must be one of {words}; got {keys!r}") from None
    try:
        return TokenSettings(
            run_dir=config.rootpath / (_value(config, "dir") or "runs"),
            keys=policy,
            max_cost_usd=(
                None if max_cost is None else check_max_cost(max_cost, "--token-run-max-cost")
            ),
            project_id=None if project_id is None else check_project_id(project_id),
            sets_environment=ini_flag(config, "token_run_set_env"),
            covers_subprocesses=ini_flag(config, "token_run_subprocesses"),
            prices=price_overrides(config.rootpath),
            forwards=bool(
                getattr(config.option, "token_run_forwarding", None)
                or ini_flag(config, "token_run_forwarding")
            ),
        )
    except ArgumentError as error:
        raise pytest.UsageError(str(error)) from None


def _value(config: pytest.Config, name: str) -> str | None:
    """The option's text, else its ini twin's, else None."""
    given: str | None = getattr(config.option, f"token_run_{name}", None)
    return given if given is not None else str(config.getini(f"token_run_{name}") or "") or None
