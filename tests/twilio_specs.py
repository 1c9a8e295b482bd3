"""Twilio's own OpenAPI descriptions, where they lie beside the repository; tests skip without them.

A small reading of OpenAPI: what a schema says of a value's type, form, enumeration and properties;
a property that the schema does not name is a misfit.
"""

from __future__ import annotations

import json
import re
from email.utils import parsedate_to_datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

FOLDER = Path(__file__).parents[2] / "shared" / "specs"
API, CONTENT, CONTENT_2, TYPING = (
    "twilio_api_v2010",
    "twilio_content_v1",
    "twilio_content_v2",
    "twilio_messaging_v3",
)
needed = pytest.mark.skipif(
    not (FOLDER / f"{API}.json").exists(), reason="Twilio's specifications are not beside us"
)
TYPES: dict[str, Any] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "object": dict,
    "array": list,
}


@cache
def spec(name: str) -> dict[str, Any]:
    """Return a description by its file's name."""
    read: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text())
    return read


def resolved(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """Return a schema, or the one that it points to."""
    while "$ref" in schema:
        schema = spec(name)["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def operation(name: str, ident: str) -> tuple[str, str, dict[str, Any]]:
    """Return the method, the path and the description of an operation."""
    for path, item in spec(name)["paths"].items():
        for method, described in item.items():
            if isinstance(described, dict) and described.get("operationId") == ident:
                return method.upper(), path, described
    raise LookupError(f"no operation {ident} in {name}")


def request_schema(name: str, ident: str) -> dict[str, Any]:
    """Return the schema of an operation's body."""
    [content] = operation(name, ident)[2]["requestBody"]["content"].values()
    return resolved(name, content["schema"])


def answer_misfit(name: str, ident: str, status: int, body: Any) -> str:
    """Return what is wrong with an answer, or ""."""
    answers = operation(name, ident)[2]["responses"]
    if str(status) not in answers:
        return f"{ident} never answers {status}"
    [content] = answers[str(status)].get("content", {"": {"schema": {}}}).values()
    return misfit(name, content["schema"], body, ident)


def misfit(name: str, schema: dict[str, Any], value: Any, where: str) -> str:
    """Return where a value does not fit a schema, or ""."""
    schema = resolved(name, schema)
    if value is None:
        return "" if schema.get("nullable") or not schema else f"{where} is null"
    if "oneOf" in schema:
        wrong = [misfit(name, one, value, where) for one in schema["oneOf"]]
        return "" if "" in wrong else wrong[0]
    expected = TYPES.get(schema.get("type", ""), object)
    if not isinstance(value, expected) or (isinstance(value, bool) and expected is int):
        return f"{where} is no {schema['type']}: {value!r}"
    if isinstance(value, str):
        return _text(schema, value, where)
    if isinstance(value, list):
        parts = [misfit(name, schema.get("items", {}), item, f"{where}[]") for item in value]
        return next((part for part in parts if part), "")
    return _object(name, schema, value, where) if isinstance(value, dict) else ""


def _text(schema: dict[str, Any], value: str, where: str) -> str:
    if not re.search(schema.get("pattern", ""), value):
        return f"{where} has another form: {value!r}"
    if value not in schema.get("enum", [value]):
        return f"{where} is none of its values: {value!r}"
    if schema.get("format") == "date-time-rfc-2822":
        parsedate_to_datetime(value)  # raises where it is none
    return ""


def _object(name: str, schema: dict[str, Any], value: dict[str, Any], where: str) -> str:
    properties = schema.get("properties")
    if properties is None:
        return ""
    strange = sorted(set(value) - set(properties))
    missing = sorted(set(schema.get("required", ())) - set(value))
    if strange or missing:
        return f"{where}: unknown {strange}, missing {missing}"
    parts = (misfit(name, properties[key], item, f"{where}.{key}") for key, item in value.items())
    return next((part for part in parts if part), "")
