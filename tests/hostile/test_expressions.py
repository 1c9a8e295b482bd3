"""No regular expression of the product takes long over what strangers may send (ReDoS).

Every expression that a module of the product compiles is tried on long runs of what it may repeat:
its own literal characters, digits, spaces and letters, with an end that does not fit.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import time

import pytest

import chatworks

LENGTH = 20_000
SECONDS_MAX = 1.0
SKIPPED = ("chatworks.__main__", "chatworks.testing")


def expressions() -> dict[str, re.Pattern]:
    found: dict[str, re.Pattern] = {}
    for module in pkgutil.walk_packages(chatworks.__path__, "chatworks."):
        if module.name.startswith(SKIPPED):
            continue
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, re.Pattern):
                found.setdefault(f"{module.name}.{name}", value)
    return found


ALL = expressions()


def runs(pattern: re.Pattern) -> set[str]:
    given = pattern.pattern
    text = given if isinstance(given, str) else given.decode("latin-1")
    pieces = {*text, *"a0 -_/.,<>[]{}\"'\\=&;:@\n\t", "ab", "a ", "a.", '\\"', " \n", "<!", "a,"}
    return {f"{piece * (LENGTH // len(piece))}\x01" for piece in pieces}


def test_the_expressions_are_found() -> None:
    assert len(ALL) >= 40
    assert "chatworks.inbox.door.PATH" in ALL


@pytest.mark.parametrize("name", ALL)
def test_no_expression_of_the_product_takes_long(name: str) -> None:
    pattern = ALL[name]
    for run in runs(pattern):
        given = run if isinstance(pattern.pattern, str) else run.encode("latin-1", "replace")
        begun = time.process_time()
        pattern.fullmatch(given)
        pattern.match(given)
        assert time.process_time() - begun < SECONDS_MAX, run[:20]
