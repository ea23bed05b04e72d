"""A run's file as a whole: names, steps and rules at its top level.

`decode` and `encode` are each other's inverse, and both check the same rules: `encode` decodes
what it is about to return, so nothing is written that a reader would refuse.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final, NoReturn

from pytest_timestamps.errors import RunFieldValueError
from pytest_timestamps.tokens.contract.fields import Fields
from pytest_timestamps.tokens.contract.reconciliation import (
    decode_reconciliation,
    encode_reconciliation,
)
from pytest_timestamps.tokens.contract.usage import decode_observed, encode_observed
from pytest_timestamps.tokens.record import RunRecord, RunState, Status, Step, UsageScope
from pytest_timestamps.tokens.slugs import is_run_id, is_slug, slug_rule
from pytest_timestamps.tokens.usage import TokenCounts
from pytest_timestamps.tokens.window import Window

__all__ = ["SCHEMA_VERSION", "decode", "encode", "parse"]

SCHEMA_VERSION: Final = 1
# 1: the first.

_KNOWN: Final = frozenset(
    [
        "run_id",
        "framework",
        "start_timestamp",
        "end_timestamp",
        "aggregate_metrics",
        "steps",
        "schema_version",
        "state",
        "usage_api_reconciliation",
        "test",
        "worker",
        "usage_scope",
        "observed",
    ]
)
_TOKENS_IN_STEPS: Final = ("tokens_in", "tokens_out", "api_calls", "cached_tokens")


def parse(text: bytes, path: object) -> RunRecord:
    """The run that *text*, the content of the file at *path*, describes.

    Raises a `RunFileError` that names *path*, the field, what was seen and what was expected.
    """

    def refuse_constant(name: str) -> NoReturn:
        raise RunFieldValueError(path, "(the file)", name, "finite numbers")

    try:
        data = json.loads(text.decode("utf-8"), parse_constant=refuse_constant)
    except RecursionError:
        raise RunFieldValueError(
            path, "(the file)", "JSON nested too deeply", "a run's file"
        ) from None
    except ValueError as error:
        if isinstance(error, RunFieldValueError):
            raise
        seen = f"{len(text)} bytes that are no JSON ({error})"
        raise RunFieldValueError(path, "(the file)", seen, "a JSON object in UTF-8") from None
    return decode(data, path)


def decode(data: object, path: object) -> RunRecord:
    """The run that the JSON value *data* describes; raises a `RunFileError` as `parse` does."""
    fields = Fields(data, path)
    run_id = _checked(fields, "run_id", is_run_id, "a UUID")
    framework = _checked(fields, "framework", is_slug, slug_rule)
    window = _window(fields)
    metrics = fields.nested("aggregate_metrics")
    reported = TokenCounts(
        calls=metrics.count("API_CALLS"),
        input_tokens=metrics.count("TOK_IN"),
        output_tokens=metrics.count("TOK_OUT"),
        cached_tokens=metrics.count("CACHED_TOKENS"),
    )
    if reported.cached_tokens > reported.input_tokens:
        raise metrics.bad_value("CACHED_TOKENS", f"at most TOK_IN, {reported.input_tokens}")
    duration_s = metrics.amount("DUR")
    step_count, interventions = metrics.count("UTT"), metrics.count("HIT")
    steps = tuple(_step(step) for step in fields.objects("steps"))
    reconciliation = decode_reconciliation(
        fields.nested("usage_api_reconciliation"), run_end_s=window.end_s
    )
    if "schema_version" in fields and fields.integer("schema_version") < 1:
        raise fields.bad_value("schema_version", "1 or more")
    return RunRecord(
        run_id=run_id,
        framework=framework,
        window=window,
        duration_s=duration_s,
        reported=reported,
        cost_usd=_cost(metrics, reconciliation.status),
        step_count=step_count,
        human_interventions=interventions,
        steps=steps,
        reconciliation=reconciliation,
        state=fields.choice("state", RunState) if "state" in fields else None,
        test=fields.text("test") if "test" in fields else None,
        worker=fields.text("worker") if "worker" in fields else None,
        usage_scope=_usage_scope(fields),
        observed=decode_observed(fields.nested("observed")) if "observed" in fields else None,
        unknown=fields.rest(_KNOWN),
    )


def encode(record: RunRecord, path: object) -> bytes:
    """The content of the file at *path* that describes *record*, checked as on reading.

    Raises a `RunFileError` if no file may say so; nothing has been written then.
    """
    data = _encoded(record)
    decode(data, path)
    # ASCII, because a test's id may hold half a surrogate pair, which UTF-8 can't.
    return (json.dumps(data, indent=1, allow_nan=False) + "\n").encode("ascii")


def _encoded(record: RunRecord) -> dict[str, object]:
    scope, reported = record.usage_scope, record.reported
    return {
        "run_id": record.run_id,
        "framework": record.framework,
        "start_timestamp": record.window.start_s,
        "end_timestamp": record.window.end_s,
        "aggregate_metrics": {
            "TOK_IN": reported.input_tokens,
            "TOK_OUT": reported.output_tokens,
            "API_CALLS": reported.calls,
            "CACHED_TOKENS": reported.cached_tokens,
            "COST_USD": record.cost_usd,
            "DUR": record.duration_s,
            "UTT": record.step_count,
            "HIT": record.human_interventions,
        },
        "steps": [_encoded_step(step) for step in record.steps],
        "usage_api_reconciliation": encode_reconciliation(record.reconciliation),
        "schema_version": SCHEMA_VERSION,
        "state": None if record.state is None else record.state.value,
        "test": record.test,
        "worker": record.worker,
        "usage_scope": {
            "api_key_id": scope.api_key_id,
            "project_id": scope.project_id,
            "minted": scope.minted,
        },
        "observed": None if record.observed is None else encode_observed(record.observed),
        **record.unknown,
    }


def _encoded_step(step: Step) -> dict[str, object]:
    data: dict[str, object] = {
        "step": step.number,
        "duration_seconds": step.duration_s,
        "start_timestamp": step.window.start_s,
        "end_timestamp": step.window.end_s,
        "hitl_count": step.human_interventions,
        "retry_count": step.retries,
        "success": step.success,
    }
    if step.name is not None:
        data["name"] = step.name
    return data


def _step(fields: Fields) -> Step:
    for name in _TOKENS_IN_STEPS:
        if name in fields.rest(()):
            raise fields.bad_value(name, "no tokens in a step: nothing tells whose they are")
    return Step(
        number=fields.count("step"),
        window=_window(fields),
        duration_s=fields.amount("duration_seconds"),
        success=fields.flag("success"),
        retries=fields.count("retry_count"),
        human_interventions=fields.count("hitl_count"),
        name=fields.text("name") if "name" in fields else None,
    )


def _window(fields: Fields) -> Window:
    window = Window(fields.integer("start_timestamp"), fields.integer("end_timestamp"))
    if window.start_s >= window.end_s:
        raise fields.bad_value("end_timestamp", f"a second after the start, {window.start_s}")
    return window


def _cost(metrics: Fields, status: Status) -> float | None:
    if status is Status.VERIFIED and metrics.raw("COST_USD") is None:
        return None
    return metrics.amount("COST_USD")


def _usage_scope(fields: Fields) -> UsageScope:
    if "usage_scope" not in fields:
        return UsageScope()
    scope = fields.nested("usage_scope")
    return UsageScope(
        api_key_id=scope.text("api_key_id") if "api_key_id" in scope else None,
        project_id=scope.text("project_id") if "project_id" in scope else None,
        minted=scope.flag("minted") if "minted" in scope else False,
    )


def _checked(fields: Fields, name: str, is_good: Callable[[str], bool], expected: str) -> str:
    text = fields.text(name)
    if not is_good(text):
        raise fields.bad_value(name, expected)
    return text
