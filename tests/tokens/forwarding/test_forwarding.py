"""The forwarding endpoint changes nothing on the way and counts what comes back."""

from __future__ import annotations

import gzip
import http.client
import http.server
import json
import re
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any, ClassVar
from urllib.parse import urlsplit

import openai
import pytest

from pytest_timestamps.errors import ArgumentError
from pytest_timestamps.sandbox import Sandbox, ServedTotals
from pytest_timestamps.tokens.forwarding import Forwarder
from pytest_timestamps.tokens.observed import Tally, activate, attribute_to, deactivate
from pytest_timestamps.tokens.observed.origins import FORWARDING_VARIABLE

HELLO: Any = [{"role": "user", "content": "hello"}]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A running sandbox in the provider's place."""
    with Sandbox() as running:
        yield running


@pytest.fixture
def tally() -> Iterator[Tally]:
    """The tally of the run that the endpoint tells."""
    fresh = Tally()
    yield fresh
    fresh.close()


@pytest.fixture
def forwarder(sandbox: Sandbox) -> Iterator[Forwarder]:
    """An endpoint before the sandbox."""
    with Forwarder(sandbox.base_url) as running:
        yield running


@pytest.fixture
def base_url(forwarder: Forwarder, tally: Tally, sandbox: Sandbox) -> str:
    """The address that a program is given."""
    return forwarder.environment(tally, api_key=sandbox.api_key.value)["OPENAI_BASE_URL"]


@pytest.fixture
def client(base_url: str, sandbox: Sandbox) -> Iterator[openai.OpenAI]:
    """A client that calls through the endpoint."""
    key = sandbox.api_key.value
    with openai.OpenAI(base_url=base_url, api_key=key, max_retries=0) as made:
        yield made


def test_calls_through_the_endpoint_are_counted(
    client: openai.OpenAI, tally: Tally, sandbox: Sandbox
) -> None:
    """Plain, streamed, vectors: call for call and token for token."""
    client.chat.completions.create(model="gpt-4o-mini", messages=HELLO)
    list(client.responses.create(model="gpt-4o-mini", input="hi", stream=True))
    client.embeddings.create(model="e", input="x")
    usage = tally.snapshot()
    served = ServedTotals.of(sandbox.served())
    assert usage.complete
    assert (usage.calls, usage.input_tokens, usage.output_tokens) == (
        served.calls,
        served.input_tokens,
        served.output_tokens,
    )
    assert usage.calls == 3


@pytest.mark.parametrize("fault", ["rate_limited", "server_error", "unauthorized", "bad_gateway"])
def test_answer_is_byte_for_byte_the_providers(
    fault: str, base_url: str, sandbox: Sandbox, tally: Tally
) -> None:
    """Status, reason, headers and body of a refusal arrive unchanged."""
    assert _post(base_url, sandbox, fault) == _post(sandbox.base_url, sandbox, fault)
    assert tally.snapshot().calls == 0
    assert tally.snapshot().complete is (fault != "bad_gateway")


def _post(base_url: str, sandbox: Sandbox, fault: str) -> tuple[Any, ...]:
    sandbox.faults.add(fault)
    url = urlsplit(base_url)
    connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=20)
    headers = {"Authorization": f"Bearer {sandbox.api_key.value}"}
    connection.request("POST", f"{url.path}/responses", b'{"model":"m","input":"x"}', headers)
    answer = connection.getresponse()
    seen = (answer.status, answer.reason, answer.getheaders(), answer.read())
    connection.close()
    return seen


LOST = [
    ("reset", False, "a try whose answer never arrived: Remote.*"),
    ("broken_stream", True, "an answer of m that broke off: IncompleteRead"),
]


@pytest.mark.parametrize(("fault", "stream", "reason"), LOST)
def test_broken_answer_breaks_for_the_caller_too(
    fault: str, stream: bool, reason: str, client: openai.OpenAI, sandbox: Sandbox, tally: Tally
) -> None:
    """The caller sees a connection that breaks, and the tally is incomplete."""
    sandbox.faults.add(fault)
    with pytest.raises(Exception, match=r"Connection error|peer closed"):
        _read(client.responses.create(model="m", input="x", stream=stream))
    (seen,) = tally.snapshot().incomplete_reasons
    assert re.fullmatch(reason, seen)


