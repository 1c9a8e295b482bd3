"""Every text that a person reads exists in Swahili; nothing is translated that is not said."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from chatworks.access.core import OUTLET_ROLES
from chatworks.account import (
    consent_pages,
    entry_pages,
    own_pages,
    password_pages,
    second_pages,
    security_pages,
    with_pages,
)
from chatworks.account import core as acts
from chatworks.api.words import AREAS, SEE
from chatworks.conversations import choices
from chatworks.conversations.elsewhere import REFUSED
from chatworks.factors import pages as gate
from chatworks.identity.letters import LETTERS
from chatworks.kit.texts import Texts
from chatworks.orders import core
from chatworks.privacy.core import CATEGORY_NAMES

ROOT = Path(__file__).parents[2] / "chatworks"
SAYING = {"say", "say_text", "ask", "choose", "confirm", "text", "NotUnderstood", "_word"}
PACKAGES = {
    "chatworks.applets.water": ["applets/water"],
    "chatworks.applets.staff": ["applets/staff"],
    "chatworks.account": ["account"],
    "chatworks.applets.account": ["applets/account"],
    "chatworks.bots": ["bots"],
    "chatworks.factors": ["factors"],
    "chatworks.identity": ["identity"],
    "chatworks.conversations": ["conversations"],
    "chatworks.sdk": ["sdk"],
    "chatworks.orders": ["orders"],
    "chatworks.storefront": ["storefront"],
    "chatworks.privacy": ["privacy"],
}


def said(folder: Path) -> set[str]:
    """Return the string literals that are given to a saying method, and what templates say."""
    found = set()
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                if name in SAYING:
                    found |= {
                        a.value
                        for a in node.args
                        if isinstance(a, ast.Constant)
                        and isinstance(a.value, str)
                        and (" " in a.value or a.value[:1].isupper())
                    }
    for path in folder.glob("templates/*.html"):
        found |= set(re.findall(r"""_\(["']([^"']+)["']""", path.read_text()))
    return found


LETTER_TEXTS = {
    text for letter in LETTERS.values() for text in (letter.subject, letter.body, letter.short)
}
PAGE_TEXTS = {
    *acts.ACTS.values(), *acts.METHODS.values(), *own_pages.SAVED.values(), own_pages.LAST_WAY,
    own_pages.NO_INVITATION,
    *entry_pages.WRONG.values(), entry_pages.NOT_VALID,
    entry_pages.ADDRESS, entry_pages.LINK_NOT_VALID,
    *password_pages.WHY.values(), password_pages.WRONG, password_pages.WRONG_OLD,
    password_pages.NOT_TWICE, password_pages.NOT_FRESH,
    with_pages.NO_END, with_pages.OTHERS, with_pages.AWAY, with_pages.NO_ADDRESS, "Other services",
    *(role.title for role in OUTLET_ROLES.values()),
    consent_pages.NO_OUTLET, SEE,
    *(text for area in AREAS.values() for text in (area.title, area.change)),
    second_pages.NOT_VALID, second_pages.UNKNOWN_PASSKEY, *security_pages.PROBLEMS,
}  # fmt: skip
STEP_UP_TEXTS = {  # what the page of a step-up says that somebody is about to do
    *(asks for _, asks in (*security_pages.ACTS, *own_pages.WAY_ACTS, *with_pages.ACTS)),
    gate.NOT_VALID,
    consent_pages.ALLOW[1],
    *(
        keyword.value.value
        for path in ROOT.glob("*/feature.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "asks" and isinstance(keyword.value, ast.Constant)
    ),
}  # fmt: skip
EXTRA = {
    "chatworks.account": PAGE_TEXTS,
    "chatworks.factors": STEP_UP_TEXTS,
    "chatworks.identity": LETTER_TEXTS,
    "chatworks.conversations": {choices.STOPPED, *choices.OFFERS.values(), *REFUSED.values()},
    "chatworks.orders": {*core.STATUS_TEXTS.values(), *core.TOLD_TEXTS.values()},
    "chatworks.storefront": set(CATEGORY_NAMES.values()),
    "chatworks.sdk": {"Share my location", "Share my phone number"},
}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_text_is_translated(package: str) -> None:
    folder = ROOT / PACKAGES[package][0]
    wanted = said(folder) | EXTRA.get(package, set())

    assert sorted(wanted - Texts.load(package).known("sw")) == []
