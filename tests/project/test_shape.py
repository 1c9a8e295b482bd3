"""The shape of the code: sizes, names, no addresses of registries, no machine's paths."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70
FORBIDDEN_NAMES = {"utils", "helpers", "common", "misc"}
# Parts of names, so that this file does not contain what it looks for.
FORBIDDEN_TEXT = [
    "".join(parts)
    for parts in (
        ("pypi", ".org"),
        ("python", "hosted.org"),
        ("registry.", "npmjs"),
        ("deb.", "debian.org"),
        ("/work", "/main"),
        ("/root", "/"),
    )
]


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(  # noqa: S603 - fixed arguments
        ["git", "ls-files", "-co", "--exclude-standard", *patterns],  # noqa: S607 - git from PATH
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\n")
    return [ROOT / name for name in listed if name and (ROOT / name).is_file()]


PRODUCT = tracked("chatworks/*.py")


@pytest.mark.parametrize("path", PRODUCT, ids=lambda p: str(p.relative_to(ROOT)))
def test_a_module_is_short_documented_and_well_named(path: Path) -> None:
    text = path.read_text()
    tree = ast.parse(text)

    long_functions = [
        f"{node.name}: {(node.end_lineno or 0) - node.lineno + 1} lines"
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno + 1 > FUNCTION_LINES_MAX
    ]

    assert text.count("\n") <= FILE_LINES_MAX
    assert long_functions == []
    assert ast.get_docstring(tree), "a module says what it is"
    assert path.stem not in FORBIDDEN_NAMES


def test_a_feature_folder_holds_only_the_fixed_names() -> None:
    fixed = {
        "__init__", "models", "core", "store", "service", "routes", "pages", "jobs", "feature",
    }  # fmt: skip
    # Decisions 0004, 0012 and 0023 name these, each with its reason.
    more = {
        "api": {"openapi", "strict", "words"},
        "audit": {
            "archive", "merkle", "notes", "proving", "sequencer", "verifying", "witness",
        },
        "bots": {"adoption", "holder"},
        "conversations": {
            "batch", "choices", "dialogues", "elsewhere", "menu", "state", "turn", "watchdog",
            "words", "worker",
        },
        "console": {
            "app_pages", "broadcast_pages", "canned_pages", "channel_pages", "forms",
            "history_pages", "history_words", "key_pages", "message_pages", "order_pages",
            "people_pages", "product_pages", "router", "settings_forms", "settings_pages",
        },
        "factors": {
            "passkeys", "proving", "recoverer", "recoveries", "step_ups", "ways",
        },
        "identity": {"accounts", "chats", "letters", "limits"},
        "account": {
            "consent_pages", "entry_pages", "joining_pages", "own_pages", "password_pages",
            "router", "second_pages", "security_pages", "with_pages",
        },
        "federation": {"cognito", "hosted", "local", "openid", "user_pool"},
        "inbox": {"committer", "door"},
        "broadcasts": {"broadcaster"},
        "outbox": {"leasing", "sender"},
        "mail": {"carriers", "postman"},
        "media": {"fetcher", "pictures"},
        "passwords": {"breached", "hasher"},
        "storefront": {"miniapp", "uploads"},
        "commands": {"dispatch"},
    }  # fmt: skip
    features = [
        "account", "api", "audit", "bots", "broadcasts", "catalog", "commands", "console",
        "contacts", "conversations", "factors", "federation", "identity", "inbox", "mail", "media",
        "oauth", "orders", "outbox", "outlets", "passwords", "privacy", "storefront", "support",
    ]  # fmt: skip
    strangers = [
        f"{feature}/{path.name}"
        for feature in features
        for path in (ROOT / "chatworks" / feature).glob("*.py")
        if path.stem not in fixed | more.get(feature, set())
    ]

    assert strangers == []


def test_no_file_names_a_registry_or_a_machine() -> None:
    found = []
    for path in tracked():
        if path.suffix in {".png", ".mo", ".ico", ".woff2"}:
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        found += [f"{path.name}: {word}" for word in FORBIDDEN_TEXT if word in text]

    assert found == []


def test_sql_stands_only_in_stores_and_migrations() -> None:
    statement = re.compile(r"\b(SELECT .* FROM|INSERT INTO|UPDATE \w+ SET|DELETE FROM)\b")
    allowed = {
        "store.py",
        "embedded.py",
        "migrate.py",
        "backup.py",
        "db.py",
        "listen.py",
        "work.py",
    }
    found = [
        str(path.relative_to(ROOT))
        for path in PRODUCT
        if path.name not in allowed and statement.search(path.read_text())
    ]

    assert found == []
