"""A smallest value that fits a JSON schema, for answers to structured-output requests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["example_of"]

_EXAMPLES: dict[str, Any] = {
    "string": "text",
    "integer": 1,
    "number": 1.5,
    "boolean": True,
    "null": None,
}


def example_of(schema: Mapping[str, Any], root: Mapping[str, Any] | None = None) -> Any:
    """A value that *schema* accepts, as far as structured outputs use schemas.

    References within the document, ``anyOf``, ``enum``, ``const``, objects and arrays are
    understood; limits such as ``minLength`` are not.
    """
    root = schema if root is None else root
    if "$ref" in schema:
        return example_of(_resolve(root, schema["$ref"]), root)
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    if schema.get("anyOf"):
        return example_of(schema["anyOf"][0], root)
    if "properties" in schema:
        return {name: example_of(part, root) for name, part in schema["properties"].items()}
    if schema.get("type") == "array":
        return [example_of(schema.get("items", {}), root)]
    if schema.get("type") == "object":
        return {}
    kind = schema.get("type", "string")
    return _EXAMPLES[kind[0] if isinstance(kind, list) else kind]


def _resolve(root: Mapping[str, Any], reference: str) -> Mapping[str, Any]:
    part: Any = root
    for name in reference.removeprefix("#/").split("/"):
        part = part[name]
    return part  # type: ignore[no-any-return]  # a schema's parts are JSON
