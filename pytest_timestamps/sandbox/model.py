"""The sandbox's language model: canned words and token counts that depend on the request alone."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .schema_example import example_of

__all__ = ["USAGE_HEADER", "Reply", "TokenUse", "count_tokens", "reply_to", "resolve_model"]

USAGE_HEADER = "x-sandbox-usage"
"""A request header with a JSON object of `TokenUse` fields that replaces the counted ones."""

_SNAPSHOTS = {
    "gpt-4o": "gpt-4o-2024-08-06",
    "gpt-4o-mini": "gpt-4o-mini-2024-07-18",
    "gpt-4.1-mini": "gpt-4.1-mini-2025-04-14",
    "o4-mini": "o4-mini-2025-04-16",
}
_CACHED_FROM_TOKENS = 1024
_CACHED_STEP_TOKENS = 128
_ANSWER = "This answer comes from the sandbox and no model was asked"


@dataclass(frozen=True, slots=True)
class TokenUse:
    """What one request used; the cached and reasoning tokens are parts of the first two."""

    input_tokens: int
    output_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0

    @property
    def total_tokens(self) -> int:
        """Input and output together."""
        return self.input_tokens + self.output_tokens


@dataclass(frozen=True, slots=True)
class Reply:
    """What the model says: a text in words, or a call of one of the request's tools."""

    text: str
    tool_name: str | None
    use: TokenUse

    @property
    def words(self) -> tuple[str, ...]:
        """The text in the pieces in which it is streamed; joined they are the text."""
        pieces = self.text.split(" ")
        return (*(f"{piece} " for piece in pieces[:-1]), pieces[-1])


def resolve_model(asked: str) -> str:
    """The dated model that answers for *asked*, as the provider names it in answers and books."""
    return _SNAPSHOTS.get(asked, asked)


def count_tokens(content: object) -> int:
    """Tokens of a text or of any JSON value: a quarter of its UTF-8 bytes, rounded up."""
    text = content if isinstance(content, str) else json.dumps(content, sort_keys=True)
    return (len(text.encode()) + 3) // 4


def reply_to(
    body: Mapping[str, Any], prompt: object, schema: Mapping[str, Any] | None, usage_header: str
) -> Reply:
    """The answer to a request whose input is *prompt*, and what it used.

    A request with tools gets a call of the first one until a tool's result is in the prompt; one
    with a JSON *schema* gets JSON that fits it.
    """
    tool_name = _tool_to_call(body, prompt)
    text = json.dumps(example_of(schema)) if schema is not None else _ANSWER
    use = _use_from_header(usage_header) or _counted_use(str(body.get("model")), prompt, text)
    return Reply("" if tool_name else text, tool_name, use)


def _counted_use(model: str, prompt: object, text: str) -> TokenUse:
    input_tokens = count_tokens(prompt)
    visible_tokens = count_tokens(text)
    reasoning_tokens = 2 * visible_tokens if model.startswith(("o", "gpt-5")) else 0
    cached_tokens = 0
    if input_tokens >= _CACHED_FROM_TOKENS:
        cached_tokens = input_tokens // 2 // _CACHED_STEP_TOKENS * _CACHED_STEP_TOKENS
    return TokenUse(
        input_tokens,
        visible_tokens + reasoning_tokens,
        cached_tokens=cached_tokens,
        reasoning_tokens=reasoning_tokens,
    )


def _use_from_header(usage_header: str) -> TokenUse | None:
    return TokenUse(**json.loads(usage_header)) if usage_header else None


def _tool_to_call(body: Mapping[str, Any], prompt: object) -> str | None:
    tools = [tool for tool in body.get("tools") or () if tool.get("type") == "function"]
    if not tools or body.get("tool_choice") == "none" or _has_tool_result(prompt):
        return None
    first = tools[0]
    return str(first.get("name") or first["function"]["name"])


def _has_tool_result(prompt: object) -> bool:
    return isinstance(prompt, list) and any(
        isinstance(item, Mapping)
        and (item.get("role") == "tool" or item.get("type") == "function_call_output")
        for item in prompt
    )
