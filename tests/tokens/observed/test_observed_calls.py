"""Every way of calling a model through the SDK is counted as the sandbox charged it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import openai
import pydantic
import pytest

from pytest_timestamps.sandbox import Sandbox, ServedTotals
from pytest_timestamps.tokens.observed import Tally
from pytest_timestamps.tokens.usage import TokenCounts

HELLO: Any = [{"role": "user", "content": "hello"}]
USAGE: Any = {"include_usage": True}
MODEL = "gpt-4o-mini"
TOOL: Any = {
    "type": "function",
    "function": {"name": "look", "parameters": {"type": "object", "properties": {}}},
}


class Sight(pydantic.BaseModel):
    """What a structured answer holds."""

    colour: str
    count: int


def assert_counted_like_the_books(tally: Tally, sandbox: Sandbox, calls: int) -> None:
    """The tally has exactly what was charged: in all, per model and per tier."""
    usage = tally.snapshot()
    served = sandbox.served()
    assert usage.incomplete_reasons == ()
    assert usage.complete
    assert _counts(ServedTotals.of(served)) == usage.counts
    assert usage.calls == calls
    for model in {call.model for call in served}:
        of_model = [call for call in served if call.model == model]
        assert usage.by_model[model].counts == _counts(ServedTotals.of(of_model))
        assert usage.by_model[model].reasoning_tokens == sum(c.reasoning_tokens for c in of_model)
    assert usage.by_model.keys() == {call.model for call in served}


def _counts(totals: ServedTotals) -> TokenCounts:
    return TokenCounts(
        totals.calls, totals.input_tokens, totals.output_tokens, totals.cached_tokens
    )


def chat(client: openai.OpenAI) -> None:
    """A plain chat completion."""
    client.chat.completions.create(model=MODEL, messages=HELLO)


def chat_stream(client: openai.OpenAI) -> None:
    """A streamed one that asks for its usage."""
    made = client.chat.completions.create(
        model=MODEL, messages=HELLO, stream=True, stream_options=USAGE
    )
    assert [chunk.usage for chunk in made][-1] is not None


def chat_stream_helper(client: openai.OpenAI) -> None:
    """The helper for streams; older versions keep it under ``beta``."""
    completions: Any = client.chat.completions
    if not hasattr(completions, "stream"):
        completions = client.beta.chat.completions
    with completions.stream(model=MODEL, messages=HELLO, stream_options=USAGE) as stream:
        assert stream.get_final_completion().usage is not None


def chat_parse(client: openai.OpenAI) -> None:
    """A structured answer."""
    parsed = client.beta.chat.completions.parse(model=MODEL, messages=HELLO, response_format=Sight)
    assert parsed.choices[0].message.parsed is not None


def chat_raw(client: openai.OpenAI) -> None:
    """The raw answer, parsed by hand."""
    raw = client.chat.completions.with_raw_response.create(model=MODEL, messages=HELLO)
    assert raw.parse().usage is not None


def chat_streaming_response(client: openai.OpenAI) -> None:
    """The answer read piece by piece."""
    streaming = client.chat.completions.with_streaming_response
    with streaming.create(model=MODEL, messages=HELLO) as answer:
        assert b"usage" in b"".join(answer.iter_bytes())


def chat_streaming_response_lines(client: openai.OpenAI) -> None:
    """The lines of a streamed answer."""
    streaming = client.chat.completions.with_streaming_response
    asked: Any = {"model": MODEL, "messages": HELLO, "stream": True, "stream_options": USAGE}
    with streaming.create(**asked) as answer:
        assert "data: [DONE]" in list(answer.iter_lines())


def tool_loop(client: openai.OpenAI) -> None:
    """Two calls: the model wants a tool, and gets its result."""
    messages: list[Any] = list(HELLO)
    first = client.chat.completions.create(model=MODEL, messages=messages, tools=[TOOL])
    asked = first.choices[0].message
    assert asked.tool_calls
    messages += [
        {"role": "assistant", "tool_calls": [call.to_dict() for call in asked.tool_calls]},
        {"role": "tool", "tool_call_id": asked.tool_calls[0].id, "content": "seen"},
    ]
    second = client.chat.completions.create(model=MODEL, messages=messages, tools=[TOOL])
    assert second.choices[0].message.content


def response(client: openai.OpenAI) -> None:
    """A plain response of a reasoning model."""
    client.responses.create(model="o4-mini", input="hello")


def response_stream(client: openai.OpenAI) -> None:
    """A streamed response."""
    events = list(client.responses.create(model=MODEL, input="hello", stream=True))
    assert events[-1].type == "response.completed"


def response_stream_helper(client: openai.OpenAI) -> None:
    """The helper for response streams."""
    made: Any = client.responses
    if not hasattr(made, "stream"):
        pytest.skip(f"openai {openai.__version__} has no helper for response streams")
    with made.stream(model=MODEL, input="hello") as stream:
        assert stream.get_final_response().usage is not None


def response_parse(client: openai.OpenAI) -> None:
    """A structured response."""
    made: Any = client.responses
    if not hasattr(made, "parse"):
        pytest.skip(f"openai {openai.__version__} can't parse responses")
    assert made.parse(model=MODEL, input="hello", text_format=Sight).output_parsed is not None


def cached_and_tiered(client: openai.OpenAI) -> None:
    """A call with cached input at another service tier."""
    use = {"input_tokens": 2000, "output_tokens": 7, "cached_tokens": 1024}
    client.chat.completions.create(
        model=MODEL,
        messages=HELLO,
        service_tier="default",
        extra_headers={"X-Sandbox-Usage": json.dumps(use)},
    )


def embeddings(client: openai.OpenAI) -> None:
    """Vectors, asked for in the SDK's way."""
    assert client.embeddings.create(model="text-embedding-3-small", input=["a", "bb"]).data


