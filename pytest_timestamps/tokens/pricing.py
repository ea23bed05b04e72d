"""What tokens cost: by the price table that came with the installation, asked offline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from typing import Final

from pytest_timestamps.tokens.usage import ModelUsage, TierUsage

__all__ = ["BATCH_TIER", "Cost", "ModelPrice", "price_usage"]

BATCH_TIER: Final = "batch"
"""The tier under which usage of the Batch API is kept; it costs half, as published."""

_BATCH_SHARE: Final = Decimal("0.5")
_STANDARD_TIERS: Final = frozenset(["default", "standard", "auto", "unknown", ""])
_MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class ModelPrice:
    """A price of one's own for a model, in USD per million tokens."""

    input_usd: Decimal
    output_usd: Decimal
    cached_input_usd: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Cost:
    """What usage costs, as far as prices are known.

    ``known_usd`` is the sum over everything that has a price; ``unpriced`` names the rest.
    ``is_upper_bound`` says that some of it may have been cheaper than the price used.
    """

    known_usd: Decimal = Decimal(0)
    unpriced: tuple[str, ...] = ()
    is_upper_bound: bool = False
    by_model: Mapping[str, Decimal | None] = field(default_factory=dict)

    @property
    def usd(self) -> Decimal | None:
        """The whole cost; None, never 0, where a part of it has no known price."""
        return None if self.unpriced else self.known_usd


def price_usage(
    by_model: Mapping[str, ModelUsage],
    at_s: int,
    *,
    overrides: Mapping[str, ModelPrice] | None = None,
    batch_unknown: bool = False,
) -> Cost:
    """The cost of *by_model* at the prices in force at *at_s*.

    Each service tier has its own price; one that the table has no price for is unpriced, except
    the flex tier, whose standard price is an upper bound.
    Cached input is a part of the input and costs what cached input costs.
    *batch_unknown* says that some of it may have been batch work, at half the price.
    """
    at = datetime.fromtimestamp(at_s, UTC)
    prices: dict[str, Decimal | None] = {}
    unpriced: list[str] = []
    known_usd, is_bound = Decimal(0), batch_unknown
    for model, usage in by_model.items():
        override = (overrides or {}).get(model)
        total: Decimal | None = Decimal(0)
        for tier, part in _parts(usage):
            usd, part_is_bound = _priced(model, tier, part, at, override)
            is_bound = is_bound or part_is_bound
            if usd is None:
                unpriced.append(model if tier in _STANDARD_TIERS else f"{model} ({tier})")
                total = None
            else:
                known_usd += usd
                total = None if total is None else total + usd
        prices[model] = total
    return Cost(known_usd, tuple(dict.fromkeys(unpriced)), is_bound, prices)


def _parts(usage: ModelUsage) -> list[tuple[str, TierUsage]]:
    if usage.by_tier:
        return list(usage.by_tier.items())
    whole = TierUsage(
        usage.calls,
        usage.input_tokens,
        usage.output_tokens,
        usage.cached_tokens,
        cache_write_tokens=usage.cache_write_tokens,
    )
    return [("", whole)]


def _priced(
    model: str, tier: str, usage: TierUsage, at: datetime, override: ModelPrice | None
) -> tuple[Decimal | None, bool]:
    """The cost of *usage*, None if unknown, and whether it is an upper bound."""
    if usage.input_tokens == usage.output_tokens == 0:
        return Decimal(0), False
    if override is not None:
        return _by_override(override, usage), tier not in _STANDARD_TIERS
    standard = _by_table(model, None, usage, at)
    if standard is None or tier in _STANDARD_TIERS:
        return standard, False
    if tier == BATCH_TIER:
        return standard * _BATCH_SHARE, False
    special = _by_table(model, tier, usage, at)
    if special != standard:
        return special, False
    # The table answers with the standard price where it has none for the tier.
    return (standard, True) if tier == "flex" else (None, False)


def _by_override(price: ModelPrice, usage: TierUsage) -> Decimal:
    cached_usd = price.input_usd if price.cached_input_usd is None else price.cached_input_usd
    fresh = usage.input_tokens - usage.cached_tokens
    return (
        fresh * price.input_usd
        + usage.cached_tokens * cached_usd
        + usage.output_tokens * price.output_usd
    ) / _MILLION


def _by_table(model: str, tier: str | None, usage: TierUsage, at: datetime) -> Decimal | None:
    return _calculated(
        model,
        tier,
        usage.input_tokens,
        usage.cached_tokens,
        usage.cache_write_tokens,
        usage.output_tokens,
        at,
    )


# Thousands of runs make the same few small calls; a calculation takes some 50 microseconds.
@cache
def _calculated(
    model: str,
    tier: str | None,
    input_tokens: int,
    cached_tokens: int,
    cache_write_tokens: int,
    output_tokens: int,
    at: datetime,
) -> Decimal | None:
    import genai_prices

    counts = {"input_tokens": input_tokens, "output_tokens": output_tokens}
    if cached_tokens:
        counts["cache_read_tokens"] = cached_tokens
    if cache_write_tokens:
        counts["cache_write_tokens"] = cache_write_tokens
    usage = genai_prices.Usage(**counts)
    # Older tables know no tiers and no such argument.
    context = {} if tier is None else {"price_context": {"service_tier": tier}}
    try:
        price = genai_prices.calc_price(
            usage, model, provider_id="openai", genai_request_timestamp=at, **context
        )
    except LookupError:
        return None
    except TypeError:
        return _calculated(
            model, None, input_tokens, cached_tokens, cache_write_tokens, output_tokens, at
        )
    # Models that are billed by the minute or the picture stand in the table at nothing a token.
    if input_tokens and not price.input_price:
        return None
    if output_tokens and not price.output_price:
        return None
    return Decimal(price.total_price)
