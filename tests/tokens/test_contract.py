"""The file contract: what is read is what was written, and nothing else passes."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_timestamps.errors import (
    RunFieldMissing,
    RunFieldTypeError,
    RunFieldValueError,
    RunFileError,
    TimestampsError,
)
from pytest_timestamps.tokens import contract
from pytest_timestamps.tokens.record import (
    Attempt,
    Attribution,
    Failure,
    FailureKind,
    OverlapGroup,
    Reconciliation,
    RunRecord,
    RunState,
    Status,
    Step,
    UsageScope,
)
from pytest_timestamps.tokens.usage import ModelUsage, ObservedUsage, TierUsage, TokenCounts
from pytest_timestamps.tokens.window import Window

PATH = "runs/baes/x/metrics.json"
RUN_ID = "0b0c9a56-7d0e-4a3f-9a53-0c8a3c1f7a10"


def sample() -> dict[str, Any]:
    """A verified run with every required field."""
    return {
        "run_id": RUN_ID,
        "framework": "baes",
        "start_timestamp": 1761523200,
        "end_timestamp": 1761523530,
        "aggregate_metrics": {
            "TOK_IN": 25202,
            "TOK_OUT": 19812,
            "API_CALLS": 15,
            "CACHED_TOKENS": 1280,
            "COST_USD": 0.42,
            "DUR": 330.0,
            "UTT": 1,
            "HIT": 0,
        },
        "steps": [
            {
                "step": 1,
                "duration_seconds": 35.2,
                "start_timestamp": 1761523200,
                "end_timestamp": 1761523236,
                "hitl_count": 0,
                "retry_count": 0,
                "success": True,
            }
        ],
        "usage_api_reconciliation": {
            "verification_status": "verified",
            "attempts": [
                {
                    "timestamp": 1761525000,
                    "total_tokens_in": 25202,
                    "total_tokens_out": 19812,
                    "total_api_calls": 15,
                    "total_cached_tokens": 1280,
                    "status": "pending",
                },
                {
                    "timestamp": 1761527000,
                    "total_tokens_in": 25202,
                    "total_tokens_out": 19812,
                    "total_api_calls": 15,
                    "total_cached_tokens": 1280,
                    "status": "verified",
                },
            ],
            "last_attempt_timestamp": 1761527000,
            "verified_at": 1761527000,
        },
    }


def put(*place: str | int, value: Any) -> Callable[[dict[str, Any]], None]:
    """A change that sets the field at *place*."""

    def change(data: Any) -> None:
        for key in place[:-1]:
            data = data[key]
        data[place[-1]] = value

    return change


def every_field(data: Any, place: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """The places of all object fields in *data*."""
    places: list[tuple[str | int, ...]] = []
    items = data.items() if isinstance(data, dict) else enumerate(data)
    for key, value in items:
        if isinstance(key, str):
            places.append((*place, key))
        if isinstance(value, dict | list):
            places.extend(every_field(value, (*place, key)))
    return places


REQUIRED = every_field(sample())


def test_the_sample_is_read_in_the_words_of_this_project() -> None:
    """A file of another writer with the required fields alone is read whole."""
    record = contract.decode(sample(), PATH)
    assert record.reported == TokenCounts(15, 25202, 19812, 1280)
    assert record.window == Window(1761523200, 1761523530)
    assert record.status is Status.VERIFIED
    assert record.reconciliation.verified_at_s == 1761527000
    assert record.steps[0].duration_s == 35.2
    assert record.observed is None


@pytest.mark.parametrize("place", REQUIRED, ids=lambda place: ".".join(map(str, place)))
def test_a_missing_field_is_a_key_error_that_names_it(place: tuple[str | int, ...]) -> None:
    """Each required field that is absent is named, with the file, as a KeyError."""
    data = sample()
    parent: Any = data
    for key in place[:-1]:
        parent = parent[key]
    del parent[place[-1]]
    with pytest.raises(KeyError) as caught:
        contract.decode(data, PATH)
    assert isinstance(caught.value, RunFieldMissing)
    assert str(caught.value).startswith(f"{PATH}: ")
    assert str(caught.value).endswith(f"{place[-1]}: got nothing, expected the field")


@pytest.mark.parametrize("place", REQUIRED, ids=lambda place: ".".join(map(str, place)))
def test_a_wrong_type_is_a_type_error_that_names_it(place: tuple[str | int, ...]) -> None:
    """Each required field refuses every JSON type but its own, without coercion."""
    seen: Any = sample()
    for key in place:
        seen = seen[key]
    wrong: list[Any] = [None, True, 7, 1.0, "7", [], {}]
    for value in wrong:
        if type(value) is type(seen) or (isinstance(seen, float) and value == 7):
            continue
        data = sample()
        put(*place, value=value)(data)
        if place == ("usage_api_reconciliation", "verified_at") and value is None:
            expected: type[Exception] = ValueError
        elif place == ("usage_api_reconciliation", "last_attempt_timestamp") and value is None:
            expected = ValueError
        elif place == ("aggregate_metrics", "COST_USD") and value is None:
            continue
        else:
            expected = TypeError
        with pytest.raises(expected) as caught:
            contract.decode(data, PATH)
        assert isinstance(caught.value, RunFileError)
        assert str(place[-1]) in str(caught.value)
        assert PATH in str(caught.value)


RECONCILIATION = "usage_api_reconciliation"
IMPOSSIBLE = {
    "negative input": put("aggregate_metrics", "TOK_IN", value=-1),
    "negative cost": put("aggregate_metrics", "COST_USD", value=-0.01),
    "negative duration": put("aggregate_metrics", "DUR", value=-1.0),
    "negative step duration": put("steps", 0, "duration_seconds", value=-1),
    "negative step retries": put("steps", 0, "retry_count", value=-1),
    "negative attempt": put(RECONCILIATION, "attempts", 0, "total_tokens_out", value=-1),
    "infinite cost": put("aggregate_metrics", "COST_USD", value=float("inf")),
    "huge duration": put("aggregate_metrics", "DUR", value=10**400),
    "empty window": put("end_timestamp", value=1761523200),
    "backward window": put("end_timestamp", value=1761523199),
    "empty step": put("steps", 0, "end_timestamp", value=1761523200),
    "attempts going back": put(RECONCILIATION, "attempts", 0, "timestamp", value=1761527001),
    "attempt at the end": put(RECONCILIATION, "attempts", 0, "timestamp", value=1761523530),
    "last attempt's status": put(RECONCILIATION, "attempts", 1, "status", value="pending"),
    "unknown status": put(RECONCILIATION, "attempts", 0, "status", value="maybe"),
    "cached above input": put("aggregate_metrics", "CACHED_TOKENS", value=25203),
    "attempt's cached above input": put(
        RECONCILIATION, "attempts", 0, "total_cached_tokens", value=25203
    ),
    "wrong last attempt time": put(RECONCILIATION, "last_attempt_timestamp", value=1761525000),
    "not a UUID": put("run_id", value="run-1"),
    "not a slug": put("framework", value="../../etc"),
    "tokens in a step": put("steps", 0, "tokens_in", value=0),
    "output tokens in a step": put("steps", 0, "tokens_out", value=None),
    "calls in a step": put("steps", 0, "api_calls", value=3),
    "cached tokens in a step": put("steps", 0, "cached_tokens", value=3),
}


@pytest.mark.parametrize("change", IMPOSSIBLE.values(), ids=IMPOSSIBLE.keys())
def test_an_impossible_value_is_a_value_error(change: Callable[[dict[str, Any]], None]) -> None:
    """Each rule about values and between fields is a ValueError under the project's own base."""
    data = sample()
    change(data)
    with pytest.raises(ValueError, match="expected") as caught:
        contract.decode(data, PATH)
    assert isinstance(caught.value, RunFieldValueError)
    assert isinstance(caught.value, TimestampsError)