SYNC_CALLS: dict[Callable[[openai.OpenAI], None], int] = {
    chat: 1,
    chat_stream: 1,
    chat_stream_helper: 1,
    chat_parse: 1,
    chat_raw: 1,
    chat_streaming_response: 1,
    chat_streaming_response_lines: 1,
    tool_loop: 2,
    response: 1,
    response_stream: 1,
    response_stream_helper: 1,
    response_parse: 1,
    cached_and_tiered: 1,
    embeddings: 1,
}


@pytest.mark.parametrize(
    ("call", "calls"), SYNC_CALLS.items(), ids=lambda v: getattr(v, "__name__", v)
)
def test_sync_call_is_counted(
    call: Callable[[openai.OpenAI], None],
    calls: int,
    client: openai.OpenAI,
    run: Tally,
    sandbox: Sandbox,
) -> None:
    """What the sandbox charged for a sync call is what the tally has."""
    call(client)
    assert_counted_like_the_books(run, sandbox, calls)


async def async_chat(client: openai.AsyncOpenAI) -> None:
    """A plain chat completion."""
    await client.chat.completions.create(model=MODEL, messages=HELLO)


async def async_chat_stream(client: openai.AsyncOpenAI) -> None:
    """A streamed one that asks for its usage."""
    made = await client.chat.completions.create(
        model=MODEL, messages=HELLO, stream=True, stream_options=USAGE
    )
    assert [chunk.usage async for chunk in made][-1] is not None


async def async_chat_raw(client: openai.AsyncOpenAI) -> None:
    """The raw answer, parsed by hand."""
    raw = await client.chat.completions.with_raw_response.create(model=MODEL, messages=HELLO)
    assert raw.parse().usage is not None


async def async_streaming_response(client: openai.AsyncOpenAI) -> None:
    """The answer read in one go from an open response."""
    streaming = client.chat.completions.with_streaming_response
    async with streaming.create(model=MODEL, messages=HELLO) as answer:
        assert b"usage" in await answer.read()


