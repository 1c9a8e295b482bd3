"""What the templates of the account pages say to browsers about what people type."""

from __future__ import annotations

import re
from pathlib import Path

TEMPLATES = sorted((Path(__file__).parents[2] / "chatworks").glob("*/templates/*.html"))
INPUT = re.compile(r"<input\b[^>]*>")
SECRETS = {"old", "new", "again", "password"}


def inputs() -> list[str]:
    return [found for path in TEMPLATES for found in INPUT.findall(path.read_text())]


def test_every_password_field_hides_what_is_typed() -> None:
    named = [i for i in inputs() if set(re.findall(r'\bid="(\w+)"', i)) & SECRETS]

    assert len(named) >= 4
    assert [i for i in named if 'type="password"' not in i] == []


def test_password_managers_are_told_what_a_field_is() -> None:
    hidden = [i for i in inputs() if 'type="password"' in i and "-token" not in i]

    assert len(hidden) >= 4
    assert [i for i in hidden if not re.search(r'autocomplete="(current|new)-password"', i)] == []
    assert [path for path in TEMPLATES if "onpaste" in path.read_text()] == []


def test_nothing_asks_for_a_hint() -> None:
    words = re.compile(r"secret question|mother.s maiden|password hint", re.IGNORECASE)

    assert [path for path in TEMPLATES if words.search(path.read_text())] == []
