"""Prices and budgets: an unknown price is unknown, and a breach shows both figures."""

from __future__ import annotations

import inspect
from decimal import Decimal

import genai_prices
import pytest

from pytest_timestamps.analysis.text import format_usd
from pytest_timestamps.errors import ArgumentError, ArgumentTypeError
from pytest_timestamps.tokens.budgets import (
    check_max_cost,
    check_max_tokens,
    cost_breach,
    session_breach,
    shown_usd,
    token_breach,
)
from pytest_timestamps.tokens.pricing import Cost, ModelPrice, price_usage
from pytest_timestamps.tokens.usage import ModelUsage, ObservedUsage, TierUsage

AT_S = 1_760_000_000  # 2025-10-09
TIERS_AT_S = 1_795_300_000  # 2026-11-21; the table knows the tiers' prices from this autumn on


def used(
    input_tokens: int = 0, output_tokens: int = 0, cached: int = 0, tier: str = "default"
) -> ModelUsage:
    """One call of a model at one service tier."""
    return ModelUsage.of_tiers({tier: TierUsage(1, input_tokens, output_tokens, cached)})


def test_cached_input_is_a_part_of_the_input() -> None:
    """The published sum: 600k fresh, 400k cached and 100k output tokens cost 18 cents."""
    cost = price_usage({"gpt-4o-mini": used(1_000_000, 100_000, 400_000)}, AT_S)
    assert cost.usd == Decimal("0.18")
    assert cost.by_model == {"gpt-4o-mini": Decimal("0.18")}
    assert not cost.is_upper_bound


def test_a_snapshot_has_the_price_of_its_model() -> None:
    """The books and the responses name dated snapshots."""
    assert price_usage({"gpt-4o-mini-2024-07-18": used(1_000_000)}, AT_S).usd == Decimal("0.15")


@pytest.mark.parametrize("model", ["no-such-model", "whisper-1", "tts-1"])
def test_a_model_without_a_token_price_is_unknown_and_not_free(model: str) -> None:
    """Unknown models, and those billed by the minute, make the whole cost unknown by name."""
    cost = price_usage({model: used(1_000), "gpt-4o-mini": used(1_000_000)}, AT_S)
    assert cost.usd is None
    assert cost.unpriced == (model,)
    assert cost.known_usd == Decimal("0.15")
    assert cost.by_model[model] is None


def test_output_of_a_model_that_prices_none_is_unknown() -> None:
    """Embeddings have no output; if some is reported its price isn't zero."""
    assert price_usage({"text-embedding-3-small": used(1_000_000)}, AT_S).usd == Decimal("0.02")
    assert price_usage({"text-embedding-3-small": used(10, 5)}, AT_S).usd is None


@pytest.mark.skipif(
    "price_context" not in inspect.signature(genai_prices.calc_price).parameters,
    reason="this version's price table knows no tiers",
)
def test_a_tier_has_its_own_price() -> None:
    """Priority costs more, flex and batch less; what the tier costs is not guessed."""
    prices = {
        tier: price_usage({"gpt-5": used(1_000_000, tier=tier)}, TIERS_AT_S).usd
        for tier in ("default", "unknown", "flex", "priority", "batch")
    }
    assert prices["unknown"] == prices["default"] == Decimal("1.25")
    assert prices["flex"] == prices["batch"] == Decimal("0.625")
    assert prices["priority"] == Decimal("2.5")


def test_a_tier_that_the_table_lacks_is_not_priced_as_the_standard_one() -> None:
    """A dearer tier without a price is unknown, a cheaper one bounded from above."""
    priority = price_usage({"gpt-3.5-turbo": used(1_000, tier="priority")}, AT_S)
    assert (priority.usd, priority.unpriced) == (None, ("gpt-3.5-turbo (priority)",))
    flex = price_usage({"gpt-3.5-turbo": used(1_000_000, tier="flex")}, AT_S)
    assert flex.is_upper_bound
    assert flex.usd == Decimal("0.5")


def test_an_unknown_batch_share_is_an_upper_bound() -> None:
    """Where batch work can't be told apart the figure is marked."""
    cost = price_usage({"gpt-4o-mini": used(1_000_000)}, AT_S, batch_unknown=True)
    assert (cost.usd, cost.is_upper_bound) == (Decimal("0.15"), True)


def test_prices_are_those_of_the_time() -> None:
    """A run of before a price cut keeps its price."""
    early = price_usage({"o3": used(1_000_000)}, 1_748_736_000)  # 2025-06-01
    late = price_usage({"o3": used(1_000_000)}, AT_S)
    assert (early.usd, late.usd) == (Decimal(10), Decimal(2))


