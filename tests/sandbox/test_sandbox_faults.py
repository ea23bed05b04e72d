"""The plan of faults: which request meets which."""

from __future__ import annotations

import pytest

from pytest_timestamps.errors import ArgumentError
from pytest_timestamps.sandbox import FaultKind, FaultPlan


def test_fault_happens_as_often_as_planned() -> None:
    """Two times mean two requests; the third passes."""
    plan = FaultPlan()
    plan.add("html", times=2)
    kinds = [fault and fault.kind for fault in (plan.take("/x") for _ in range(3))]
    assert kinds == [FaultKind.HTML, FaultKind.HTML, None]


def test_fault_hits_matching_paths_only() -> None:
    """The path is a shell pattern, and a request that doesn't match uses nothing up."""
    plan = FaultPlan()
    plan.add("zeros", "*/usage/*")
    assert plan.take("/v1/chat/completions") is None
    assert plan.take("/v1/organization/usage/completions") is not None


def test_fault_can_let_requests_pass_first() -> None:
    """``skip`` counts the matching requests before the fault."""
    plan = FaultPlan()
    plan.add("reset", skip=1)
    assert plan.take("/x") is None
    assert plan.take("/x") is not None


def test_lasting_fault_stays_until_cleared() -> None:
    """``times=None`` hits every request."""
    plan = FaultPlan()
    plan.add("hang", times=None)
    assert all(plan.take("/x") for _ in range(5))
    plan.clear()
    assert plan.take("/x") is None


def test_unknown_fault_is_refused_with_the_known_ones() -> None:
    """The message names what was seen and what is known."""
    with pytest.raises(ArgumentError) as caught:
        FaultPlan().add("gremlin")
    assert str(caught.value) == (
        "the sandbox knows no fault 'gremlin': expected one of rate_limited, server_error, "
        "bad_gateway, unauthorized, forbidden, hang, reset, broken_stream, html, "
        "truncated_json, no_usage, zeros, repeated_cursor"
    )