def _read(answer: Any) -> None:
    for _ in answer:
        pass


def test_unreachable_provider_is_told_and_costs_nothing(tally: Tally) -> None:
    """The caller learns which host could not be reached."""
    with Forwarder("http://127.0.0.1:1/v1") as forwarder:
        url = forwarder.environment(tally)["OPENAI_BASE_URL"]
        with (
            openai.OpenAI(base_url=url, api_key="k", max_retries=0) as client,
            pytest.raises(openai.InternalServerError) as caught,
        ):
            client.responses.create(model="m", input="x")
    assert "forwarding endpoint can't reach 127.0.0.1: " in str(caught.value)
    assert tally.snapshot().complete


def test_call_with_another_key_is_kept_apart(
    client: openai.OpenAI, tally: Tally, sandbox: Sandbox
) -> None:
    """The endpoint knows the run's key by its print."""
    other = sandbox.core.accounts.create_key("other").value
    client.with_options(api_key=other).responses.create(model="m", input="x")
    usage = tally.snapshot()
    assert (usage.calls, usage.foreign_key_calls, usage.complete) == (0, 1, False)


def test_runs_are_told_apart_by_their_address(
    forwarder: Forwarder, tally: Tally, sandbox: Sandbox
) -> None:
    """Two runs at once; a released one is served no more."""
    other = Tally()
    for sink, times in ((tally, 1), (other, 2)):
        url = forwarder.environment(sink)["OPENAI_BASE_URL"]
        with openai.OpenAI(base_url=url, api_key=sandbox.api_key.value) as client:
            for _ in range(times):
                client.responses.create(model="m", input="x")
    assert (tally.snapshot().calls, other.snapshot().calls) == (1, 2)
    forwarder.release(other)
    with (
        openai.OpenAI(base_url=url, api_key=sandbox.api_key.value) as client,
        pytest.raises(openai.NotFoundError),
    ):
        client.responses.create(model="m", input="x")


