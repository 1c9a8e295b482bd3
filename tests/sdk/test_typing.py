"""The type checker completes and corrects an author: one run of mypy over two applets.

``typed/correct.py`` asserts the types that are inferred; in ``typed/wrong.py`` each line with a
mistake says ``# E: <code>: <part of the message>``, and nothing else may be wrong.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from mypy import api

ROOT = Path(__file__).parents[2]
TYPED = ROOT / "tests" / "sdk" / "typed"
REPORTED = re.compile(r"(\w+)\.py:(\d+): error: (.*)  \[([\w-]+)\]")


@pytest.fixture(scope="module")
def reported() -> dict[tuple[str, int], set[tuple[str, str]]]:
    """What mypy says, strict and with the project's own settings: (code, message) by line."""
    config = f"--config-file={ROOT / 'pyproject.toml'}"
    output, problems, _ = api.run(
        ["--strict", config, f"--cache-dir={ROOT / '.mypy_cache'}", str(TYPED)]
    )
    assert problems == ""
    found: dict[tuple[str, int], set[tuple[str, str]]] = {}
    for file, line, message, code in REPORTED.findall(output):
        found.setdefault((file, int(line)), set()).add((code, message))
    return found


def expected() -> list[tuple[int, str, str]]:
    lines = (TYPED / "wrong.py").read_text().splitlines()
    marked = [(n, re.search(r"# E: ([\w-]+)(?:: (.*))?$", line)) for n, line in enumerate(lines, 1)]
    return [(n, mark[1], mark[2] or "") for n, mark in marked if mark]


def test_a_correct_applet_has_the_types_that_its_author_expects(
    reported: dict[tuple[str, int], set[tuple[str, str]]],
) -> None:
    assert [line for file, line in reported if file == "correct"] == []
    assert (TYPED / "correct.py").read_text().count("assert_type") > 20


@pytest.mark.parametrize(("line", "code", "message"), expected())
def test_a_mistake_is_the_one_error_of_its_line(
    reported: dict[tuple[str, int], set[tuple[str, str]]], line: int, code: str, message: str
) -> None:
    told = reported.get(("wrong", line), set())

    assert {one for one, _ in told} == {code}
    assert all(message in text for _, text in told if message)


def test_nothing_else_is_reported(
    reported: dict[tuple[str, int], set[tuple[str, str]]],
) -> None:
    assert {line for file, line in reported if file == "wrong"} == {n for n, _, _ in expected()}


def test_the_package_says_that_it_is_typed() -> None:
    assert (ROOT / "chatworks" / "py.typed").is_file()