async def async_response_stream(client: openai.AsyncOpenAI) -> None:
    """A streamed response."""
    stream = await client.responses.create(model=MODEL, input="hello", stream=True)
    assert [event.type async for event in stream][-1] == "response.completed"


async def async_embeddings(client: openai.AsyncOpenAI) -> None:
    """Vectors."""
    await client.embeddings.create(model="text-embedding-3-small", input="a")


ASYNC_CALLS = [
    async_chat,
    async_chat_stream,
    async_chat_raw,
    async_streaming_response,
    async_response_stream,
    async_embeddings,
]


@pytest.mark.parametrize("call", ASYNC_CALLS, ids=lambda call: call.__name__)
def test_async_call_is_counted(
    call: Callable[[openai.AsyncOpenAI], Awaitable[None]], run: Tally, sandbox: Sandbox
) -> None:
    """What the sandbox charged for an async call is what the tally has."""

    async def go() -> None:
        key = sandbox.api_key.value
        async with openai.AsyncOpenAI(
            base_url=sandbox.base_url, api_key=key, max_retries=0
        ) as client:
            await call(client)

    asyncio.run(go())
    assert_counted_like_the_books(run, sandbox, 1)


@pytest.mark.parametrize("style", ["deployment", "bearer"])
def test_azure_client_is_counted(style: str, run: Tally, sandbox: Sandbox) -> None:
    """Azure's own key header and paths are understood."""
    key = sandbox.api_key.value
    auth: Any = {"api_key": key} if style == "deployment" else {"azure_ad_token": key}
    with openai.AzureOpenAI(
        azure_endpoint=sandbox.root_url, api_version="2024-10-21", max_retries=0, **auth
    ) as client:
        client.chat.completions.create(model=MODEL, messages=HELLO)
    assert_counted_like_the_books(run, sandbox, 1)


def test_client_subclass_with_its_own_headers_is_counted(run: Tally, sandbox: Sandbox) -> None:
    """The SDK is known by its place on the stack, whatever a request says of itself."""

    class HouseClient(openai.OpenAI):
        """A client that names itself differently."""

    with HouseClient(
        base_url=sandbox.base_url,
        api_key=sandbox.api_key.value,
        default_headers={"User-Agent": "house/1", "X-Stainless-Lang": "none"},
    ) as client:
        chat(client)
    assert_counted_like_the_books(run, sandbox, 1)


def test_service_tier_is_kept(client: openai.OpenAI, run: Tally) -> None:
    """Calls of one model at two tiers stay apart below it, and add up in it."""
    for tier in ("flex", "priority", "flex"):
        extra: Any = {"service_tier": tier}
        client.chat.completions.create(model=MODEL, messages=HELLO, extra_body=extra)
    (usage,) = run.snapshot().by_model.values()
    assert {tier: part.calls for tier, part in usage.by_tier.items()} == {"flex": 2, "priority": 1}
    assert usage.calls == 3


def test_refused_try_and_its_retry_are_one_call(sandbox: Sandbox, run: Tally) -> None:
    """The SDK's retry after a 429 and a 500 succeeds: the refusals were never charged."""
    sandbox.faults.add("rate_limited", retry_after_s=0.001)
    sandbox.faults.add("server_error")
    with openai.OpenAI(
        base_url=sandbox.base_url, api_key=sandbox.api_key.value, max_retries=2
    ) as client:
        chat(client)
    assert_counted_like_the_books(run, sandbox, 1)


def test_unreachable_server_was_never_charged(run: Tally, sandbox: Sandbox) -> None:
    """A connection that was never made leaves nothing unknown."""
    nobody = "http://127.0.0.1:1/v1"
    with (
        openai.OpenAI(base_url=nobody, api_key=sandbox.api_key.value, max_retries=0) as client,
        pytest.raises(openai.APIConnectionError),
    ):
        chat(client)
    assert run.snapshot().complete
    assert run.snapshot().calls == 0
