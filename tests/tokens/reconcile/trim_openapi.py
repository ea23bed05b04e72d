"""Cut the provider's OpenAPI description down to the questions that reconciliation asks.

    python tests/tokens/reconcile/trim_openapi.py OPENAPI.json > usage_openapi.json

Descriptions of fields and the documentation's own examples are dropped; parameters, answers and
what they refer to are kept as published.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

PATHS = (
    "/organization/usage/completions",
    "/organization/usage/embeddings",
    "/organization/usage/moderations",
    "/organization/costs",
)


def references(value: Any) -> Iterator[str]:
    """Every ``$ref`` in *value*."""
    if isinstance(value, dict):
        for name, part in value.items():
            if name == "$ref" and isinstance(part, str):
                yield part
            else:
                yield from references(part)
    elif isinstance(value, list):
        for part in value:
            yield from references(part)


def without_prose(value: Any) -> Any:
    """The same without descriptions and extensions."""
    if isinstance(value, dict):
        return {
            name: without_prose(part)
            for name, part in value.items()
            if not name.startswith("x-") and not (name == "description" and isinstance(part, str))
        }
    return [without_prose(part) for part in value] if isinstance(value, list) else value


def trimmed(spec: dict[str, Any]) -> dict[str, Any]:
    """The description of `PATHS` alone."""
    paths = {}
    for path in PATHS:
        question = spec["paths"][path]["get"]
        good = {
            status: answer for status, answer in question["responses"].items() if status == "200"
        }
        paths[path] = {"get": {**question, "responses": good}}
    kept: dict[str, dict[str, Any]] = {
        "securitySchemes": spec["components"].get("securitySchemes", {})
    }
    waiting = list(references(paths))
    while waiting:
        _, _, kind, name = waiting.pop().split("/")
        if name not in kept.setdefault(kind, {}):
            kept[kind][name] = spec["components"][kind][name]
            waiting += references(kept[kind][name])
    outline = without_prose({"paths": paths, "components": kept})
    for path in PATHS:
        # The one description that OpenAPI itself requires.
        outline["paths"][path]["get"]["responses"]["200"]["description"] = "OK"
    return {"openapi": spec["openapi"], "info": {"title": "Usage", "version": "1"}, **outline}


if __name__ == "__main__":
    text = Path(sys.argv[1]).read_text(encoding="utf-8")
    print(json.dumps(trimmed(json.loads(text)), indent=1))
