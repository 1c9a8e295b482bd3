"""The Bot API's own schema, where it lies beside the repository; tests skip without it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

PATH = Path(__file__).parents[2] / "shared" / "specs" / "telegram-bot-api.json"
SPEC: dict[str, Any] = json.loads(PATH.read_text()) if PATH.exists() else {}
needed = pytest.mark.skipif(not SPEC, reason="the Bot API's schema is not beside us")

PRIMITIVES = {"Integer": int, "Float": (int, float), "String": str, "Boolean": bool, "True": bool}


def misfit(fields: list[dict[str, Any]], value: dict[str, Any], where: str) -> str:
    """Return which parameter is unknown, missing or of the wrong type; "" if all are right."""
    known = {field["name"]: field for field in fields}
    for name in set(value) - set(known):
        return f"{where}.{name} is unknown"
    for name, field in known.items():
        if field["required"] and name not in value:
            return f"{where}.{name} is missing"
    for name, item in value.items():
        wrong = [_misfit(kind, item, f"{where}.{name}") for kind in known[name]["types"]]
        if all(wrong):
            return wrong[0]
    return ""


def _misfit(kind: str, value: Any, where: str) -> str:
    if kind.startswith("Array of "):
        inner = kind.removeprefix("Array of ")
        wrong = (
            [_misfit(inner, item, where) for item in value] if isinstance(value, list) else [where]
        )
        return next((problem for problem in wrong if problem), "")
    if kind in PRIMITIVES:
        right = isinstance(value, PRIMITIVES[kind])
        right &= not isinstance(value, bool) or kind in {"Boolean", "True"}
        return "" if right else f"{where} is no {kind}: {value!r}"
    if not isinstance(value, dict):
        return f"{where} is no {kind}: {value!r}"
    names = SPEC["types"][kind].get("subtypes") or [kind]
    wrong = [misfit(SPEC["types"][name].get("fields", []), value, where) for name in names]
    return "" if "" in wrong else wrong[0]


def request_misfit(method: str, params: dict[str, Any]) -> str:
    """Return what is wrong with a call, or ""."""
    return misfit(SPEC["methods"][method].get("fields", []), params, method)