@pytest.mark.parametrize("status", ["verified", "failed", "data_not_available"])
def test_a_status_needs_an_attempt(status: str) -> None:
    """Without an attempt a run is pending and nothing else."""
    data = sample()
    data[RECONCILIATION] |= {
        "verification_status": status,
        "attempts": [],
        "last_attempt_timestamp": None,
        "verified_at": None,
    }
    with pytest.raises(ValueError, match=f"got '{status}', expected 'pending', as there is no"):
        contract.decode(data, PATH)
    data[RECONCILIATION]["verification_status"] = "pending"
    assert contract.decode(data, PATH).status is Status.PENDING


def test_only_a_verified_run_may_have_an_unknown_cost() -> None:
    """A null cost means a model without a price, which is known only after verification."""
    data = sample()
    data["aggregate_metrics"]["COST_USD"] = None
    assert contract.decode(data, PATH).cost_usd is None
    data[RECONCILIATION]["verification_status"] = "failed"
    data[RECONCILIATION]["verified_at"] = None
    data[RECONCILIATION]["attempts"][1]["status"] = "failed"
    with pytest.raises(TypeError, match=r"aggregate_metrics\.COST_USD: got null"):
        contract.decode(data, PATH)


def test_an_error_names_file_field_seen_and_expected() -> None:
    """The message has all that is needed to find the fault."""
    data = sample()
    data["steps"][0]["success"] = 1
    with pytest.raises(RunFieldTypeError) as caught:
        contract.decode(data, PATH)
    assert str(caught.value) == (
        f"{PATH}: steps[0].success: got an integer (1), expected a boolean"
    )
    error = caught.value
    assert (error.path, error.field) == (PATH, "steps[0].success")


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        (b"", "0 bytes that are no JSON"),
        (b"\xff{}", "3 bytes that are no JSON"),
        (b'{"run_id": NaN}', "got NaN"),
        (b"[" * 100_000, "expected a"),
        (b"[]", "got an array of 0, expected an object"),
        (json.dumps(sample()).encode()[:300], "300 bytes that are no JSON"),
    ],
)
def test_what_is_no_json_object_is_refused(text: bytes, seen: str) -> None:
    """A torn, empty, binary or endless file is one clear error and never a traceback."""
    with pytest.raises(RunFileError, match=seen):
        contract.parse(text, PATH)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("state", "asleep"),
        ("test", 3),
        ("worker", []),
        ("usage_scope", {"minted": 1}),
        ("usage_scope", "key_123"),
        ("schema_version", 0),
        ("observed", {"calls": 1}),
        ("observed", {"calls": True}),
    ],
)
def test_extensions_are_optional_but_not_arbitrary(name: str, value: object) -> None:
    """An extension may be absent or null; if it is there it is checked like the rest."""
    data = sample()
    data[name] = None
    contract.decode(data, PATH)
    data[name] = value
    with pytest.raises(RunFileError, match=name):
        contract.decode(data, PATH)


