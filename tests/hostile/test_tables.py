"""The tables of the reference say what is so: each number once, each test there, counts true."""

from __future__ import annotations

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
STATES = {"pass", "not applicable", "gap"}
CHAPTERS = 17
TEST = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
SUMS = re.compile(
    r"(\d+) requirements \((\d+) of level 1, (\d+) of level 2\): "
    r"(\d+) pass, (\d+) not applicable, (\d+) gap\."
)


def rows(page: str, columns: int) -> list[list[str]]:
    lines = [line for line in (REFERENCE / page).read_text().splitlines() if line.startswith("| ")]
    cut = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    assert {len(row) for row in cut} == {columns}
    return [row for row in cut if row[-2] != "State"]


@cache
def cases_in(path: str) -> frozenset[str]:
    """The tests that pytest collects from a module: its own functions by name."""
    if not (ROOT / path).is_file():
        return frozenset()
    tree = ast.parse((ROOT / path).read_text())
    functions = (n for n in tree.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))
    return frozenset(n.name for n in functions if n.name.startswith("test_"))


def test_the_requirements_of_both_levels_stand_there_once() -> None:
    found = rows("asvs.md", 5)
    numbers = [tuple(map(int, row[0].split("."))) for row in found]
    levels, states = Counter(row[1] for row in found), Counter(row[3] for row in found)
    sums = SUMS.search((REFERENCE / "asvs.md").read_text())

    assert numbers == sorted(set(numbers))
    assert {number[0] for number in numbers} == set(range(1, CHAPTERS + 1))
    assert levels == {"1": 70, "2": 183}
    assert sums is not None
    assert tuple(map(int, sums.groups())) == (
        253, 70, 183, states["pass"], states["not applicable"], states["gap"],
    )  # fmt: skip


@pytest.mark.parametrize(("page", "columns"), [("asvs.md", 5), ("attacks.md", 3)])
def test_what_passes_names_tests_that_are_there(page: str, columns: int) -> None:
    for row in rows(page, columns):
        state, evidence = row[-2:]
        named = TEST.findall(evidence)
        assert state in STATES, row
        assert [name for path, name in named if name not in cases_in(path)] == [], row
        if state == "pass":
            assert named, row
            assert TEST.sub("", evidence).replace("<br>", "") == "", row
        else:
            assert len(evidence) >= 8, row
