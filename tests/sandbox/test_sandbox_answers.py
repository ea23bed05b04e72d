"""Every kind of answer fits the provider's published OpenAPI description."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from pytest_timestamps.sandbox import Sandbox, TokenUse

NOW_S = 1_761_523_200
SCHEMAS = json.loads(Path(__file__).with_name("answer_schemas.json").read_text())
PROJECT = "/v1/organization/projects/proj_sandbox"
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object"}}}
FLAT_TOOL = {"type": "function", "name": "look", "strict": True, "parameters": {"type": "object"}}
CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]}
RESPONSE = {"model": "gpt-4o-mini", "input": "hi"}
Http = Callable[..., tuple[int, Any]]


def check(answer: Any, schema: str) -> None:
    """Fail unless *answer* fits the named schema."""
    root = SCHEMAS | {"$ref": f"#/components/schemas/{schema}"}
    jsonschema.Draft202012Validator(root).validate(answer)


def stream(sandbox: Sandbox, path: str, body: dict[str, Any]) -> list[Any]:
    """The data of every event that answers *body*, asked as a stream."""
    request = urllib.request.Request(
        sandbox.base_url + path,
        json.dumps(body | {"stream": True}).encode(),
        {"Authorization": f"Bearer {sandbox.api_key.value}"},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        lines = answer.read().decode().splitlines()
    data = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
    return [json.loads(item) for item in data if item != "[DONE]"]


def test_schemas_can_fail() -> None:
    """An answer without its usage's total is refused: the check below means something."""
    broken = {"prompt_tokens": 1, "completion_tokens": 1}
    with pytest.raises(jsonschema.ValidationError):
        check(broken, "CompletionUsage")


@pytest.mark.parametrize("extra", [{}, {"tools": [TOOL]}, {"model": "o4-mini"}])
def test_chat_completion_fits(sandbox: Sandbox, http: Http, extra: dict[str, Any]) -> None:
    """Words, tool calls and reasoning, whole and as chunks, with and without usage."""
    body = CHAT | extra
    status, answer = http("POST", "/v1/chat/completions", body, key=sandbox.api_key.value)
    assert status == 200
    check(answer, "CreateChatCompletionResponse")
    for options in ({}, {"stream_options": {"include_usage": True}}):
        chunks = stream(sandbox, "/chat/completions", body | options)
        for chunk in chunks:
            check(chunk, "CreateChatCompletionStreamResponse")
        assert ("usage" in chunks[-1]) is bool(options)


@pytest.mark.parametrize("extra", [{}, {"tools": [FLAT_TOOL]}])
def test_response_fits(sandbox: Sandbox, http: Http, extra: dict[str, Any]) -> None:
    """Words and tool calls, whole and as events."""
    body = RESPONSE | extra
    answer = http("POST", "/v1/responses", body, key=sandbox.api_key.value)[1]
    check(answer, "Response")
    events = stream(sandbox, "/responses", body)
    for event in events:
        check(event, "ResponseStreamEvent")
    assert events[-1]["type"] == "response.completed"


@pytest.mark.parametrize("form", ["float", "base64"])
def test_embeddings_fit(sandbox: Sandbox, http: Http, form: str) -> None:
    """Vectors as floats or packed."""
    body = {"model": "text-embedding-3-small", "input": ["a", "b"], "encoding_format": form}
    answer = http("POST", "/v1/embeddings", body, key=sandbox.api_key.value)[1]
    if form == "base64":
        assert all(isinstance(item["embedding"], str) for item in answer["data"])
        answer["data"] = []  # the document describes vectors of numbers only
    check(answer, "CreateEmbeddingResponse")


@pytest.mark.parametrize(
    "family", ["usage/completions", "usage/embeddings", "usage/images", "costs"]
)
def test_usage_pages_fit(sandbox: Sandbox, http: Http, family: str) -> None:
    """Pages with rows and empty ones, of served families and others."""
    key_id = sandbox.api_key.id
    sandbox.core.serve(api_key_id=key_id, model="gpt-4o-mini", use=TokenUse(10, 5))
    sandbox.core.serve(api_key_id=key_id, model="e", use=TokenUse(10), endpoint="embeddings")
    status, page = http("GET", f"/v1/organization/{family}", start_time=NOW_S - 86400)
    assert status == 200
    check(page, "UsageResponse")
    assert bool(page["data"][-1]["results"]) is ("images" not in family)


def test_account_and_key_answers_fit(http: Http) -> None:
    """Everything that is said about service accounts and their keys."""
    accounts = f"{PROJECT}/service_accounts"
    made = http("POST", accounts, {"name": "run"})[1]
    check(made, "ProjectServiceAccountCreateResponse")
    added = http("POST", f"{accounts}/{made['id']}/api_keys", {"name": "more"})[1]
    check(added, "ServiceAccountApiKeyBody")
    check(http("GET", accounts)[1], "ProjectServiceAccountListResponse")
    check(http("GET", f"{accounts}/{made['id']}")[1], "ProjectServiceAccount")
    check(http("GET", f"{PROJECT}/api_keys")[1], "ProjectApiKeyListResponse")
    check(http("GET", f"{PROJECT}/api_keys/{added['id']}")[1], "ProjectApiKey")
    check(http("DELETE", f"{PROJECT}/api_keys/{added['id']}")[1], "ProjectApiKeyDeleteResponse")
    check(http("DELETE", f"{accounts}/{made['id']}")[1], "ProjectServiceAccountDeleteResponse")


@pytest.mark.parametrize("kind", ["rate_limited", "server_error", "unauthorized", "forbidden"])
def test_injected_errors_fit(sandbox: Sandbox, http: Http, kind: str) -> None:
    """An error on demand has the shape of a real one."""
    sandbox.faults.add(kind)
    status, answer = http("POST", "/v1/chat/completions", CHAT)
    assert status >= 400
    check(answer, "ErrorResponse")
