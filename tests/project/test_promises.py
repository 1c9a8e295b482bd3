"""The list of promises is whole, and what it calls kept has a test."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "reference" / "promises.md").read_text()
ROWS = dict(re.findall(r"^\| ([a-z-]+) \| (kept|partly|not yet) \|", PAGE, re.MULTILINE))
SOURCE = ROOT.parent / "shared" / "PROMISES.md"


def marked() -> set[str]:
    text = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    return set(re.findall(r'pytest\.mark\.promise\("([a-z-]+)"\)', text))


def test_what_is_kept_has_a_test_and_what_is_marked_is_a_promise() -> None:
    kept = {name for name, status in ROWS.items() if status == "kept"}

    assert kept - marked() == set()
    assert marked() - set(ROWS) == set()
    assert len(ROWS) == 28


@pytest.mark.skipif(not SOURCE.exists(), reason="the source of the promises is not beside us")
def test_no_promise_is_forgotten() -> None:
    ids = set(re.findall(r"^\| ([a-z-]+) \|", SOURCE.read_text(), re.MULTILINE)) - {"id"}

    assert set(ROWS) == ids
