"""Cut the provider's OpenAPI description down to the schemas of the answers that the sandbox gives.

    python tests/sandbox/trim_openapi.py OPENAPI.json > tests/sandbox/answer_schemas.json

Descriptions and examples are dropped. Of wide unions only the members that the sandbox uses are
kept, so an answer that fits the cut schemas fits the whole ones too, never the other way round.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOTS = (
    "CreateChatCompletionResponse",
    "CreateChatCompletionStreamResponse",
    "CreateEmbeddingResponse",
    "ErrorResponse",
    "ProjectApiKey",
    "ProjectApiKeyDeleteResponse",
    "ProjectApiKeyListResponse",
    "ProjectServiceAccount",
    "ProjectServiceAccountCreateResponse",
    "ProjectServiceAccountDeleteResponse",
    "ProjectServiceAccountListResponse",
    "Response",
    "ResponseStreamEvent",
    "ServiceAccountApiKeyBody",
    "UsageResponse",
)
KEPT_MEMBERS = {
    "OutputItem": {"OutputMessage", "FunctionToolCall"},
    "InputItem": {"EasyInputMessage"},
    "Tool": {"FunctionTool"},
    "ResponseStreamEvent": {
        "ResponseCreatedEvent",
        "ResponseInProgressEvent",
        "ResponseOutputItemAddedEvent",
        "ResponseFunctionCallArgumentsDoneEvent",
        "ResponseContentPartAddedEvent",
        "ResponseTextDeltaEvent",
        "ResponseTextDoneEvent",
        "ResponseContentPartDoneEvent",
        "ResponseOutputItemDoneEvent",
        "ResponseCompletedEvent",
    },
}
_PROSE = {"description", "example", "examples", "title", "deprecated"}


def trim(document: dict[str, Any]) -> dict[str, Any]:
    """The schemas that `ROOTS` need, by name."""
    schemas = document["components"]["schemas"]
    kept: dict[str, Any] = {}
    wanted = list(ROOTS)
    while wanted:
        name = wanted.pop()
        if name not in kept:
            kept[name] = _without_prose(_with_members(schemas[name], KEPT_MEMBERS.get(name)))
            wanted += _referenced(kept[name])
    return {"components": {"schemas": dict(sorted(kept.items()))}}


def _with_members(schema: dict[str, Any], members: set[str] | None) -> dict[str, Any]:
    if members is None:
        return schema
    cut = {name: part for name, part in schema.items() if name != "discriminator"}
    for union in ("anyOf", "oneOf"):
        if union in cut:
            cut[union] = [part for part in cut[union] if set(_referenced(part)) & members]
    return cut


def _without_prose(part: Any, *, is_property_map: bool = False) -> Any:
    if isinstance(part, list):
        return [_without_prose(value) for value in part]
    if not isinstance(part, dict):
        return part
    cut = {
        name: _without_prose(value, is_property_map=name == "properties")
        for name, value in part.items()
        if is_property_map or (name not in _PROSE and not name.startswith("x-"))
    }
    # The document still marks some parts the way of OpenAPI 3.0, which JSON Schema ignores.
    if not is_property_map and cut.pop("nullable", False):
        return {"anyOf": [cut, {"type": "null"}]}
    return cut


def _referenced(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        for name, value in part.items():
            if name == "$ref":
                yield str(value).rpartition("/")[2]
            elif name != "discriminator":
                yield from _referenced(value)
    elif isinstance(part, list):
        for value in part:
            yield from _referenced(value)


if __name__ == "__main__":
    print(json.dumps(trim(json.loads(Path(sys.argv[1]).read_text())), indent=1))