def test_unknown_fields_survive_a_rewrite() -> None:
    """What a later version, or another tool, wrote into the file is neither read nor lost."""
    data = sample()
    data["later"] = {"x": [1]}
    data[RECONCILIATION]["later"] = 2
    data[RECONCILIATION]["attempts"][0]["later"] = 3
    again = json.loads(contract.encode(contract.decode(data, PATH), PATH))
    assert again["later"] == {"x": [1]}
    assert again[RECONCILIATION]["later"] == 2
    assert again[RECONCILIATION]["attempts"][0]["later"] == 3


def test_nothing_invalid_can_be_encoded() -> None:
    """Encoding checks what it is about to return by the reader's own rules."""
    record = contract.decode(sample(), PATH)
    bad = RunRecord(**{**_fields_of(record), "duration_s": float("nan")})
    with pytest.raises(RunFieldValueError, match=r"aggregate_metrics\.DUR: got nan"):
        contract.encode(bad, PATH)


def _fields_of(record: RunRecord) -> dict[str, Any]:
    return {name: copy.copy(getattr(record, name)) for name in RunRecord.__slots__}


# Whole records, drawn by hypothesis.

numbers = st.integers(0, 10**12)
texts = st.text(max_size=30)


@st.composite
def counts(draw: st.DrawFn) -> TokenCounts:
    """Four counters with cached input within the input."""
    cached = draw(numbers)
    return TokenCounts(draw(numbers), cached + draw(numbers), draw(numbers), cached)


@st.composite
def tiers(draw: st.DrawFn) -> TierUsage:
    """Usage at one service tier."""
    c = draw(counts())
    return TierUsage(
        c.calls,
        c.input_tokens,
        c.output_tokens,
        c.cached_tokens,
        cache_write_tokens=draw(numbers),
        reasoning_tokens=draw(numbers),
    )


