"""Answers from mocks and recordings are told apart and cost nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

from pytest_timestamps.sandbox import Sandbox
from pytest_timestamps.tokens.observed import Tally

ANSWER: dict[str, Any] = {
    "id": "1",
    "object": "chat.completion",
    "created": 1,
    "model": "mocked",
    "choices": [],
    "usage": {"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18},
}
HELLO: Any = [{"role": "user", "content": "hello"}]


def ask(client: openai.OpenAI) -> Any:
    """Call the model."""
    return client.chat.completions.create(model="m", messages=HELLO)


def assert_replayed(run: Tally, times: int) -> None:
    """The tally knows of *times* replays, and of nothing else."""
    usage = run.snapshot()
    assert (usage.replayed, usage.calls, usage.complete) == (times, 0, True)


def test_mock_transport_is_a_replay(http_library: Any, run: Tally) -> None:
    """The HTTP library's own mock, whatever it answers or raises."""
    answers = [
        lambda: http_library.Response(200, json=ANSWER),
        lambda: http_library.Response(500, json={}),
        lambda: (_ for _ in ()).throw(http_library.ReadTimeout("mocked")),
    ]
    for answer in answers:
        transport = http_library.MockTransport(lambda request, answer=answer: answer())
        with openai.OpenAI(
            api_key="k", max_retries=0, http_client=http_library.Client(transport=transport)
        ) as client:
            try:
                assert ask(client).model == "mocked"
            except openai.APIError:
                continue
    assert_replayed(run, 3)


def test_answer_put_in_below_the_transport_is_a_replay(
    http_library: Any, client: openai.OpenAI, run: Tally, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The network transport has answered without a network: somebody has replaced its method."""
    monkeypatch.setattr(
        http_library.HTTPTransport,
        "handle_request",
        lambda self, request: http_library.Response(200, json=ANSWER),
    )
    assert ask(client).model == "mocked"
    assert_replayed(run, 1)


def test_transport_of_unknown_make_is_counted(
    http_library: Any, run: Tally, sandbox: Sandbox
) -> None:
    """A transport of the program's own is taken to have asked the provider."""

    class House(http_library.BaseTransport):  # type: ignore[misc,name-defined]  # known at runtime
        def handle_request(self, request: Any) -> Any:
            return http_library.Response(200, json=ANSWER)

    with openai.OpenAI(
        api_key=sandbox.api_key.value, http_client=http_library.Client(transport=House())
    ) as client:
        ask(client)
    assert run.snapshot().by_model["mocked"].calls == 1


def test_answer_from_a_cache_is_a_replay(http_library: Any, run: Tally, sandbox: Sandbox) -> None:
    """A caching transport marks what it did not ask for."""

    class Cache(http_library.BaseTransport):  # type: ignore[misc,name-defined]  # known at runtime
        def handle_request(self, request: Any) -> Any:
            return http_library.Response(200, json=ANSWER, extensions={"from_cache": True})

    with openai.OpenAI(api_key="k", http_client=http_library.Client(transport=Cache())) as client:
        ask(client)
    assert_replayed(run, 1)


@pytest.fixture
def client_over_httpx(sandbox: Sandbox) -> Iterator[openai.OpenAI]:
    """A client over httpx, which SDKs from version 3 on still take if they are given it."""
    httpx = pytest.importorskip("httpx", reason="httpx is not installed")
    with openai.OpenAI(
        base_url=sandbox.base_url, api_key=sandbox.api_key.value, http_client=httpx.Client()
    ) as client:
        yield client


def test_client_over_httpx_is_counted(
    client_over_httpx: openai.OpenAI, run: Tally, sandbox: Sandbox
) -> None:
    """Whichever of the two HTTP libraries a client uses."""
    ask(client_over_httpx)
    assert run.snapshot().calls == len(sandbox.served()) == 1
    assert run.snapshot().complete


def test_respx_is_a_replay(client_over_httpx: openai.OpenAI, run: Tally, sandbox: Sandbox) -> None:
    """A route of respx, which knows httpx only."""
    respx = pytest.importorskip("respx", reason="respx is not installed")
    with respx.mock(base_url=sandbox.base_url) as router:
        router.post("/chat/completions").respond(json=ANSWER)
        ask(client_over_httpx)
    assert_replayed(run, 1)


def test_vcrpy_counts_the_recording_and_not_the_replay(
    client: openai.OpenAI, run: Tally, sandbox: Sandbox, tmp_path: Path
) -> None:
    """The call that is recorded was real, the one that is played back was not."""
    vcr = pytest.importorskip("vcr", reason="vcrpy is not installed")
    cassette = str(tmp_path / "cassette.yaml")
    for _ in range(2):
        with vcr.use_cassette(cassette):
            ask(client)
    usage = run.snapshot()
    assert (usage.calls, usage.replayed, usage.complete) == (1, 1, True)
    assert len(sandbox.served()) == 1
