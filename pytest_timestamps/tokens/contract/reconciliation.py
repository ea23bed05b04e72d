"""The reconciliation part of a run's file: attempts, verdict, group."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from pytest_timestamps.tokens.contract.fields import Fields
from pytest_timestamps.tokens.contract.usage import (
    decode_counts,
    decode_models,
    encode_counts,
    encode_models,
)
from pytest_timestamps.tokens.record import (
    Attempt,
    Attribution,
    Failure,
    FailureKind,
    OverlapGroup,
    Reconciliation,
    Status,
)
from pytest_timestamps.tokens.usage import TokenCounts

__all__ = ["decode_reconciliation", "encode_reconciliation"]

_KNOWN: Final = frozenset(
    [
        "verification_status",
        "attempts",
        "last_attempt_timestamp",
        "verified_at",
        "attribution",
        "failure",
        "group",
        "by_model",
    ]
)
_ATTEMPT_KNOWN: Final = frozenset(
    [
        "timestamp",
        "total_tokens_in",
        "total_tokens_out",
        "total_api_calls",
        "total_cached_tokens",
        "status",
        "counted",
        "scope",
        "error",
        "group_totals",
        "by_model",
    ]
)


def decode_reconciliation(fields: Fields, run_end_s: int) -> Reconciliation:
    """The reconciliation of a run that ended at *run_end_s*, all rules between fields checked."""
    status = fields.choice("verification_status", Status)
    attempts = tuple(_attempt(attempt) for attempt in fields.objects("attempts"))
    _check_times(fields, attempts, run_end_s)
    _check_status(fields, status, attempts)
    return Reconciliation(
        status=status,
        attempts=attempts,
        verified_at_s=_verified_at(fields, status),
        attribution=fields.choice("attribution", Attribution) if "attribution" in fields else None,
        failure=_failure(fields.nested("failure")) if "failure" in fields else None,
        group=_group(fields.nested("group")) if "group" in fields else None,
        by_model=decode_models(fields, "by_model") if "by_model" in fields else {},
        unknown=fields.rest(_KNOWN),
    )


def encode_reconciliation(value: Reconciliation) -> dict[str, object]:
    """The reconciliation as its part of the file."""
    failure, group = value.failure, value.group
    return {
        "verification_status": value.status.value,
        "attempts": [_encoded_attempt(attempt) for attempt in value.attempts],
        "last_attempt_timestamp": value.last_attempt_s,
        "verified_at": value.verified_at_s,
        "attribution": None if value.attribution is None else value.attribution.value,
        "failure": None
        if failure is None
        else {"kind": failure.kind.value, "final": failure.final, "message": failure.message},
        "group": None
        if group is None
        else {
            "runs": list(group.runs),
            "start_timestamp": group.start_s,
            "end_timestamp": group.end_s,
            "totals": encode_counts(group.totals),
        },
        "by_model": encode_models(value.by_model),
        **value.unknown,
    }


def _check_times(fields: Fields, attempts: tuple[Attempt, ...], run_end_s: int) -> None:
    for index, attempt in enumerate(attempts):
        if attempt.timestamp_s <= run_end_s:
            raise fields.bad_value(
                f"attempts[{index}].timestamp",
                f"a second after the run's end, {run_end_s}",
                seen=str(attempt.timestamp_s),
            )
    for index, (earlier, later) in enumerate(pairwise(attempts), start=1):
        if later.timestamp_s < earlier.timestamp_s:
            raise fields.bad_value(
                f"attempts[{index}].timestamp",
                f"the time of the attempt before it, {earlier.timestamp_s}, or later",
                seen=str(later.timestamp_s),
            )
    # Read in any case: it may be null, and may not be absent.
    last = None if fields.raw("last_attempt_timestamp") is None else _last(fields)
    expected = attempts[-1].timestamp_s if attempts else None
    if last != expected:
        raise fields.bad_value(
            "last_attempt_timestamp",
            "null, as there is no attempt" if expected is None else f"the last one's, {expected}",
        )


def _last(fields: Fields) -> int:
    return fields.integer("last_attempt_timestamp")


def _check_status(fields: Fields, status: Status, attempts: tuple[Attempt, ...]) -> None:
    if not attempts:
        if status is not Status.PENDING:
            raise fields.bad_value("verification_status", "'pending', as there is no attempt")
        return
    if attempts[-1].status is not status:
        raise fields.bad_value(
            "verification_status", f"the last attempt's, '{attempts[-1].status.value}'"
        )


def _verified_at(fields: Fields, status: Status) -> int | None:
    verified_at = fields.raw("verified_at")
    if (verified_at is None) == (status is Status.VERIFIED):
        expected = "a time" if verified_at is None else "null"
        raise fields.bad_value("verified_at", f"{expected}, as the status is '{status.value}'")
    return None if verified_at is None else fields.integer("verified_at")


def _attempt(fields: Fields) -> Attempt:
    counts = TokenCounts(
        calls=fields.count("total_api_calls"),
        input_tokens=fields.count("total_tokens_in"),
        output_tokens=fields.count("total_tokens_out"),
        cached_tokens=fields.count("total_cached_tokens"),
    )
    if counts.cached_tokens > counts.input_tokens:
        raise fields.bad_value(
            "total_cached_tokens", f"at most total_tokens_in, {counts.input_tokens}"
        )
    return Attempt(
        timestamp_s=fields.integer("timestamp"),
        counts=counts,
        status=fields.choice("status", Status),
        counted=fields.flag("counted") if "counted" in fields else None,
        scope=fields.mapping("scope") if "scope" in fields else None,
        error=fields.text("error") if "error" in fields else None,
        group_totals=(
            decode_counts(fields.nested("group_totals")) if "group_totals" in fields else None
        ),
        by_model=decode_models(fields, "by_model") if "by_model" in fields else None,
        unknown=fields.rest(_ATTEMPT_KNOWN),
    )


def _encoded_attempt(attempt: Attempt) -> dict[str, object]:
    data: dict[str, object] = {
        "timestamp": attempt.timestamp_s,
        "total_tokens_in": attempt.counts.input_tokens,
        "total_tokens_out": attempt.counts.output_tokens,
        "total_api_calls": attempt.counts.calls,
        "total_cached_tokens": attempt.counts.cached_tokens,
        "status": attempt.status.value,
    }
    if attempt.counted is not None:
        data["counted"] = attempt.counted
    if attempt.scope is not None:
        data["scope"] = dict(attempt.scope)
    if attempt.error is not None:
        data["error"] = attempt.error
    if attempt.group_totals is not None:
        data["group_totals"] = encode_counts(attempt.group_totals)
    if attempt.by_model is not None:
        data["by_model"] = encode_models(attempt.by_model)
    return data | dict(attempt.unknown)


def _failure(fields: Fields) -> Failure:
    return Failure(
        kind=fields.choice("kind", FailureKind),
        final=fields.flag("final"),
        message=fields.text("message"),
    )


def _group(fields: Fields) -> OverlapGroup:
    return OverlapGroup(
        runs=fields.texts("runs"),
        start_s=fields.integer("start_timestamp"),
        end_s=fields.integer("end_timestamp"),
        totals=decode_counts(fields.nested("totals")),
    )
