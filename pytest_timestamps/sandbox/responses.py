"""The Responses API as the sandbox answers it: one object, or a stream of typed events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .model import Reply, TokenUse

__all__ = ["response_events", "response_object", "response_schema"]


def response_schema(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The JSON schema that the request wants its answer to fit."""
    wanted = (body.get("text") or {}).get("format") or {}
    schema = wanted.get("schema")
    return schema if isinstance(schema, Mapping) else None


def response_object(
    reply: Reply,
    body: Mapping[str, Any],
    *,
    request_id: str,
    model: str,
    created_s: int,
    service_tier: str,
) -> dict[str, Any]:
    """The whole, completed answer."""
    return {
        "id": f"resp_{request_id}",
        "object": "response",
        "created_at": created_s,
        "completed_at": created_s,
        "status": "completed",
        "model": model,
        "output": [_output_item(reply, request_id)],
        "output_text": reply.text,
        "service_tier": service_tier,
        "usage": _usage(reply.use),
        "error": None,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "metadata": body.get("metadata") or {},
        "parallel_tool_calls": True,
        "temperature": body.get("temperature", 1.0),
        "top_p": body.get("top_p", 1.0),
        "tool_choice": body.get("tool_choice") or "auto",
        "tools": body.get("tools") or [],
    }


def response_events(reply: Reply, finished: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The answer *finished* as a stream of events that ends with ``response.completed``."""
    started = finished | {"status": "in_progress", "output": [], "completed_at": None}
    started["output_text"] = ""
    started.pop("usage")
    item = finished["output"][0]
    numbered = enumerate(_bare_events(reply, started, item, finished))
    for number, event in numbered:
        yield event | {"sequence_number": number}


def _bare_events(
    reply: Reply, started: dict[str, Any], item: dict[str, Any], finished: dict[str, Any]
) -> Iterator[dict[str, Any]]:
    yield {"type": "response.created", "response": started}
    yield {"type": "response.in_progress", "response": started}
    where = {"item_id": item["id"], "output_index": 0}
    if reply.tool_name:
        opened = item | {"arguments": "", "status": "in_progress"}
        yield {"type": "response.output_item.added", "output_index": 0, "item": opened}
        yield {
            "type": "response.function_call_arguments.done",
            **where,
            "name": reply.tool_name,
            "arguments": "{}",
        }
    else:
        opened = item | {"content": [], "status": "in_progress"}
        yield {"type": "response.output_item.added", "output_index": 0, "item": opened}
        where["content_index"] = 0
        part = item["content"][0]
        empty = part | {"text": ""}
        yield {"type": "response.content_part.added", **where, "part": empty}
        for word in reply.words:
            yield {"type": "response.output_text.delta", **where, "delta": word, "logprobs": []}
        yield {"type": "response.output_text.done", **where, "text": reply.text, "logprobs": []}
        yield {"type": "response.content_part.done", **where, "part": part}
    yield {"type": "response.output_item.done", "output_index": 0, "item": item}
    yield {"type": "response.completed", "response": finished}


def _output_item(reply: Reply, request_id: str) -> dict[str, Any]:
    if reply.tool_name:
        return {
            "id": f"fc_{request_id}",
            "type": "function_call",
            "status": "completed",
            "call_id": f"call_{request_id}",
            "name": reply.tool_name,
            "arguments": "{}",
        }
    text = {"type": "output_text", "text": reply.text, "annotations": [], "logprobs": []}
    return {
        "id": f"msg_{request_id}",
        "type": "message",
        "status": "completed",
        "role": "assistant",
        "content": [text],
    }


def _usage(use: TokenUse) -> dict[str, Any]:
    return {
        "input_tokens": use.input_tokens,
        "input_tokens_details": {
            "cached_tokens": use.cached_tokens,
            "cache_write_tokens": use.cache_write_tokens,
        },
        "output_tokens": use.output_tokens,
        "output_tokens_details": {"reasoning_tokens": use.reasoning_tokens},
        "total_tokens": use.total_tokens,
    }
