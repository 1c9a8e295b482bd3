"""The lint: each rule has something that it finds, and something alike that it leaves alone."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from chatworks.authoring import check_applet
from chatworks.cli import cli
from chatworks.sdk.lint import check

APPLETS = Path(__file__).parents[2] / "chatworks" / "applets"
TALK = "async def go(talk: Chat[None]) -> None:\n    "
TRY = "async def go(chat: Chat[None]) -> None:\n    try:\n        await chat.do(x)\n    "
ASYNC = "async def go(chat: Chat[None]) -> None:\n    "

RULES: list[tuple[str, str, str, str]] = [
    ("import", "import os", "import math", "os cannot be used in an applet"),
    ("import", "import asyncio", "from chatworks.sdk import Chat", "asyncio cannot be used"),
    ("import", "from time import sleep", "from datetime import time", "time.sleep cannot be used"),
    ("import", "from uuid import uuid4", "from uuid import UUID", "uuid.uuid4 cannot be used"),
    (
        "import",
        "from chatworks.orders.store import find",
        "from chatworks.orders.models import MyOrders",
        "chatworks.orders.store.find cannot be used",
    ),
    ("import", "from .. import other", "from . import texts", "cannot be used in an applet"),
    (
        "import",
        "from chatworks.applets.staff.applet import staff",
        "from chatworks.applets.shop.texts import HELLO",
        "chatworks.applets.staff.applet.staff cannot",
    ),
    (
        "call",
        f"{ASYNC}today = date.today()",
        f"{ASYNC}today = (await chat.now()).date()",
        "today() cannot be replayed",
    ),
    (
        "call",
        f"{ASYNC}then = datetime.now(UTC)",
        f"{ASYNC}then = datetime(2026, 1, 1)",
        "now() cannot be replayed",
    ),
    ("call", f"{ASYNC}print('hi')", f"{ASYNC}await chat.say('hi')", "print() cannot be replayed"),
    ("call", "TEXT = open('x').read()", "TEXT = 'x'", "open() cannot be replayed"),
    ("call", "def f(x):\n    return eval(x)", "def f(x):\n    return int(x)", "eval() cannot be"),
    (
        "order",
        f"{ASYNC}for x in {{'a', 'b'}}:\n        await chat.say('hi')",
        f"{ASYNC}for x in sorted({{'a', 'b'}}):\n        await chat.say('hi')",
        "go through sorted(…) of it",
    ),
    ("order", "X = tuple(set('ab'))", "X = len(set('ab'))", "another order in every process"),
    ("order", "X = tuple(c for c in set('ab'))", "X = tuple(c for c in 'ab')", "sorted(…)"),
    ("await", f"{ASYNC}await sleep(1)", f"{ASYNC}await chat.do(x)", "await only chat's methods"),
    (
        "await",
        f"{ASYNC}await client.get('x')",
        f"{ASYNC}await part(chat)\n\nasync def part(chat: Chat[None]) -> None:\n    pass",
        "nothing else is recorded",
    ),
    (
        "await",
        f"{ASYNC}await later",
        f"from .parts import part\n\n{ASYNC}await part(chat)",
        "nothing else is recorded",
    ),
    (
        "await",
        f"{ASYNC}async with lock:\n        pass",
        f"from . import parts\n\n{ASYNC}await parts.part(chat)",
        "await only chat's methods",
    ),
    (
        "forgotten-await",
        f"{ASYNC}chat.say('hi')",
        f"{ASYNC}chat.text('hi')",
        "write “await chat.say(…)”",
    ),
    (
        "forgotten-await",
        f"{TALK}if talk.confirm('Sure?'):\n        pass",
        f"{TALK}if await talk.confirm('Sure?'):\n        pass",
        "write “await chat.confirm(…)”",
    ),
    (
        "except",
        f"{TRY}except Exception:\n        pass",
        f"{TRY}except OutOfStock:\n        pass",
        "name the refusals that you expect",
    ),
    (
        "except",
        f"{TRY}except:\n        pass",
        f"{TRY}except (OutOfStock, TooLate):\n        pass",
        "name the refusals that you expect",
    ),
    (
        "except",
        f"{TRY}except (OutOfStock, BaseException):\n        pass",
        f"{TRY}finally:\n        pass",
        "name the refusals that you expect",
    ),
    (
        "global",
        "count = 0\n\ndef f():\n    global count\n    count = 1",
        "def f():\n    count = 1\n    return count",
        "keeps nothing between turns",
    ),
    (
        "global",
        "applet = Applet('x')\n\ndef f():\n    applet.seen = 1",
        "applet = Applet('x')\n\ndef f(other):\n    other.seen = 1",
        "keeps nothing between turns",
    ),
    (
        "global",
        "from x import SEEN\nseen = SEEN\n\ndef f():\n    seen.append(1)",
        "def f():\n    seen = []\n    seen.append(1)",
        "keeps nothing between turns",
    ),
    ("module-state", "SIZES = [5, 10]", "SIZES = (5, 10)", "use a tuple"),
    (
        "module-state",
        "NAMES: dict[str, str] = {'a': 'b'}",
        "NAMES = MappingProxyType({'a': 'b'})",
        "MappingProxyType",
    ),
    ("module-state", "SEEN = set()", "SEEN = frozenset({1})", "a frozenset"),
    (
        "text",
        f"{ASYNC}await chat.say(f'Hello {{name}}')",
        f"{ASYNC}await chat.say('Hello {{name}}', name=name)",
        "must stand here as a literal",
    ),
    (
        "text",
        f"{ASYNC}await chat.say('Hello {{name}}', called=name)",
        f"{ASYNC}await chat.say('Hello {{name.first}}', name=name)",
        "give a value for {name}; called is in no field of the text.",
    ),
    (
        "text",
        f"{ASYNC}await chat.choose('Which {{what}}?', options, label=str)",
        f"{ASYNC}await chat.choose('Which {{what}}?', options, label=str, what=what)",
        "give a value for {what}.",
    ),
    (
        "text",
        f"{ASYNC}await chat.say('Open {{', x=1)",
        f"{ASYNC}await chat.say('{{a}} or {{b}}', **values)",
        "the braces of this text do not match",
    ),
    ("syntax", "def f(:", "def f(): ...", "Python cannot read this"),
]


@pytest.mark.parametrize(("rule", "bad", "good", "advice"), RULES)
def test_a_rule_finds_what_is_meant_and_nothing_else(
    rule: str, bad: str, good: str, advice: str
) -> None:
    found = [finding for finding in check(bad, "applet.py", "shop") if finding.rule == rule]
    left = [finding for finding in check(good, "applet.py", "shop") if finding.rule == rule]

    assert len(found) == 1
    assert advice in found[0].advice
    assert found[0].advice.endswith(".")
    assert left == []


def test_a_finding_names_file_and_line() -> None:
    (finding,) = check("import math\n\nimport random\n", "shop/applet.py", "shop")

    assert str(finding).startswith("shop/applet.py:3: import: random cannot be used in an applet")


def test_the_shipped_applets_have_nothing_to_do() -> None:
    ran = CliRunner().invoke(cli, ["applet", "check", str(APPLETS)])

    assert ran.output == "3 applets checked: nothing to do.\n"
    assert ran.exit_code == 0


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A copy of the water applet that a test may spoil."""
    return Path(shutil.copytree(APPLETS / "water", tmp_path / "water"))


