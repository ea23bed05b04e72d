"""The usage parts of a run's file: counters, models, service tiers, observed usage."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_timestamps.tokens.contract.fields import Fields
from pytest_timestamps.tokens.usage import ModelUsage, ObservedUsage, TierUsage, TokenCounts

__all__ = [
    "decode_counts",
    "decode_models",
    "decode_observed",
    "encode_counts",
    "encode_models",
    "encode_observed",
]


def encode_counts(counts: TokenCounts) -> dict[str, object]:
    """The four counters, as groups, models and tiers have them."""
    return {
        "calls": counts.calls,
        "input_tokens": counts.input_tokens,
        "output_tokens": counts.output_tokens,
        "cached_tokens": counts.cached_tokens,
    }


def decode_counts(fields: Fields) -> TokenCounts:
    """The four counters; all are required, and cached input is a part of the input."""
    counts = TokenCounts(
        calls=fields.count("calls"),
        input_tokens=fields.count("input_tokens"),
        output_tokens=fields.count("output_tokens"),
        cached_tokens=fields.count("cached_tokens"),
    )
    if counts.cached_tokens > counts.input_tokens:
        raise fields.bad_value("cached_tokens", f"at most input_tokens, {counts.input_tokens}")
    return counts


def encode_models(by_model: Mapping[str, ModelUsage]) -> dict[str, object]:
    """Usage per model, with its split by service tier."""
    return {model: _encoded_model(usage) for model, usage in by_model.items()}


def decode_models(fields: Fields, name: str) -> dict[str, ModelUsage]:
    """Usage per model from the object field *name*."""
    return {model: _model(usage) for model, usage in fields.named_objects(name)}


def encode_observed(observed: ObservedUsage) -> dict[str, object]:
    """What was observed of a run."""
    return {
        **encode_counts(observed),
        "complete": observed.complete,
        "incomplete_reasons": list(observed.incomplete_reasons),
        "foreign_key_calls": observed.foreign_key_calls,
        "replayed": observed.replayed,
        "by_model": encode_models(observed.by_model),
    }


def decode_observed(fields: Fields) -> ObservedUsage:
    """What was observed of a run; counters and completeness are required, details optional."""
    counts = decode_counts(fields)
    return ObservedUsage(
        counts.calls,
        counts.input_tokens,
        counts.output_tokens,
        counts.cached_tokens,
        complete=fields.flag("complete"),
        incomplete_reasons=_optional_texts(fields, "incomplete_reasons"),
        foreign_key_calls=fields.optional_count("foreign_key_calls"),
        replayed=fields.optional_count("replayed"),
        by_model=decode_models(fields, "by_model") if "by_model" in fields else {},
    )


def _encoded_tier(usage: TierUsage | ModelUsage) -> dict[str, object]:
    return {
        **encode_counts(usage),
        "cache_write_tokens": usage.cache_write_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
    }


def _encoded_model(usage: ModelUsage) -> dict[str, object]:
    return {
        **_encoded_tier(usage),
        "by_service_tier": {tier: _encoded_tier(part) for tier, part in usage.by_tier.items()},
        "incomplete_reasons": list(usage.incomplete_reasons),
    }


def _tier(fields: Fields) -> TierUsage:
    # Other writers of the contract may split less: what they leave out is nothing.
    counts = TokenCounts(
        calls=fields.count("calls"),
        input_tokens=fields.count("input_tokens"),
        output_tokens=fields.optional_count("output_tokens"),
        cached_tokens=fields.optional_count("cached_tokens"),
    )
    if counts.cached_tokens > counts.input_tokens:
        raise fields.bad_value("cached_tokens", f"at most input_tokens, {counts.input_tokens}")
    return TierUsage(
        counts.calls,
        counts.input_tokens,
        counts.output_tokens,
        counts.cached_tokens,
        cache_write_tokens=fields.optional_count("cache_write_tokens"),
        reasoning_tokens=fields.optional_count("reasoning_tokens"),
    )


def _model(fields: Fields) -> ModelUsage:
    whole = _tier(fields)
    tiers = fields.named_objects("by_service_tier") if "by_service_tier" in fields else ()
    return ModelUsage(
        whole.calls,
        whole.input_tokens,
        whole.output_tokens,
        whole.cached_tokens,
        cache_write_tokens=whole.cache_write_tokens,
        reasoning_tokens=whole.reasoning_tokens,
        by_tier={tier: _tier(usage) for tier, usage in tiers},
        incomplete_reasons=_optional_texts(fields, "incomplete_reasons"),
    )


def _optional_texts(fields: Fields, name: str) -> tuple[str, ...]:
    return fields.texts(name) if name in fields else ()
