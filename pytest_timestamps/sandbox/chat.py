"""Chat completions as the sandbox answers them: one object, or a stream of chunks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .model import Reply, TokenUse

__all__ = ["chat_chunks", "chat_completion", "chat_schema"]


def chat_schema(body: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The JSON schema that the request wants its answer to fit."""
    wanted = body.get("response_format") or {}
    schema = (wanted.get("json_schema") or {}).get("schema")
    return schema if isinstance(schema, Mapping) else None


def chat_completion(
    reply: Reply, *, request_id: str, model: str, created_s: int, service_tier: str
) -> dict[str, Any]:
    """The whole answer as one object."""
    message: dict[str, Any] = {"role": "assistant", "content": reply.text, "refusal": None}
    if reply.tool_name:
        message |= {"content": None, "tool_calls": [_tool_call(reply.tool_name, request_id)]}
    return {
        "id": f"chatcmpl-{request_id}",
        "object": "chat.completion",
        "created": created_s,
        "model": model,
        "service_tier": service_tier,
        "choices": [
            {
                "index": 0,
                "message": message,
                "logprobs": None,
                "finish_reason": "tool_calls" if reply.tool_name else "stop",
            }
        ],
        "usage": _usage(reply.use),
    }


def chat_chunks(
    reply: Reply,
    *,
    request_id: str,
    model: str,
    created_s: int,
    service_tier: str,
    include_usage: bool,
) -> Iterator[dict[str, Any]]:
    """The answer in chunks; with *include_usage* the last one has no choices but the usage."""
    shared: dict[str, Any] = {
        "id": f"chatcmpl-{request_id}",
        "object": "chat.completion.chunk",
        "created": created_s,
        "model": model,
        "service_tier": service_tier,
    }
    if include_usage:
        shared["usage"] = None
    deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
    if reply.tool_name:
        deltas.append({"tool_calls": [{"index": 0, **_tool_call(reply.tool_name, request_id)}]})
    else:
        deltas.extend({"content": word} for word in reply.words)
    for delta in deltas:
        yield shared | {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    reason = "tool_calls" if reply.tool_name else "stop"
    yield shared | {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}
    if include_usage:
        yield shared | {"choices": [], "usage": _usage(reply.use)}


def _tool_call(name: str, request_id: str) -> dict[str, Any]:
    return {
        "id": f"call_{request_id}",
        "type": "function",
        "function": {"name": name, "arguments": "{}"},
    }


def _usage(use: TokenUse) -> dict[str, Any]:
    return {
        "prompt_tokens": use.input_tokens,
        "completion_tokens": use.output_tokens,
        "total_tokens": use.total_tokens,
        "prompt_tokens_details": {
            "cached_tokens": use.cached_tokens,
            "cache_write_tokens": use.cache_write_tokens,
            "audio_tokens": 0,
        },
        "completion_tokens_details": {
            "reasoning_tokens": use.reasoning_tokens,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