def test_a_price_of_ones_own_wins() -> None:
    """An override prices what the table doesn't know, cached input included."""
    own = {"no-such-model": ModelPrice(Decimal(2), Decimal(8), Decimal(1))}
    cost = price_usage({"no-such-model": used(1_000_000, 500_000, 250_000)}, AT_S, overrides=own)
    assert cost.usd == Decimal("1.5") + Decimal("0.25") + Decimal(4)


def test_no_usage_costs_nothing_whatever_the_model() -> None:
    """A call that used no tokens needs no price."""
    assert price_usage({"no-such-model": used()}, AT_S).usd == Decimal(0)
    assert price_usage({}, AT_S).usd == Decimal(0)


SEEN = ObservedUsage(3, 900, 200)
PARTLY = ObservedUsage(3, 900, 200, complete=False, incomplete_reasons=("a stream was cut",))


def test_a_token_budget_counts_input_and_output() -> None:
    """At the limit is within it; above it both figures are in the message."""
    assert token_breach(SEEN, 1_100) is None
    assert token_breach(SEEN, 1_099) == (
        "the run used 1,100 tokens (input 900 and output 200), more than max_tokens=1,099"
    )


def test_an_incomplete_tally_says_so_in_the_breach() -> None:
    """The figure is a lower bound then, with the reason."""
    assert token_breach(PARTLY, 0) == (
        "the run used at least 1,100 tokens (input 900 and output 200), more than max_tokens=0; "
        "the tally is incomplete: a stream was cut"
    )


def test_a_cost_budget_shows_both_figures() -> None:
    """At the limit is within it."""
    cost = Cost(Decimal("0.25"))
    assert cost_breach(SEEN, cost, Decimal("0.25")) is None
    assert cost_breach(SEEN, cost, Decimal("0.1")) == (
        "the run cost 0.2500 USD, more than max_cost_usd=0.1000 USD"
    )
    assert cost_breach(PARTLY, Cost(Decimal("0.25"), ("x",)), Decimal(0)) == (
        "the run cost at least 0.2500 USD, more than max_cost_usd=0.0000 USD; without a known "
        "price: x; the tally is incomplete: a stream was cut"
    )


def test_a_session_budget_adds_the_runs_up() -> None:
    """The run that takes the session over its limit fails, with the sum and its own share."""
    cost = Cost(Decimal("0.25"))
    assert session_breach(Decimal("0.75"), SEEN, cost, Decimal(1)) is None
    assert session_breach(Decimal("0.76"), SEEN, cost, Decimal(1)) == (
        "the session's runs cost 1.0100 USD with this run's 0.2500 USD, more than "
        "--token-run-max-cost=1.0000 USD"
    )


def test_a_small_amount_is_not_shown_as_nothing() -> None:
    """Fractions of a cent keep their digits, and round amounts four decimals."""
    assert shown_usd(Decimal("12.5")) == "12.5000 USD"
    assert shown_usd(Decimal("0.00000123")) == "0.00000123 USD"
    assert shown_usd(Decimal(0)) == "0.0000 USD"


@pytest.mark.parametrize(
    ("value", "error"),
    [(True, TypeError), (1.0, TypeError), ("7", TypeError), (-1, ValueError)],
)
def test_a_bad_token_limit_is_refused(value: object, error: type[Exception]) -> None:
    """A limit of tokens is an integer of 0 or more."""
    with pytest.raises(error, match="max_tokens must be"):
        check_max_tokens(value)
    assert check_max_tokens(0) == 0


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (True, ArgumentTypeError),
        (None, ArgumentTypeError),
        ("ten", ArgumentError),
        ("nan", ArgumentError),
        (float("inf"), ArgumentError),
        (-0.1, ArgumentError),
    ],
)
def test_a_bad_cost_limit_is_refused(value: object, error: type[Exception]) -> None:
    """A limit in USD is a finite number of 0 or more."""
    with pytest.raises(error, match="--token-run-max-cost must be a number of USD"):
        check_max_cost(value, "--token-run-max-cost")
    assert check_max_cost(0.1) == Decimal("0.1")


@pytest.mark.parametrize(
    ("usd", "shown"),
    [
        (Decimal(0), "0.0000"),
        (Decimal("0.42371"), "0.4237"),
        (0.25, "0.2500"),
        (Decimal("0.0000333"), "0.000033"),
        (Decimal("0.00099"), "0.00099"),
        (Decimal("1.5E-9"), "0.0000000015"),
        (0.0000996, "0.00010"),
        (Decimal("0.0000135"), "0.000014"),
        (0.0000135, "0.000014"),
        (0.00125, "0.0012"),
        (-0.00002, "-0.000020"),
        (1234.5, "1,234.5000"),
    ],
)
def test_a_table_shows_no_cost_as_nothing(usd: Decimal | float, shown: str) -> None:
    """What isn't zero doesn't look like it."""
    assert format_usd(usd) == shown