def test_observing_process_leaves_the_call_to_the_endpoint(
    client: openai.OpenAI,
    tally: Tally,
    forwarder: Forwarder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What passes through the endpoint is counted once."""
    address = forwarder.environment(tally)[FORWARDING_VARIABLE]
    monkeypatch.setenv(FORWARDING_VARIABLE, address)
    activate()
    try:
        with attribute_to(tally):
            client.responses.create(model="m", input="x")
    finally:
        deactivate()
    assert tally.snapshot().calls == 1


def test_any_program_can_use_it(forwarder: Forwarder, tally: Tally, sandbox: Sandbox) -> None:
    """A child that knows nothing of the SDK, with a body sent in chunks."""
    code = """
import http.client, os
from urllib.parse import urlsplit
url = urlsplit(os.environ["OPENAI_BASE_URL"])
connection = http.client.HTTPConnection(url.hostname, url.port)
key = os.environ["OPENAI_API_KEY"]
connection.request("POST", url.path + "/responses", iter([b'{"model": "m",', b'"input": "x"}']),
                   {"Authorization": "Bearer " + key}, encode_chunked=True)
print(connection.getresponse().status)
"""
    env = {**forwarder.environment(tally), "OPENAI_API_KEY": sandbox.api_key.value}
    done = subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=60
    )
    assert (done.stdout, done.stderr) == ("200\n", "")
    assert tally.snapshot().calls == 1


class _Provider(http.server.BaseHTTPRequestHandler):
    """Answers as `answer` says."""

    protocol_version = "HTTP/1.1"
    answer: ClassVar[Callable[[http.server.BaseHTTPRequestHandler], None]]

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        type(self).answer(self)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def provider() -> Iterator[str]:
    """A provider whose answers a test writes by hand."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Provider)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    server.shutdown()
    thread.join()
    server.server_close()


EVENT = {"id": "1", "model": "drip", "choices": [], "usage": None, "created": 1}
USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


def test_chunks_are_not_held_back(provider: str, tally: Tally) -> None:
    """Each event reaches the caller before the provider has sent the next."""
    seen = threading.Semaphore(0)

    def drip(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("content-type", "text/event-stream")
        handler.send_header("transfer-encoding", "chunked")
        handler.end_headers()
        for usage in (None, None, USAGE):
            text = f"data: {json.dumps(EVENT | {'usage': usage})}\n\n"
            handler.wfile.write(f"{len(text):x}\r\n{text}\r\n".encode())
            assert seen.acquire(timeout=20)
        handler.wfile.write(b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n")

    _Provider.answer = drip
    with Forwarder(provider) as forwarder:
        url = forwarder.environment(tally)["OPENAI_BASE_URL"]
        with openai.OpenAI(base_url=url, api_key="k") as client:
            for chunk in client.chat.completions.create(model="m", messages=HELLO, stream=True):
                assert chunk.model == "drip"
                seen.release()
    assert tally.snapshot().input_tokens == 3
    assert tally.snapshot().complete


def test_encoded_answer_is_passed_on_encoded_and_read(provider: str, tally: Tally) -> None:
    """Compression is between the provider and the caller; the endpoint decodes a copy."""
    body = gzip.compress(json.dumps(EVENT | {"usage": USAGE}).encode())

    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("content-type", "application/json")
        handler.send_header("content-encoding", "gzip")
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    _Provider.answer = answer
    with Forwarder(provider) as forwarder:
        url = forwarder.environment(tally)["OPENAI_BASE_URL"]
        with openai.OpenAI(base_url=url, api_key="k") as client:
            assert client.chat.completions.create(model="m", messages=HELLO).model == "drip"
    assert tally.snapshot().input_tokens == 3


def test_body_shorter_than_announced_breaks_off(provider: str, tally: Tally) -> None:
    """A provider that closes in the middle leaves something unknown."""

    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("content-length", "1000")
        handler.end_headers()
        handler.wfile.write(b"{")
        handler.close_connection = True

    _Provider.answer = answer
    with Forwarder(provider) as forwarder:
        url = forwarder.environment(tally)["OPENAI_BASE_URL"]
        with (
            openai.OpenAI(base_url=url, api_key="k", max_retries=0) as client,
            pytest.raises(openai.APIConnectionError),
        ):
            client.responses.create(model="m", input="x")
    assert tally.snapshot().incomplete_reasons == ("an answer that broke off: IncompleteRead",)


def test_call_is_settled_before_the_caller_has_its_answer(sandbox: Sandbox) -> None:
    """Else a run that ends with its last answer would miss it."""
    has_answer = threading.Event()
    was_late: list[bool] = []

    class Late(Tally):
        """Gives the caller time to get its answer first."""

        def settle(self, try_id: int, observation: Any) -> None:
            was_late.append(has_answer.wait(0.2))
            super().settle(try_id, observation)

    tally = Late()
    with Forwarder(sandbox.base_url) as forwarder:
        url = forwarder.environment(tally)["OPENAI_BASE_URL"]
        with openai.OpenAI(base_url=url, api_key=sandbox.api_key.value) as client:
            client.responses.create(model="m", input="x")
            has_answer.set()
    assert was_late == [False]


def test_upstream_must_be_an_address() -> None:
    """The message shows what was seen and an example of what is expected."""
    with pytest.raises(ArgumentError) as caught:
        Forwarder("api.openai.com")
    assert str(caught.value) == (
        "the forwarding endpoint can't pass requests on to 'api.openai.com': expected the http "
        "or https address of an API, such as https://api.openai.com/v1"
    )


def test_address_needs_a_started_endpoint(tally: Tally) -> None:
    """There is no address before the start, and the message says what to do."""
    with pytest.raises(ArgumentError) as caught:
        Forwarder().environment(tally)
    assert str(caught.value) == (
        "the forwarding endpoint has no address yet: expected it to be started; "
        "call start() or use it in a with block"
    )
