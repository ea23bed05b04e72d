"""The pure parts: answers, events, endpoints, keys, counting."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_timestamps.tokens.observed.answers import EventStreamReader, observe_body
from pytest_timestamps.tokens.observed.counting import UsageCount
from pytest_timestamps.tokens.observed.endpoints import (
    Charge,
    charge_of,
    endpoint_name,
    presented_key,
)
from pytest_timestamps.tokens.observed.keyprint import KeyPrint
from pytest_timestamps.tokens.observed.observation import Kind, Observation

CHAT_USAGE = {
    "prompt_tokens": 100,
    "completion_tokens": 20,
    "prompt_tokens_details": {"cached_tokens": 30, "cache_write_tokens": 5},
    "completion_tokens_details": {"reasoning_tokens": 8},
}
RESPONSE_USAGE = {
    "input_tokens": 100,
    "output_tokens": 20,
    "input_tokens_details": {"cached_tokens": 30, "cache_write_tokens": 5},
    "output_tokens_details": {"reasoning_tokens": 8},
}
COUNTERS = (100, 20, 30, 5, 8)
ABANDONED = Observation(Kind.ABANDONED)


def counters(seen: Observation) -> tuple[int, ...]:
    """The five counters."""
    return (
        seen.input_tokens,
        seen.output_tokens,
        seen.cached_tokens,
        seen.cache_write_tokens,
        seen.reasoning_tokens,
    )


def body(**fields: Any) -> bytes:
    """A JSON answer."""
    return json.dumps({"model": "m", **fields}).encode()


@pytest.mark.parametrize("usage", [CHAT_USAGE, RESPONSE_USAGE])
def test_both_namings_of_usage_are_read(usage: dict[str, Any]) -> None:
    """Chat and responses name the same five counters differently."""
    seen = observe_body(body(usage=usage, service_tier="flex"), "application/json")
    assert (seen.kind, seen.model, seen.service_tier) == (Kind.COUNTED, "m", "flex")
    assert counters(seen) == COUNTERS


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {},
        {"prompt_tokens": None, "completion_tokens": 1},
        {"prompt_tokens": -1, "completion_tokens": 1},
        {"prompt_tokens": True, "completion_tokens": 1},
        {"prompt_tokens": 1.0, "completion_tokens": 1},
        {"prompt_tokens": 1, "completion_tokens": "1"},
    ],
)
def test_unsound_usage_is_no_usage(usage: Any) -> None:
    """A counter that is missing or no natural number is not guessed at."""
    assert observe_body(body(usage=usage), "application/json").kind is Kind.NO_USAGE


def test_missing_details_are_zero() -> None:
    """Older answers and other providers have no details; embeddings have no output."""
    seen = observe_body(body(usage={"prompt_tokens": 7, "total_tokens": 7}), "application/json")
    assert counters(seen) == (7, 0, 0, 0, 0)


@pytest.mark.parametrize(("text", "said"), [(b"<html>", "text/html"), (b"[1]", "no object")])
def test_other_answers_are_unreadable(text: bytes, said: str) -> None:
    """What was there instead is told."""
    seen = observe_body(text, "text/html")
    assert seen.kind is Kind.UNREADABLE
    assert said in seen.detail


def events(*data: Any, done: bool = False, newline: str = "\n") -> bytes:
    """A stream of events."""
    lines = [f"event: x{newline}data: {json.dumps(item)}{newline}{newline}" for item in data]
    return ("".join(lines) + (f"data: [DONE]{newline}" if done else "")).encode()


CHUNK = {"model": "m", "service_tier": "flex", "choices": [{"delta": {}}], "usage": None}
LAST_CHUNK = {"model": "m", "choices": [], "usage": CHAT_USAGE}
STREAMS = [
    events(CHUNK, CHUNK, LAST_CHUNK, done=True),
    events(CHUNK, LAST_CHUNK, done=True, newline="\r\n"),
    events(
        {"type": "response.created", "response": {"model": "m", "service_tier": "flex"}},
        {"type": "response.output_text.delta", "delta": 'say "usage" and "error"'},
        {"type": "response.completed", "response": {"model": "m", "usage": RESPONSE_USAGE}},
    ),
]


@given(st.sampled_from(STREAMS), st.data())
def test_stream_cut_anywhere_tells_the_same(stream: bytes, data: st.DataObject) -> None:
    """Chunks end where the network pleases, in the middle of a line or a character."""
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=8))
    edges = [0, *sorted(cuts), len(stream)]
    reader = EventStreamReader()
    for start, end in itertools.pairwise(edges):
        reader.feed(stream[start:end])
    seen = reader.observation(ABANDONED)
    assert (seen.kind, seen.model, seen.service_tier) == (Kind.COUNTED, "m", "flex")
    assert counters(seen) == COUNTERS


@given(st.sampled_from(STREAMS), st.data())
def test_stream_left_early_never_counts_too_little(stream: bytes, data: st.DataObject) -> None:
    """Before the final usage has passed a stream is abandoned, whatever came before."""
    reader = EventStreamReader()
    reader.feed(stream[: data.draw(st.integers(0, stream.index(b"tokens_details")))])
    assert reader.observation(ABANDONED).kind is Kind.ABANDONED


def test_running_usage_is_not_final() -> None:
    """Some servers send the usage so far with every chunk: only the last one counts."""
    so_far = CHUNK | {"usage": CHAT_USAGE | {"completion_tokens": 1}}
    reader = EventStreamReader()
    reader.feed(events(so_far))
    assert reader.observation(ABANDONED).kind is Kind.ABANDONED
    reader.feed(events(CHUNK | {"usage": CHAT_USAGE}, done=True))
    assert counters(reader.observation(ABANDONED)) == COUNTERS


def test_chat_stream_is_final_with_its_usage() -> None:
    """The chunk without choices is the last: a program may leave before the end mark."""
    reader = EventStreamReader()
    reader.feed(events(CHUNK, LAST_CHUNK))
    assert reader.is_final
    assert reader.observation(ABANDONED).kind is Kind.COUNTED


def test_error_in_a_stream_is_told() -> None:
    """A stream that reports an error used an unknown number of tokens."""
    reader = EventStreamReader()
    reader.feed(events(CHUNK, {"error": {"message": "overloaded"}}))
    assert reader.ended() == Observation(
        Kind.BROKEN, "m", detail="the provider reported an error in the stream"
    )


@pytest.mark.parametrize(
    ("method", "path", "charge"),
    [
        ("POST", "/v1/chat/completions", Charge.COUNTED),
        ("POST", "/openai/deployments/mini/chat/completions", Charge.COUNTED),
        ("POST", "/proxy/team/v1/responses", Charge.COUNTED),
        ("POST", "/v1/responses/compact", Charge.COUNTED),
        ("POST", "/v1/embeddings", Charge.COUNTED),
        ("POST", "/v1/completions", Charge.COUNTED),
        ("GET", "/v1/responses/resp_1", Charge.LOOKED_AT),
        ("GET", "/v1/models", Charge.NONE),
        ("DELETE", "/v1/responses/resp_1", Charge.NONE),
        ("POST", "/v1/responses/resp_1/cancel", Charge.NONE),
        ("POST", "/v1/responses/input_tokens", Charge.NONE),
        ("POST", "/v1/files", Charge.NONE),
        ("POST", "/v1/organization/projects/p/service_accounts", Charge.NONE),
        ("POST", "/v1/images/generations", Charge.ELSEWHERE),
        ("POST", "/v1/audio/speech", Charge.ELSEWHERE),
        ("POST", "/v1/threads/thread_1/runs", Charge.ELSEWHERE),
        ("POST", "/v1/batches", Charge.ELSEWHERE),
    ],
)
def test_endpoint_is_known_by_its_path(method: str, path: str, charge: Charge) -> None:
    """Below any root; what is not known to be free is charged for."""
    assert charge_of(method, path) is charge


def test_endpoint_name_hides_roots_and_ids() -> None:
    """The reason for an incomplete tally names the endpoint, not the one object."""
    assert endpoint_name("POST", "/v1/threads/thread_a1B2/runs") == "POST /threads/{id}/runs"
    assert endpoint_name("POST", "/x/openai/deployments/d/audio/speech") == "POST /audio/speech"


def test_key_is_found_in_either_header() -> None:
    """A bearer token, Azure's header, or none."""
    assert presented_key({"authorization": "Bearer sk-1"}) == "sk-1"
    assert presented_key({"api-key": "sk-2"}) == "sk-2"
    assert presented_key({}) is None


