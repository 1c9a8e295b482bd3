"""Twilio's own specifications, where they lie beside the repository; tests skip without them."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

FOLDER = Path(__file__).parents[2] / "shared" / "specs"
FILES = (
    "twilio_api_v2010.json",
    "twilio_content_v1.json",
    "twilio_messaging_v1.json",
    "twilio_messaging_v3.json",
)
needed = pytest.mark.skipif(
    not all((FOLDER / name).exists() for name in FILES), reason="the schemas are not beside us"
)
TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "object": dict,
    "array": list,
    "boolean": bool,
    "integer": int,
    "number": (int, float),
}


@cache
def specifications() -> list[dict[str, Any]]:
    """Return the files that requests are checked against."""
    return [json.loads((FOLDER / name).read_text()) for name in FILES if (FOLDER / name).exists()]


def request_misfit(method: str, path: str, media_type: str, body: dict[str, Any]) -> str:
    """Return what is wrong with a request, or "". ``body`` is the JSON, the form (a field that
    came more than once is a list), or the query.
    """
    for spec in specifications():
        for template, item in spec["paths"].items():
            pattern = re.sub(r"\{[^}]+\}", "[^/]+", template.replace(".", r"\."))
            if re.fullmatch(pattern, path) and method.lower() in item:
                return _operation(spec, item[method.lower()], media_type, body)
    return f"{method} {path} is no operation"


def _operation(
    spec: dict[str, Any], operation: dict[str, Any], media_type: str, body: dict[str, Any]
) -> str:
    if "requestBody" not in operation:
        named = {p["name"]: p["schema"] for p in operation.get("parameters", ())}
        return _fields(spec, named, body, "query")
    content = operation["requestBody"]["content"]
    if media_type not in content:
        return f"the body is {media_type}"
    return _misfit(spec, content[media_type]["schema"], body, "body", form="form" in media_type)


def _fields(spec: dict[str, Any], known: dict[str, Any], body: dict[str, Any], where: str) -> str:
    for name, value in body.items():
        if name not in known:
            return f"{where}.{name} is unknown"
        wrong = _misfit(spec, known[name], value, f"{where}.{name}", form=True)
        if wrong:
            return wrong
    return ""


def _misfit(  # noqa: PLR0911 - one for each rule
    spec: dict[str, Any], schema: Any, value: Any, where: str, *, form: bool
) -> str:
    """Return how ``value`` fails its schema; in a form everything is text, and may be a list."""
    if "$ref" in schema:
        schema = spec["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    if "oneOf" in schema:
        wrong = [_misfit(spec, one, value, where, form=form) for one in schema["oneOf"]]
        return "" if "" in wrong else wrong[0]
    if "enum" in schema and value not in schema["enum"]:
        return f"{where} is {value!r}"
    if "pattern" in schema and not re.search(schema["pattern"], value):
        return f"{where} is {value!r}"
    kind = schema.get("type", "object")
    if kind == "array" and form and not isinstance(value, list):
        value = [value]
    if kind != "object" and form and kind != "array":
        return "" if isinstance(value, str) else f"{where} is more than one"
    if not isinstance(value, TYPES[kind]):
        return f"{where} is no {kind}"
    if kind == "array":
        items = [_misfit(spec, schema["items"], item, where, form=form) for item in value]
        return next((wrong for wrong in items if wrong), "")
    return _object(spec, schema, value, where, form=form) if kind == "object" else ""


def _object(spec: dict[str, Any], schema: Any, value: Any, where: str, *, form: bool) -> str:
    missing = [name for name in schema.get("required", ()) if name not in value]
    if missing:
        return f"{where}.{missing[0]} is missing"
    known, rest = schema.get("properties", {}), schema.get("additionalProperties")
    for name, item in value.items():
        inner = known.get(name) or (rest if isinstance(rest, dict) else None)
        if inner is None:
            return f"{where}.{name} is unknown"
        wrong = _misfit(spec, inner, item, f"{where}.{name}", form=form)
        if wrong:
            return wrong
    return ""


def leaving(url: str, method: str, data: bytes | None, media_type: str) -> str:
    """Return what is wrong with a request as it leaves, or ""."""
    parts = urlsplit(url)
    fields: dict[str, Any] = {}
    if media_type.startswith("application/json") and data is not None:
        return request_misfit(method, parts.path, "application/json", json.loads(data))
    for name, value in parse_qsl(parts.query if data is None else data.decode()):
        known = fields.get(name)
        fields[name] = (
            value if known is None else [*([known] if isinstance(known, str) else known), value]
        )
    return request_misfit(method, parts.path, media_type, fields)
