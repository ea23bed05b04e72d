"""Budgets: a run that was seen to use more than it may fails, with both figures."""

from __future__ import annotations

from decimal import Decimal

from pytest_timestamps.errors import ArgumentError, ArgumentTypeError
from pytest_timestamps.tokens.pricing import Cost
from pytest_timestamps.tokens.usage import ObservedUsage

__all__ = [
    "check_max_cost",
    "check_max_tokens",
    "cost_breach",
    "session_breach",
    "shown_usd",
    "token_breach",
]


def check_max_tokens(value: object) -> int:
    """*value* as a limit of tokens: an integer of 0 or more."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise ArgumentTypeError(f"max_tokens must be an integer, got {value!r:.60}")
    if value < 0:
        raise ArgumentError(f"max_tokens must be 0 or more, got {value}")
    return value


def check_max_cost(value: object, what: str = "max_cost_usd") -> Decimal:
    """*value* as a limit in USD: a number, or its text, of 0 or more."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal | str):
        raise ArgumentTypeError(f"{what} must be a number of USD, got {value!r:.60}")
    try:
        limit = Decimal(str(value))
    except ArithmeticError:
        limit = Decimal("NaN")
    if not limit.is_finite() or limit < 0:
        raise ArgumentError(f"{what} must be a number of USD, 0 or more, got {value!r:.60}")
    return limit


def token_breach(observed: ObservedUsage, max_tokens: int) -> str | None:
    """Why a run with *observed* fails a limit of *max_tokens*, None if it doesn't.

    Input and output count together.
    """
    used = observed.input_tokens + observed.output_tokens
    if used <= max_tokens:
        return None
    return (
        f"the run used {_at_least(observed)}{used:,} tokens (input {observed.input_tokens:,} and "
        f"output {observed.output_tokens:,}), more than max_tokens={max_tokens:,}"
        f"{_incompleteness(observed)}"
    )


def cost_breach(observed: ObservedUsage, cost: Cost, max_cost_usd: Decimal) -> str | None:
    """Why a run of *cost* fails a limit of *max_cost_usd*, None if it doesn't."""
    if cost.known_usd <= max_cost_usd:
        return None
    bound = " at most" if cost.is_upper_bound else ""
    low = _at_least(observed) or ("at least " if cost.unpriced else "")
    return (
        f"the run cost{bound} {low}{shown_usd(cost.known_usd)}, more than "
        f"max_cost_usd={shown_usd(max_cost_usd)}{_unpriced(cost)}{_incompleteness(observed)}"
    )


def session_breach(
    spent_before_usd: Decimal, observed: ObservedUsage, cost: Cost, max_cost_usd: Decimal
) -> str | None:
    """Why a run fails the session's limit, *spent_before_usd* having been spent by others."""
    total_usd = spent_before_usd + cost.known_usd
    if total_usd <= max_cost_usd:
        return None
    low = _at_least(observed) or ("at least " if cost.unpriced else "")
    return (
        f"the session's runs cost {low}{shown_usd(total_usd)} with this run's "
        f"{shown_usd(cost.known_usd)}, more than --token-run-max-cost={shown_usd(max_cost_usd)}"
        f"{_unpriced(cost)}{_incompleteness(observed)}"
    )


def shown_usd(amount: Decimal) -> str:
    """An amount with all its decimals, at least four: two that differ look different."""
    whole, _, decimals = f"{amount.normalize():f}".partition(".")
    return f"{whole}.{decimals:0<4} USD"


def _at_least(observed: ObservedUsage) -> str:
    return "" if observed.complete else "at least "


def _incompleteness(observed: ObservedUsage) -> str:
    if observed.complete:
        return ""
    return f"; the tally is incomplete: {'; '.join(observed.incomplete_reasons) or 'no reason'}"


def _unpriced(cost: Cost) -> str:
    return f"; without a known price: {', '.join(cost.unpriced)}" if cost.unpriced else ""