def test_key_print_tells_keys_apart_and_holds_neither() -> None:
    """Also after its way through an environment variable."""
    made = KeyPrint.of("sk-secret")
    text = made.to_text()
    again = KeyPrint.from_text(text)
    assert made.matches("sk-secret")
    assert again.matches("sk-secret")
    assert not again.matches("sk-other")
    assert "sk-secret" not in text + repr(made)
    assert KeyPrint.of("sk-secret").to_text() != text


def test_background_response_counts_when_it_is_fetched() -> None:
    """Until then it makes the tally incomplete; looking twice counts once."""
    count = UsageCount()
    waiting = observe_body(body(id="resp_1", status="queued", usage=None), "application/json")
    done = observe_body(body(id="resp_1", usage=RESPONSE_USAGE), "application/json")
    count.begin(1)
    count.settle(1, waiting)
    reason = "a background response of m whose usage was never fetched"
    assert count.usage().incomplete_reasons == (reason,)
    for try_id in (2, 3):
        count.begin(try_id)
        count.look_again(try_id, done)
    assert count.usage().complete
    assert count.usage().calls == 1


def test_second_look_at_a_counted_response_counts_nothing() -> None:
    """Fetching a response again is no call to the model."""
    count = UsageCount()
    done = observe_body(body(id="resp_1", usage=RESPONSE_USAGE), "application/json")
    count.settle(1, done)
    count.look_again(2, done)
    assert count.usage().calls == 1


def test_observation_survives_its_json_form() -> None:
    """What a child writes is what its parent reads."""
    seen = observe_body(body(id="resp_1", usage=CHAT_USAGE), "application/json")
    assert Observation.from_json(json.loads(json.dumps(seen.to_json()))) == seen
