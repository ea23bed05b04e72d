"""What a run cost, from its proven figure."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_timestamps.tokens.pricing import Cost, ModelPrice, price_usage
from pytest_timestamps.tokens.reconcile.proof import Proof
from pytest_timestamps.tokens.usage import ModelUsage

__all__ = ["cost_of", "cost_to_json", "usage_cost"]

_UNKNOWN_MODELS = "(models unknown)"


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
