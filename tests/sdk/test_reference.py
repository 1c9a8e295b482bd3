"""The SDK's reference is complete, and its examples run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from chatworks import sdk
from chatworks.authoring import check_applet
from chatworks.sdk import lint
from chatworks.sdk.chat import Chat
from chatworks.sdk.inputs import Input
from chatworks.sdk.manifest import CommandManifest, Manifest
from chatworks.sdk.script import Script

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "sdk.md"
TEXT = PAGE.read_text()


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """The page's files, written out."""
    for name, text in re.findall(r"```\w+\n# file: (\S+)\n(.*?)```", TEXT, re.DOTALL):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_the_examples_run_and_have_nothing_to_do(files: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "/dev/null", "."],
        cwd=files,
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(files), "PATH": ""},
    )

    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "5 passed" in ran.stdout
    assert [str(finding) for finding in check_applet(files / "kiosk")] == []


def public(thing: type) -> set[str]:
    return {name for name in vars(thing) if not name.startswith("_")}


NAMES = {
    name for name, value in vars(sdk).items() if name[0] != "_" and not hasattr(value, "__path__")
}


@pytest.mark.parametrize(
    "name",
    sorted(
        {n for n in NAMES if getattr(getattr(sdk, n), "__module__", "").startswith("chatworks")}
        | public(Chat)
        | {"settings", "language", "arguments", "state"}
        | public(Input)
        | public(Script)
        | set(Manifest.__struct_fields__)
        | set(CommandManifest.__struct_fields__)
    ),
)
def test_every_public_name_is_in_the_reference(name: str) -> None:
    assert re.search(rf"`@?(?:applet\.)?{name}\b", TEXT), f"docs/reference/sdk.md lacks {name}"


def test_every_rule_of_the_lint_is_in_the_reference() -> None:
    source = Path(lint.__file__).read_text()
    rules = set(re.findall(r'yield [\w.]+, "([\w-]+)"', source))

    assert rules == {
        "import", "call", "order", "await", "forgotten-await", "except", "global", "module-state",
        "text",
    }  # fmt: skip
    assert [rule for rule in rules if f"`{rule}`" not in TEXT] == []
