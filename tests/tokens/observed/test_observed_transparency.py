"""The program gets what it would have got, when it would have got it."""

from __future__ import annotations

import asyncio
import http.server
import inspect
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

import openai
import pytest

from pytest_timestamps.sandbox import Sandbox
from pytest_timestamps.tokens import observed
from pytest_timestamps.tokens.observed import Tally, attribute_to

HELLO: Any = [{"role": "user", "content": "hello"}]


def test_everything_is_as_before_after_deactivation(http_library: Any) -> None:
    """The replaced methods are the very objects that they were."""
    observed.deactivate()
    before = [http_library.Client.send, http_library.AsyncClient.send, threading.Thread.start]
    before.append(ThreadPoolExecutor.submit)
    finders = list(sys.meta_path)
    observed.activate()
    during = [http_library.Client.send, http_library.AsyncClient.send, threading.Thread.start]
    observed.deactivate()
    after = [http_library.Client.send, http_library.AsyncClient.send, threading.Thread.start]
    after.append(ThreadPoolExecutor.submit)
    assert all(a is b for a, b in zip(before, after, strict=True))
    assert all(a is not b for a, b in zip(before, during, strict=False))
    assert sys.meta_path == finders
    observed.activate()


def test_activation_is_counted(client: openai.OpenAI, tally: Tally) -> None:
    """Observation goes on until the last one who wanted it lets go."""
    observed.activate()
    observed.deactivate()
    with attribute_to(tally):
        client.responses.create(model="m", input="hi")
    assert tally.snapshot().calls == 1


def test_later_patch_of_somebody_else_survives(
    http_library: Any,
    monkeypatch: pytest.MonkeyPatch,
    client: openai.OpenAI,
    tally: Tally,
) -> None:
    """A tool that has wrapped ``send`` after us keeps its wrapper when we go, and when we return.

    The replacement that had to stay below it counts nothing any more.
    """
    original = http_library.Client.send

    def theirs(*args: Any, **kwargs: Any) -> Any:
        return original(*args, **kwargs)

    monkeypatch.setattr(http_library.Client, "send", theirs)
    observed.deactivate()
    assert http_library.Client.send is theirs
    observed.activate()
    with attribute_to(tally):
        client.responses.create(model="m", input="hi")
    assert tally.snapshot().calls == 1
    observed.deactivate()
    monkeypatch.setattr(http_library.Client, "send", inspect.unwrap(original))
    observed.activate()


def test_async_send_is_still_a_coroutine_function(http_library: Any) -> None:
    """Tools that ask the HTTP library what kind of function it has get the same answer."""
    assert inspect.iscoroutinefunction(http_library.AsyncClient.send)
    assert inspect.signature(http_library.Client.send) == inspect.signature(
        inspect.unwrap(http_library.Client.send)
    )


def test_requests_and_answers_are_unchanged(
    client: openai.OpenAI, sandbox: Sandbox, tally: Tally
) -> None:
    """The same request goes out, and the same answer comes back, observed or not."""
    sent: list[tuple[Any, ...]] = []

    def note(request: Any) -> None:
        headers = {k: v for k, v in request.headers.items() if "idempotency" not in k}
        sent.append((request.method, str(request.url), headers, request.read()))

    client._client.event_hooks = {"request": [note], "response": []}

    def ask() -> list[Any]:
        stream = client.chat.completions.create(model="m", messages=HELLO, stream=True)
        chunks = [chunk.to_dict() for chunk in stream]
        raw = client.responses.with_raw_response.create(model="m", input="hi")
        return [_without_ids(chunks), _without_ids(raw.parse().to_dict()), raw.status_code]

    plain = ask()
    with attribute_to(tally):
        watched = ask()
    assert watched == plain
    assert sent[:2] == sent[2:]
    assert b"stream_options" not in sent[2][3]


def _without_ids(answer: Any) -> Any:
    if isinstance(answer, list):
        return [_without_ids(part) for part in answer]
    if isinstance(answer, dict):
        varying = ("id", "created", "created_at", "completed_at")
        return {k: _without_ids(v) for k, v in answer.items() if k not in varying}
    return answer