models = st.dictionaries(
    texts,
    st.builds(
        ModelUsage.of_tiers,
        st.dictionaries(texts, tiers(), max_size=2),
        st.lists(texts, max_size=2).map(tuple),
    ),
    max_size=2,
)


@st.composite
def windows(draw: st.DrawFn) -> Window:
    """A window of at least a second."""
    start = draw(st.integers(0, 2 * 10**9))
    return Window(start, start + draw(st.integers(1, 10**6)))


@st.composite
def observations(draw: st.DrawFn) -> ObservedUsage:
    """What was observed of a run."""
    c = draw(counts())
    return ObservedUsage(
        c.calls,
        c.input_tokens,
        c.output_tokens,
        c.cached_tokens,
        complete=draw(st.booleans()),
        incomplete_reasons=tuple(draw(st.lists(texts, max_size=2))),
        foreign_key_calls=draw(numbers),
        replayed=draw(numbers),
        by_model=draw(models),
    )


@st.composite
def reconciliations(draw: st.DrawFn, run_end_s: int) -> Reconciliation:
    """Any reconciliation that the rules between fields allow."""
    times = sorted(draw(st.lists(st.integers(run_end_s + 1, run_end_s + 10**5), max_size=3)))
    attempts = tuple(
        Attempt(
            timestamp_s=time,
            counts=draw(counts()),
            status=draw(st.sampled_from(Status)),
            counted=draw(st.none() | st.booleans()),
            scope=draw(st.none() | st.just({"lag_s": 300, "endpoints": ["completions"]})),
            error=draw(st.none() | texts),
            group_totals=draw(st.none() | counts()),
            by_model=draw(st.none() | models),
        )
        for time in times
    )
    status = attempts[-1].status if attempts else Status.PENDING
    group = st.builds(
        OverlapGroup,
        runs=st.lists(texts, max_size=2).map(tuple),
        start_s=numbers,
        end_s=numbers,
        totals=counts(),
    )
    failure = st.builds(
        Failure, kind=st.sampled_from(FailureKind), final=st.booleans(), message=texts
    )
    return Reconciliation(
        status=status,
        attempts=attempts,
        verified_at_s=times[-1] if status is Status.VERIFIED else None,
        attribution=draw(st.none() | st.sampled_from(Attribution)),
        failure=draw(st.none() | failure),
        group=draw(st.none() | group),
        by_model=draw(models),
    )


@st.composite
def records(draw: st.DrawFn) -> RunRecord:
    """Any run that a file can describe."""
    window = draw(windows())
    steps = draw(
        st.lists(
            st.builds(
                Step,
                number=numbers,
                window=windows(),
                duration_s=st.floats(0, 1e9),
                success=st.booleans(),
                retries=numbers,
                human_interventions=numbers,
                name=st.none() | texts,
            ),
            max_size=2,
        )
    )
    return RunRecord(
        run_id=str(draw(st.uuids())),
        framework=draw(st.sampled_from(["default", "baes", "a-b_9"])),
        window=window,
        duration_s=draw(st.floats(0, 1e9)),
        reported=draw(counts()),
        cost_usd=draw(st.floats(0, 1e6)),
        step_count=draw(numbers),
        human_interventions=draw(numbers),
        steps=tuple(steps),
        reconciliation=draw(reconciliations(window.end_s)),
        state=draw(st.sampled_from(RunState)),
        test=draw(st.none() | texts),
        worker=draw(st.none() | st.just("gw0")),
        usage_scope=UsageScope(draw(st.none() | texts), draw(st.none() | texts), False),
        observed=draw(st.none() | observations()),
    )


@given(records())
def test_what_is_written_is_what_is_read(record: RunRecord) -> None:
    """Any record goes through its file unchanged."""
    assert contract.parse(contract.encode(record, PATH), PATH) == record


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(REQUIRED), JSON)
def test_whatever_stands_in_a_field_is_accepted_whole_or_refused_by_name(
    place: tuple[str | int, ...], value: object
) -> None:
    """No value makes the reader fail in any way but with the contract's own error."""
    data = sample()
    put(*place, value=value)(data)
    try:
        record = contract.decode(data, PATH)
    except RunFileError:
        return
    assert contract.parse(contract.encode(record, PATH), PATH) == record
