"""The API's description, OpenAPI 3.1, made from the types of what is registered. Pure.

Requests are described by the structs that read them, so that limits which are checked and limits
which are published are the same. Links say which answers hold the id that another request takes.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from chatworks.api import core
from chatworks.api.models import Problem
from chatworks.api.strict import strict
from chatworks.commands.models import Command, Registration

VERSION = "1"
PROBLEMS = "/problems"
TEMPLATE = "#/components/schemas/{name}"
ABOUT = """Everything that operators of an outlet may do, for programs.

Show a key (`Authorization: Bearer cw_live_…`): it belongs to one outlet, and names what it may do.
A request is a JSON object; a field that is not described is refused. Give a command an
`Idempotency-Key`: sent again within a day it is not done twice, and answered as the first time."""
SAID = {
    "400": "The body is no JSON.",
    "401": "There is no key, or it does not work.",
    "403": "The key does not name this, or its issuer may not do it.",
    "409": "The business refuses: `code` says why.",
    "413": "The body is too large.",
    "415": "The body is called something else than JSON.",
    "422": "A field does not fit: `errors` say which, and its limit.",
    "429": "Too many requests: wait as `Retry-After` says.",
}


def document(offered: Sequence[Registration], address: str) -> dict[str, Any]:
    """Return the description of these requests, served at ``address``."""
    types: list[Any] = [Problem]
    for registration in offered:
        types += [strict(registration.request), registration.request.result_type]
    schemas, components = msgspec.json.schema_components(types, ref_template=TEMPLATE)
    _tidy(components)
    answers = {
        registration.request.request_name: schemas[2 * i + 2]
        for i, registration in enumerate(offered)
    }
    takers = _takers(offered)
    return {
        "openapi": "3.1.0",
        "info": {"title": "ChatWorks", "version": VERSION, "description": ABOUT},
        "servers": [{"url": address}],
        "security": [{"key": []}],
        "paths": {
            core.address(registration.request.request_name): {
                "post": _operation(
                    registration,
                    (schemas[2 * i + 1], schemas[2 * i + 2]),
                    _links(answers[registration.request.request_name], components, takers),
                )
            }
            for i, registration in enumerate(offered)
        },
        "components": {
            "schemas": components,
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A key that somebody of the outlet issued in the console.",
                }
            },
            "responses": {
                status: {
                    "description": said,
                    "content": {"application/problem+json": {"schema": schemas[0]}},
                }
                for status, said in SAID.items()
            },
        },
    }


def _operation(
    registration: Registration, schemas: tuple[Any, Any], links: Mapping[str, Any]
) -> dict[str, Any]:
    request = registration.request
    told = inspect.cleandoc(request.__doc__ or "")
    changes = issubclass(request, Command)
    required = any(field.required for field in msgspec.structs.fields(strict(request)))
    answered: dict[str, Any] = {
        "description": "Done." if changes else "What was asked for.",
        "content": {"application/json": {"schema": schemas[1]}},
    }
    if links:
        answered["links"] = dict(links)
    operation: dict[str, Any] = {
        "operationId": request.request_name,
        "tags": [request.request_name.partition(".")[0]],
        "summary": told.partition("\n")[0].partition(". ")[0].rstrip("."),
        "description": f"{told}\n\nScopes: {', '.join(core.names(registration))}.",
        "requestBody": {
            "required": required,
            "content": {"application/json": {"schema": schemas[0]}},
        },
        "responses": {
            "200": answered,
            **{status: {"$ref": f"#/components/responses/{status}"} for status in SAID},
        },
    }
    if changes:
        operation["parameters"] = [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "description": "Yours, new for each thing to do: repeats of it are not done again.",
                "schema": {"type": "string", "maxLength": 128, "pattern": "^[!-~]*$"},
            }
        ]
    return operation


def _tidy(components: Mapping[str, Any]) -> None:
    """Let descriptions be texts, without the indentation of our source."""
    for component in components.values():
        if "description" in component:
            component["description"] = inspect.cleandoc(component["description"])


def _takers(offered: Sequence[Registration]) -> dict[str, list[str]]:
    """Return which requests take an id, by its field's name."""
    takers: dict[str, list[str]] = {}
    for registration in offered:
        for field in msgspec.structs.fields(strict(registration.request)):
            if field.name.endswith("_id"):
                takers.setdefault(field.name, []).append(registration.request.request_name)
    return takers


def _links(
    schema: Mapping[str, Any], components: Mapping[str, Any], takers: Mapping[str, list[str]]
) -> dict[str, Any]:
    """Return the links of an answer: for each id in it, the requests that take such an id."""
    return {
        name: {"operationId": name, "requestBody": {field: f"$response.body#{pointer}"}}
        for field, pointer in _ids(schema, components)
        for name in takers.get(field, ())
    }


def _ids(
    schema: Mapping[str, Any], components: Mapping[str, Any], at: str = ""
) -> Iterator[tuple[str, str]]:
    """Yield the ids that an answer holds: their names, and where. ``Product.id`` is product_id."""
    if "$ref" in schema:
        schema = components[schema["$ref"].rpartition("/")[2]]
    if schema.get("type") == "array" and "items" in schema:
        yield from _ids(schema["items"], components, f"{at}/0")
    for name, inner in schema.get("properties", {}).items():
        if name == "id":
            yield f"{schema['title'].lower()}_id", f"{at}/{name}"
        elif name.endswith("_id"):
            yield name, f"{at}/{name}"
        elif inner.get("type") == "array":
            yield from _ids(inner, components, f"{at}/{name}")