@pytest.mark.parametrize("fault", ["rate_limited", "server_error", "reset", "truncated_json"])
def test_errors_are_unchanged(
    fault: str, client: openai.OpenAI, sandbox: Sandbox, tally: Tally
) -> None:
    """The same exception with the same text is raised, observed or not."""

    def error() -> tuple[type, str, type | None]:
        sandbox.faults.add(fault)
        with pytest.raises((openai.OpenAIError, ValueError)) as caught:
            client.chat.completions.create(model="m", messages=HELLO)
        return caught.type, str(caught.value)[:40], type(caught.value.__cause__)

    plain = error()
    with attribute_to(tally):
        assert error() == plain


def test_elapsed_time_of_a_stream_can_still_be_read(client: openai.OpenAI, run: Tally) -> None:
    """What the HTTP library notes on its own stream object stays within reach."""
    stream = client.chat.completions.create(model="m", messages=HELLO, stream=True)
    list(stream)
    stream.close()
    assert stream.response.elapsed.total_seconds() > 0


class _Dripping(http.server.BaseHTTPRequestHandler):
    """Sends each event of a stream only after the caller has shown the one before."""

    protocol_version = "HTTP/1.1"
    seen: ClassVar[threading.Semaphore]

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
        for number in range(3):
            event = {"id": "1", "model": "drip", "choices": [], "usage": None, "created": number}
            self._send(f"data: {_json(event)}\n\n")
            assert self.seen.acquire(timeout=20)
        last = {"id": "1", "model": "drip", "choices": [], "usage": usage, "created": 3}
        self._send(f"data: {_json(last)}\n\ndata: [DONE]\n\n")
        self.wfile.write(b"0\r\n\r\n")

    def _send(self, text: str) -> None:
        self.wfile.write(f"{len(text):x}\r\n{text}\r\n".encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def _json(value: Any) -> str:
    import json

    return json.dumps(value)


@pytest.fixture
def dripping() -> Iterator[tuple[str, threading.Semaphore]]:
    """The address of a server that waits for its caller between events, and how to go on."""
    _Dripping.seen = threading.Semaphore(0)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Dripping)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1", _Dripping.seen
    server.shutdown()
    thread.join()
    server.server_close()


def test_sync_chunks_are_not_held_back(
    dripping: tuple[str, threading.Semaphore], tally: Tally
) -> None:
    """Each chunk reaches the program before the server has sent the next."""
    url, seen = dripping
    with openai.OpenAI(base_url=url, api_key="k") as client, attribute_to(tally):
        for chunk in client.chat.completions.create(model="m", messages=HELLO, stream=True):
            assert chunk.model == "drip"
            seen.release()
    assert tally.snapshot().input_tokens == 3
    assert tally.snapshot().complete


def test_async_chunks_are_not_held_back(
    dripping: tuple[str, threading.Semaphore], tally: Tally
) -> None:
    """The same for the async client."""
    url, seen = dripping

    async def go() -> None:
        async with openai.AsyncOpenAI(base_url=url, api_key="k") as client:
            made = await client.chat.completions.create(model="m", messages=HELLO, stream=True)
            async for chunk in made:
                assert chunk.model == "drip"
                seen.release()

    with attribute_to(tally):
        asyncio.run(go())
    assert tally.snapshot().input_tokens == 3
    assert tally.snapshot().complete


def test_activation_imports_nothing_and_sees_a_later_import() -> None:
    """The SDK comes only with the program's own import, and is seen from then on."""
    code = """
import sys
from pytest_timestamps.tokens import observed
observed.activate()
heavy = {"openai", "httpx", "httpx2", "pydantic"} & sys.modules.keys()
assert not heavy, heavy
import openai
client = openai.OpenAI(api_key="x")._client
assert hasattr(type(client).send, "__wrapped__")
assert openai.__spec__.loader is openai.__loader__
assert type(openai.__loader__).__name__ == "SourceFileLoader"
observed.deactivate()
assert not hasattr(type(client).send, "__wrapped__")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")


def test_failing_observer_disturbs_nothing(
    client: openai.OpenAI, run: Tally, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A defect of the observer is told in the tally and nowhere else."""
    from pytest_timestamps.tokens.observed import exchange, seam

    def broken(*_: Any) -> Any:
        raise RuntimeError("a defect")

    monkeypatch.setattr(exchange, "observe_body", broken)
    assert client.responses.create(model="m", input="hi").usage is not None
    monkeypatch.setattr(seam, "begin_exchange", broken)
    assert client.responses.create(model="m", input="hi").usage is not None
    reason = "a call that could not be observed: RuntimeError (2 times)"
    assert run.snapshot().incomplete_reasons == (reason,)
