"""Token runs as their files have them: verified, observed, and not yet known."""

from typing import Any

__all__ = ["OBSERVED", "PENDING", "VERIFIED", "run_entry"]


def run_entry(run_id: str, **more: Any) -> dict[str, Any]:
    """A run that has just begun; ``more`` replaces whole keys."""
    entry: dict[str, Any] = {
        "run_id": run_id,
        "framework": "baes",
        "start_timestamp": 1_761_523_200,
        "end_timestamp": 1_761_523_530,
        "aggregate_metrics": {
            "TOK_IN": 0, "TOK_OUT": 0, "API_CALLS": 0, "CACHED_TOKENS": 0,
            "COST_USD": 0.0, "DUR": 330.0, "UTT": 0, "HIT": 0,
        },
        "steps": [],
        "usage_api_reconciliation": {
            "verification_status": "pending",
            "attempts": [],
            "last_attempt_timestamp": None,
            "verified_at": None,
        },
    }  # fmt: skip
    return {**entry, **more}


VERIFIED = run_entry(
    "run-a",
    test="tests/test_a.py::test_a",
    aggregate_metrics={
        "TOK_IN": 25_202, "TOK_OUT": 19_812, "API_CALLS": 15, "CACHED_TOKENS": 1_280,
        "COST_USD": 0.42, "DUR": 330.0, "UTT": 0, "HIT": 0,
    },
    usage_api_reconciliation={
        "verification_status": "verified", "attribution": "exclusive", "attempts": [],
    },
)  # fmt: skip
OBSERVED = run_entry(
    "run-b",
    observed={
        "calls": 2, "input_tokens": 100, "output_tokens": 50, "cached_tokens": 0,
        "complete": True,
    },
)  # fmt: skip
PENDING = run_entry("run-c")