SPOILT: list[tuple[str, str, str, list[str]]] = [
    (
        "manifest.toml",
        'name = "where"',
        'name = "Where!"',
        ["'Where!' is no name: use 1 to 32 of a to z, 0 to 9 and _."],
    ),
    ("manifest.toml", 'version = "1.0.0"', 'version = "new"', ["'new' is no version"]),
    ("manifest.toml", '"en", "sw"', '"sw"', ["languages has no en", "has words in en, which"]),
    ("manifest.toml", 'sw = "Maji"', "", ["the applet has no title in sw."]),
    ("manifest.toml", ', sw = "Agiza maji"', "", ["order has no title in sw."]),
    ("manifest.toml", '"track"', '"menu"', ["“menu” always means menu: where needs another word."]),
    ("manifest.toml", '"track"', '"buy"', ["the words “buy” start two commands."]),
    (
        "manifest.toml",
        'name = "where"',
        'name = "order"',
        ["the command order stands there twice."],
    ),
    ("manifest.toml", "[title]", "[titles]", ["Object contains unknown field `titles`"]),
    (
        "manifest.toml",
        "orders.MyOrders",
        "orders.MyOrder",
        ["orders.MyOrder: there is no such request.", 'add "orders.MyOrders" to the manifest'],
    ),
    (
        "manifest.toml",
        '"orders.PlaceOrder"',
        '"orders.PlaceOrder", "orders.MoveOrder", "nowhere.Go", "Go"',
        [
            "orders.MoveOrder: the code never gives it: take it out.",
            "nowhere.Go: there is no such request.",
            "Go: there is no such request.",
        ],
    ),
    (
        "applet.py",
        "Good, it stays.",
        "Fine, it stays.",
        ["translate “Fine, it stays.”.", "nobody says “Good, it stays.” any more."],
    ),
    (
        "locale/sw/LC_MESSAGES/water.po",
        "Jumla: {total}",
        "Jumla: {sum}",
        ["“Total: {total}” has other fields here."],
    ),
    ("applet.py", "import annotations", "import annotations\nimport random", ["random cannot"]),
    ("applet.py", "applet = Applet", "applet = = Applet", ["Python cannot read this"]),
]


@pytest.mark.parametrize(("file", "was", "becomes", "told"), SPOILT)
def test_what_is_spoilt_in_an_applet_is_told(
    shop: Path, file: str, was: str, becomes: str, told: list[str]
) -> None:
    path = shop / file
    text = path.read_text()
    assert was in text
    path.write_text(text.replace(was, becomes, 1))

    found = [str(finding) for finding in check_applet(shop)]
    ran = CliRunner().invoke(cli, ["applet", "check", str(shop)])

    assert [[part in line for line in found].count(True) > 0 for part in told] == [True] * len(told)
    assert ran.output.splitlines() == found
    assert ran.exit_code == 1


def test_a_folder_without_an_applet_is_refused(tmp_path: Path) -> None:
    ran = CliRunner().invoke(cli, ["applet", "check", str(tmp_path)])

    assert ran.exit_code == 1
    assert ran.output == "Error: there is no manifest.toml in these folders\n"
