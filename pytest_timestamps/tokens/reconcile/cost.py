"""What a run cost, from its proven figure, and the prices of one's own in pyproject.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

from pytest_timestamps.errors import ArgumentError
from pytest_timestamps.tokens.contract.fields import json_type
from pytest_timestamps.tokens.pricing import Cost, ModelPrice, price_usage
from pytest_timestamps.tokens.reconcile.proof import Proof
from pytest_timestamps.tokens.usage import ModelUsage

__all__ = ["cost_of", "cost_to_json", "price_overrides", "usage_cost"]

_UNKNOWN_MODELS = "(models unknown)"
_FIELDS = {
    "input_usd_per_million": True,
    "output_usd_per_million": True,
    "cached_input_usd_per_million": False,
}


def cost_of(proof: Proof, at_s: int, overrides: Mapping[str, ModelPrice]) -> Cost:
    """The cost of a proven figure at the prices of *at_s*."""
    if not proof.by_model and not proof.totals.is_zero:
        return Cost(unpriced=(_UNKNOWN_MODELS,))
    return usage_cost(proof.by_model, at_s, overrides, proof.batch_unknown)


def usage_cost(
    by_model: Mapping[str, ModelUsage],
    at_s: int,
    overrides: Mapping[str, ModelPrice],
    batch_unknown: bool,
) -> Cost:
    """The cost of usage by model; without any usage it is nothing, and certain."""
    is_bound = batch_unknown and bool(by_model)
    return price_usage(by_model, at_s, overrides=overrides, batch_unknown=is_bound)


def cost_to_json(cost: Cost) -> dict[str, object]:
    """The cost's details for the run's file."""
    return {
        "usd": None if cost.usd is None else float(cost.usd),
        "unpriced": list(cost.unpriced),
        "is_upper_bound": cost.is_upper_bound,
        "by_model": {
            model: None if usd is None else float(usd) for model, usd in cost.by_model.items()
        },
    }


def price_overrides(start: Path) -> dict[str, ModelPrice]:
    """The prices in the nearest pyproject.toml at or above *start*, by model.

        [tool.pytest_timestamps.prices."my-model"]
        input_usd_per_million = 0.15
        cached_input_usd_per_million = 0.075
        output_usd_per_million = 0.60

    Raises `ArgumentError` that names the file and the field.
    """
    for folder in (start, *start.parents):
        path = folder / "pyproject.toml"
        if path.is_file():
            return _read_prices(path)
    return {}


def _read_prices(path: Path) -> dict[str, ModelPrice]:
    try:
        data = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ArgumentError(f"{path} can't be read: {error}; expected TOML in UTF-8") from None
    place = "tool.pytest_timestamps.prices"
    tool = data.get("tool", {})
    ours = tool.get("pytest_timestamps", {}) if isinstance(tool, dict) else {}
    prices = ours.get("prices", {}) if isinstance(ours, dict) else {}
    if not isinstance(prices, dict):
        raise ArgumentError(f"{path}: {place} is {json_type(prices)}; expected a table of models")
    return {model: _price(path, f'{place}."{model}"', table) for model, table in prices.items()}


def _price(path: Path, place: str, table: object) -> ModelPrice:
    if not isinstance(table, dict):
        raise ArgumentError(f"{path}: {place} is {json_type(table)}; expected a table of prices")
    unknown = sorted(set(table) - set(_FIELDS))
    if unknown:
        raise ArgumentError(
            f"{path}: {place} has {unknown[0]!r}; expected only {', '.join(_FIELDS)}"
        )
    amounts: dict[str, Decimal | None] = {}
    for name, is_required in _FIELDS.items():
        value = table.get(name)
        if value is None and not is_required:
            amounts[name] = None
            continue
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
            seen = "missing" if value is None else json_type(value)
            raise ArgumentError(f"{path}: {place}.{name} is {seen}; expected USD, 0 or more")
        amounts[name] = Decimal(str(value))
    input_usd, output_usd, cached_usd = (amounts[name] for name in _FIELDS)
    assert input_usd is not None
    assert output_usd is not None
    return ModelPrice(input_usd, output_usd, cached_usd)
