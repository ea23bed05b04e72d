"""The model endpoints: chat completions, responses and embeddings, with streaming."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from .accounts import ApiKey
from .answering import error_answer, presented_key
from .chat import chat_chunks, chat_completion, chat_schema
from .core import SandboxCore
from .embeddings import embedding_answer
from .faults import Fault, FaultKind
from .ledger import Endpoint
from .model import USAGE_HEADER, Reply, count_tokens, reply_to, resolve_model
from .responses import response_events, response_object, response_schema

__all__ = ["TAG_HEADER", "model_routes"]

TAG_HEADER = "x-sandbox-tag"
"""A request header whose value is kept with the served call."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A valid request to a model and who made it."""

    body: Mapping[str, Any]
    key: ApiKey
    model: str
    service_tier: str
    tag: str
    usage_header: str
    fault: Fault | None


def model_routes(core: SandboxCore) -> list[Route]:
    """The routes below the API's root; Azure's deployment paths lead to the same answers."""

    async def chat(request: Request) -> Response:
        asked = await _asked(core, request, "messages")
        return asked if isinstance(asked, Response) else _answer_chat(core, asked)

    async def responses(request: Request) -> Response:
        asked = await _asked(core, request, "input")
        return asked if isinstance(asked, Response) else _answer_response(core, asked)

    async def embeddings(request: Request) -> Response:
        asked = await _asked(core, request, "input")
        return asked if isinstance(asked, Response) else _answer_embeddings(core, asked)

    routes = []
    for root in ("/v1", "/openai", "/openai/v1", "/openai/deployments/{deployment}"):
        routes += [
            Route(f"{root}/chat/completions", chat, methods=["POST"]),
            Route(f"{root}/responses", responses, methods=["POST"]),
            Route(f"{root}/embeddings", embeddings, methods=["POST"]),
        ]
    return routes


async def _asked(core: SandboxCore, request: Request, content: str) -> _Asked | Response:
    """The request as the model sees it, or the error that it earns."""
    key = core.accounts.key_by_value(presented_key(request))
    if key is None:
        return error_answer(
            401, "Incorrect API key provided to the sandbox.", code="invalid_api_key"
        )
    try:
        body = json.loads(await request.body())
    except ValueError:
        return error_answer(400, "The sandbox could not parse the JSON body of the request.")
    model = body.get("model") or request.path_params.get("deployment")
    for name, value in (("model", model), (content, body.get(content))):
        if not value:
            return error_answer(
                400, f"Missing required parameter: '{name}'.", param=name, code="missing_parameter"
            )
    tier = body.get("service_tier") or "auto"
    return _Asked(
        body=body,
        key=key,
        model=resolve_model(str(model)),
        service_tier="default" if tier == "auto" else tier,
        tag=request.headers.get(TAG_HEADER, ""),
        usage_header=request.headers.get(USAGE_HEADER, ""),
        fault=request.scope.get("sandbox_fault"),
    )


def _answer_chat(core: SandboxCore, asked: _Asked) -> Response:
    reply = reply_to(
        asked.body, asked.body["messages"], chat_schema(asked.body), asked.usage_header
    )
    _charge(core, asked, reply, "completions")
    shared: dict[str, Any] = {
        "request_id": core.next_request_id(),
        "model": asked.model,
        "created_s": int(core.clock.now_s()),
        "service_tier": asked.service_tier,
    }
    hide_usage = asked.fault is not None and asked.fault.kind is FaultKind.NO_USAGE
    if not asked.body.get("stream"):
        whole = chat_completion(reply, **shared)
        if hide_usage:
            del whole["usage"]
        return JSONResponse(whole)
    wanted = bool((asked.body.get("stream_options") or {}).get("include_usage"))
    chunks = chat_chunks(reply, **shared, include_usage=wanted and not hide_usage)
    return _event_stream(_chat_lines(chunks))


def _answer_response(core: SandboxCore, asked: _Asked) -> Response:
    prompt = [asked.body["input"], asked.body.get("instructions") or ""]
    reply = reply_to(
        asked.body,
        asked.body["input"] if isinstance(asked.body["input"], list) else prompt,
        response_schema(asked.body),
        asked.usage_header,
    )
    _charge(core, asked, reply, "completions")
    whole = response_object(
        reply,
        asked.body,
        request_id=core.next_request_id(),
        model=asked.model,
        created_s=int(core.clock.now_s()),
        service_tier=asked.service_tier,
    )
    if asked.fault is not None and asked.fault.kind is FaultKind.NO_USAGE:
        whole["usage"] = None
    if not asked.body.get("stream"):
        return JSONResponse(whole)
    return _event_stream(_response_lines(response_events(reply, whole)))


def _answer_embeddings(core: SandboxCore, asked: _Asked) -> Response:
    use = reply_to({}, asked.body["input"], None, asked.usage_header).use
    if not asked.usage_header:
        given = asked.body["input"]
        texts = given if isinstance(given, list) else [given]
        use = type(use)(sum(count_tokens(text) for text in texts))
    _charge(core, asked, Reply("", None, use), "embeddings")
    return JSONResponse(embedding_answer(asked.body, use, asked.model))


def _charge(core: SandboxCore, asked: _Asked, reply: Reply, endpoint: Endpoint) -> None:
    core.serve(
        api_key_id=asked.key.id,
        project_id=asked.key.project_id,
        model=asked.model,
        use=reply.use,
        endpoint=endpoint,
        service_tier=asked.service_tier,
        tag=asked.tag,
        answered=asked.fault is None or asked.fault.kind is FaultKind.NO_USAGE,
    )


def _event_stream(lines: Iterable[str]) -> StreamingResponse:
    async def chunks() -> Any:
        for line in lines:
            yield line

    return StreamingResponse(chunks(), media_type="text/event-stream")


def _chat_lines(chunks: Iterator[dict[str, Any]]) -> Iterator[str]:
    for chunk in chunks:
        yield f"data: {json.dumps(chunk)}\n\n"
    yield "data: [DONE]\n\n"


def _response_lines(events: Iterator[dict[str, Any]]) -> Iterator[str]:
    for event in events:
        yield f"event: {event['type']}\ndata: {json.dumps(event)}\n\n"
