"""Prices of one's own, in pyproject.toml: for models that no table knows, and for other terms."""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path

from pytest_timestamps.errors import ArgumentError
from pytest_timestamps.tokens.contract.fields import json_type
from pytest_timestamps.tokens.pricing import ModelPrice

__all__ = ["price_overrides"]

_FIELDS = {
    "input_usd_per_million": True,
    "output_usd_per_million": True,
    "cached_input_usd_per_million": False,
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
