"""Whatever can't be known makes the tally incomplete, and it says why; nothing is estimated."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable
from typing import Any

import openai
import pytest

from pytest_timestamps.sandbox import Sandbox
from pytest_timestamps.tokens.observed import Tally, attribute_to

HELLO: Any = [{"role": "user", "content": "hello"}]
MODEL = "gpt-4o-mini"
DATED = "gpt-4o-mini-2024-07-18"
Ask = Callable[[openai.OpenAI], object]


def chat(client: openai.OpenAI) -> object:
    """A plain chat completion."""
    return client.chat.completions.create(model=MODEL, messages=HELLO)


def chat_stream(client: openai.OpenAI) -> object:
    """A streamed one, read to its end, without asking for usage."""
    return list(client.chat.completions.create(model=MODEL, messages=HELLO, stream=True))


def response_stream(client: openai.OpenAI) -> object:
    """A streamed response, read to its end."""
    return list(client.responses.create(model=MODEL, input="hi", stream=True))


FAULTS = [
    ("hang", chat, "a try whose answer never arrived: ReadTimeout", 0),
    ("reset", chat, "a try whose answer never arrived: (RemoteProtocolError|ReadError)", 0),
    ("reset", response_stream, "a try whose answer never arrived: (Remote|Read).*Error", 0),
    ("html", chat, "an answer that could not be read: no JSON, but text/html.*", 0),
    ("truncated_json", chat, "an answer that could not be read: no JSON, but application/json", 0),
    ("bad_gateway", chat, "a try that a gateway answered .*: status 502", 0),
    ("no_usage", chat, f"an answer of {DATED} without usage", 1),
    ("no_usage", response_stream, f"a stream of {DATED} without usage; .*", 1),
    ("broken_stream", chat_stream, f"an answer of {DATED} that broke off: RemoteProtocolError", 0),
    ("broken_stream", response_stream, f"an answer of {DATED} that broke off: .*", 0),
]


@pytest.mark.parametrize(("fault", "ask", "reason", "calls"), FAULTS)
def test_fault_makes_the_tally_incomplete(
    fault: str,
    ask: Ask,
    reason: str,
    calls: int,
    client: openai.OpenAI,
    run: Tally,
    sandbox: Sandbox,
) -> None:
    """A lost or unreadable answer is told, and the good call beside it still counts."""
    chat(client)
    good = run.snapshot()
    sandbox.faults.add(fault)
    # Only an answer that never comes is waited for: a busy machine is slow with the others.
    quick = client.with_options(timeout=openai.Timeout(60, read=0.2 if fault == "hang" else 60))
    # Older SDKs let the HTTP library's own errors through.
    with contextlib.suppress(Exception):
        ask(quick)
    usage = run.snapshot()
    assert good.complete
    assert not usage.complete
    assert len(usage.incomplete_reasons) == 1
    assert re.fullmatch(reason, usage.incomplete_reasons[0])
    assert usage.input_tokens == good.input_tokens
    assert usage.calls == 1 + calls


def test_stream_without_usage_names_its_model_and_the_remedy(
    client: openai.OpenAI, run: Tally
) -> None:
    """The model's figure is known to be too low, the others' are not."""
    chat_stream(client)
    client.embeddings.create(model="e", input="x")
    usage = run.snapshot()
    assert usage.incomplete_reasons == (
        f"a stream of {DATED} without usage; "
        "it comes with stream_options={'include_usage': True}",
    )
    assert usage.by_model[DATED].incomplete_reasons == usage.incomplete_reasons
    assert not usage.is_complete_for(DATED)
    assert usage.is_complete_for("e")
    assert usage.calls == 2


def test_stream_closed_early_is_incomplete(client: openai.OpenAI, run: Tally) -> None:
    """A stream that the program leaves has used more than was seen."""
    stream = client.responses.create(model=MODEL, input="hi", stream=True)
    next(iter(stream))
    stream.close()
    reason = f"a stream of {DATED} closed before its usage arrived"
    assert run.snapshot().incomplete_reasons == (reason,)


def test_stream_closed_after_its_usage_is_complete(client: openai.OpenAI, run: Tally) -> None:
    """Once the usage has passed it does not matter how the program leaves."""
    stream = client.responses.create(model=MODEL, input="hi", stream=True)
    for event in stream:
        if event.type == "response.completed":
            break
    stream.close()
    assert run.snapshot().complete
    assert run.snapshot().calls == 1


def test_unread_answer_is_incomplete(client: openai.OpenAI, run: Tally) -> None:
    """An answer that is closed unread was charged for all the same."""
    streaming = client.chat.completions.with_streaming_response
    with streaming.create(model=MODEL, messages=HELLO) as answer:
        assert answer.status_code == 200
    reason = "a stream closed before its usage arrived"
    assert run.snapshot().incomplete_reasons == (reason,)


def test_open_stream_is_incomplete_until_it_is_read(client: openai.OpenAI, run: Tally) -> None:
    """A try under way makes the tally incomplete only as long as it is."""
    stream = client.responses.create(model=MODEL, input="hi", stream=True)
    assert run.snapshot().incomplete_reasons == ("a try that was still waiting for its answer",)
    list(stream)
    assert run.snapshot().complete


def test_cancelled_call_is_incomplete(run: Tally, sandbox: Sandbox) -> None:
    """A task that is cancelled while it waits leaves an unknown number of tokens."""
    sandbox.faults.add("hang")

    async def go() -> None:
        key = sandbox.api_key.value
        async with openai.AsyncOpenAI(base_url=sandbox.base_url, api_key=key) as client:
            asking = asyncio.ensure_future(client.responses.create(model=MODEL, input="hi"))
            while not sandbox.served():
                await asyncio.sleep(0)
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking

    asyncio.run(go())
    reason = "a try whose answer never arrived: CancelledError"
    assert run.snapshot().incomplete_reasons == (reason,)


def test_lost_answer_stays_told_after_a_good_retry(run: Tally, sandbox: Sandbox) -> None:
    """The try that was reset may have been charged, and here it was."""
    sandbox.faults.add("reset")
    with openai.OpenAI(
        base_url=sandbox.base_url, api_key=sandbox.api_key.value, max_retries=1
    ) as client:
        chat(client)
    usage = run.snapshot()
    assert usage.calls == 1
    assert not usage.complete
    assert len(sandbox.served()) == 2


def test_same_reason_is_told_once_with_its_number(client: openai.OpenAI, run: Tally) -> None:
    """Two equal misfortunes are one line."""
    chat_stream(client)
    chat_stream(client)
    (reason,) = run.snapshot().incomplete_reasons
    assert reason.endswith("(2 times)")


def test_other_endpoint_is_named(client: openai.OpenAI, run: Tally, sandbox: Sandbox) -> None:
    """A call whose usage is counted elsewhere is told by its path, unless it was refused."""
    with pytest.raises(openai.NotFoundError):
        client.moderations.create(input="x")
    assert run.snapshot().complete
    sandbox.faults.add("html")
    client.moderations.with_raw_response.create(input="x")
    assert run.snapshot().incomplete_reasons == (
        "a call of an endpoint that is not counted: POST /moderations",
    )


def test_call_with_another_key_is_kept_apart(
    client: openai.OpenAI, run: Tally, sandbox: Sandbox
) -> None:
    """A foreign key's tokens are not the run's, and the tally says that it saw them."""
    other = sandbox.core.accounts.create_key("other")
    chat(client)
    chat(client.with_options(api_key=other.value))
    usage = run.snapshot()
    assert (usage.calls, usage.foreign_key_calls) == (1, 1)
    assert usage.incomplete_reasons == ("a call with another key than the run's",)
    assert other.value not in repr(usage)


def test_refused_call_with_another_key_does_not_matter(client: openai.OpenAI, run: Tally) -> None:
    """A key that does not work has used nothing."""
    with pytest.raises(openai.AuthenticationError):
        chat(client.with_options(api_key="sk-nobody"))
    assert run.snapshot().complete
    assert run.snapshot().foreign_key_calls == 0


def test_run_without_a_key_takes_any(client: openai.OpenAI, tally: Tally) -> None:
    """Where the run's key is unknown every key is taken for it."""
    with attribute_to(tally):
        chat(client)
    assert tally.snapshot().calls == 1
    assert tally.snapshot().complete
