"""Check parsed JSON against the published schema, so that the two can't drift apart.

Knows the part of JSON Schema that our own schemas use; tests hold it to a full validator.
"""

import json
import re
from collections.abc import Callable, Mapping
from functools import cache
from importlib import resources
from typing import Any

from pytest_timestamps.errors import ReportFormatError

__all__ = ["check_report", "load_schema"]

# Returns None for a value that fits, else where (from the inside out) and why it doesn't.
_Fault = tuple[list[str], str]
_Check = Callable[[Any], _Fault | None]
_TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
}


@cache
def load_schema(version: int = 1) -> dict[str, Any]:
    """The published JSON Schema of that version of the session report."""
    name = f"session-report-v{version}.schema.json"
    text = resources.files("pytest_timestamps.report").joinpath(name).read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def check_report(value: object) -> None:
    """Raise ReportFormatError with the place and the reason unless ``value`` fits the schema."""
    fault = _report_check()(value)
    if fault is not None:
        where, why = fault
        place = "".join(reversed(where)).lstrip(".") or "the document"
        raise ReportFormatError(f"{place}: {why}")


@cache
def _report_check() -> _Check:
    schema = load_schema()
    return _compile(schema, schema, {})


def _compile(node: Mapping[str, Any], root: Mapping[str, Any], known: dict[str, _Check]) -> _Check:
    """A function that checks one value against one schema node."""
    if "$ref" in node:
        reference = node["$ref"]
        if reference not in known:
            known[reference] = _compile(root["$defs"][reference.rpartition("/")[2]], root, known)
        return known[reference]
    checks: list[_Check] = []
    if "const" in node:
        checks.append(_one_of([node["const"]]))
    if "enum" in node:
        checks.append(_one_of(node["enum"]))
    if "type" in node:
        checks.append(_typed(node["type"]))
    if "minimum" in node:
        checks.append(_at_least(node["minimum"]))
    if "maximum" in node:
        checks.append(_at_most(node["maximum"]))
    if "minItems" in node and "prefixItems" not in node:
        checks.append(_as_many(node["minItems"]))
    if "pattern" in node:
        checks.append(_matching(node["pattern"]))
    if "properties" in node:
        fields = {key: _compile(sub, root, known) for key, sub in node["properties"].items()}
        checks.append(_with_fields(fields, node.get("required", [])))
    if "additionalProperties" in node:
        checks.append(_each_value(_compile(node["additionalProperties"], root, known)))
    if "prefixItems" in node:
        columns = [_compile(sub, root, known) for sub in node["prefixItems"]]
        checks.append(_columns(columns, node.get("minItems", 0)))
    elif "items" in node:
        checks.append(_each_item(_compile(node["items"], root, known)))
    return _all_of(checks)


def _shown(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _all_of(checks: list[_Check]) -> _Check:
    if len(checks) == 1:
        return checks[0]

    def check(value: Any) -> _Fault | None:
        for single in checks:
            fault = single(value)
            if fault is not None:
                return fault
        return None

    return check


def _typed(name: str) -> _Check:
    kinds = _TYPES[name]
    plain = frozenset(kinds)

    def check(value: Any) -> _Fault | None:
        # By exact type: Python's True is an int, JSON's true is no integer.
        if type(value) in plain:
            return None
        article = "an" if name[0] in "aio" else "a"
        return [], f"expected {article} {name}, got {_shown(value)}"

    return check


def _one_of(allowed: list[Any]) -> _Check:
    def check(value: Any) -> _Fault | None:
        if any(type(value) is type(known) and value == known for known in allowed):
            return None
        return [], f"expected {' or '.join(map(_shown, allowed))}, got {_shown(value)}"

    return check


def _at_least(least: int) -> _Check:
    def check(value: Any) -> _Fault | None:
        return None if value >= least else ([], f"expected {least} or more, got {_shown(value)}")

    return check


def _at_most(most: int) -> _Check:
    def check(value: Any) -> _Fault | None:
        return None if value <= most else ([], f"expected {most} or less, got {_shown(value)}")

    return check


def _as_many(least: int) -> _Check:
    def check(value: Any) -> _Fault | None:
        return (
            None
            if len(value) >= least
            else ([], f"expected {least} item or more, got {len(value)}")
        )

    return check


def _matching(pattern: str) -> _Check:
    search = re.compile(pattern).search

    def check(value: Any) -> _Fault | None:
        if search(value):
            return None
        return [], f"expected text that matches {pattern}, got {_shown(value)}"

    return check


def _with_fields(fields: Mapping[str, _Check], required: list[str]) -> _Check:
    def check(value: Any) -> _Fault | None:
        for key in required:
            if key not in value:
                return [], f"the field {key!r} is missing"
        for key, single in fields.items():
            if key in value:
                fault = single(value[key])
                if fault is not None:
                    fault[0].append(f".{key}")
                    return fault
        return None

    return check


def _each_value(single: _Check) -> _Check:
    def check(value: Any) -> _Fault | None:
        for key, item in value.items():
            fault = single(item)
            if fault is not None:
                fault[0].append(f".{key}")
                return fault
        return None

    return check


def _each_item(single: _Check) -> _Check:
    def check(value: Any) -> _Fault | None:
        for at, item in enumerate(value):
            fault = single(item)
            if fault is not None:
                fault[0].append(f"[{at}]")
                return fault
        return None

    return check


def _columns(columns: list[_Check], least: int) -> _Check:
    """The first ``least`` columns are in every row, the others may be left out from the end on."""
    most = len(columns)
    expected = f"{most} columns" if least == most else f"{least} to {most} columns"

    def check(value: Any) -> _Fault | None:
        if not least <= len(value) <= most:
            return [], f"expected {expected}, got {len(value)}"
        for at, (single, item) in enumerate(zip(columns, value, strict=False)):
            fault = single(item)
            if fault is not None:
                fault[0].append(f"[{at}]")
                return fault
        return None

    return check
