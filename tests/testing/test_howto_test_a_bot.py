"""The how-to page's examples are tests; here they run."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "test-a-bot.md"
EXAMPLES = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("which", range(len(EXAMPLES)))
async def test_an_example_passes(which: int) -> None:
    names: dict[str, Any] = {}
    exec(compile(EXAMPLES[which], f"example {which}", "exec"), names)  # noqa: S102 - our own page
    tests = [test for name, test in names.items() if name.startswith("test_")]

    assert [inspect.iscoroutinefunction(test) for test in tests] == [True]
    await tests[0]()


def test_the_page_has_an_example_of_each_messenger() -> None:
    used = [re.search(r"async with (\w+)\(", example) for example in EXAMPLES]

    assert [found[1] for found in used if found] == ["BotApi", "Twilio", "WhatsApp"]
