"""The documents keep up with the code: settings, commands, fields, links; their commands run."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec
import pytest
from processes import environment, new_home

from chatworks.cli import cli
from chatworks.outlets import models
from chatworks.settings import Settings

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]

# Commands of the documents that no sandbox runs, and what shows them instead.
ELSEWHERE = "it names a server that is not here"
ON_A_RUNNING_LOG = "tests/audit/test_commands.py runs it beside the product"
CALLED = "tests/api/test_description.py runs it against an open house"
ASK = 'curl -sS -X POST $CHATWORKS/api/v1/orders/list-orders -H "Authorization: Bearer $KEY"'
FUZZED = "it takes hours; tests/hostile/test_parsers.py takes what it found"
NOT_RUN = {
    "make fuzz": FUZZED,
    "make fuzz TARGET=door SECONDS_EACH=60": FUZZED,
    ASK: CALLED,
    ASK + " --json '{\"limit\": 10}'": CALLED,
    "curl -sS $CHATWORKS/api/openapi.json": CALLED,
    "export CHATWORKS=http://127.0.0.1:8000 KEY=cw_live_…": "a key is shown once",
    "chatworks platform role sue@example.com platform-support": "Sue needs an account first; "
    "tests/memberships/test_platform.py runs it",
    'chatworks platform visit majipro sue@example.com "An order of yesterday is stuck"': "the same",
    "make run": "tests/kit/test_start.py runs what it starts",
    "make test": "it is what runs this",
    "make help": "test_every_make_target_that_the_documents_name_exists",
    "make format": "it changes the checkout",
    "chatworks run": "tests/kit/test_start.py",
    "chatworks serve": "tests/kit/test_start.py",
    "chatworks work": "tests/kit/test_start.py",
    "chatworks outlet apply majipro.toml": "it asks; tests/outlets/test_apply.py answers",
    "chatworks restore kept.backup postgresql://chatworks_owner:secret@db.example/chatworks": (
        "tests/kit/test_backup.py restores into an address"
    ),
    "curl https://shop.example/audit/key": ELSEWHERE,
    (
        'chatworks audit witness https://shop.example/audit "shop.example/audit+0a1b2c3d+AQ…"'
        " --name me.example"
    ): ON_A_RUNNING_LOG,
    (
        'chatworks audit verify --held witness/0a1b2c3d.history --witness "me.example+4e5f6a7b+BA…"'
    ): ON_A_RUNNING_LOG,
    "chatworks audit prove 019ab0c1d2e3f4a5b6c7d8e9f0a1b2c3 --folder proofs": ON_A_RUNNING_LOG,
    (
        "chatworks audit check proofs/019ab0c1d2e3f4a5b6c7d8e9f0a1b2c3.tlog-proof"
        " proofs/019ab0c1d2e3f4a5b6c7d8e9f0a1b2c3.leaf"
        ' --key "shop.example/audit+0a1b2c3d+AQ…"'
    ): ON_A_RUNNING_LOG,
    "export DATABASE_URL=postgresql://chatworks_owner:secret@db.example:5432/chatworks": ELSEWHERE,
    "TEST_DATABASE_URL=postgresql://postgres:secret@127.0.0.1:5432/postgres make test": ELSEWHERE,
}


def test_every_setting_is_documented() -> None:
    page = (ROOT / "docs" / "reference" / "settings.md").read_text()
    names = {str(field.validation_alias) for field in Settings.model_fields.values()}

    assert sorted(name for name in names if f"`{name}`" not in page) == []


def test_every_make_target_that_the_documents_name_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        word
        for page in PAGES
        for word in re.findall(
            r"(?:^|`|… |postgres )make ([a-z-]+)", page.read_text(), re.MULTILINE
        )
    }

    assert sorted(named - targets) == []


def test_links_between_documents_lead_somewhere() -> None:
    broken = [
        f"{page.name}: {link}"
        for page in PAGES
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text())
        if not (page.parent / link).exists()
    ]

    assert broken == []


def blocks(page: Path) -> list[tuple[str, list[str]]]:
    """Return a page's fenced blocks: their language and lines."""
    found: list[tuple[str, list[str]]] = []
    inside = False
    for line in page.read_text().split("\n"):
        if line.lstrip().startswith("```"):
            if not inside:
                found.append((line.strip().removeprefix("```"), []))
            inside = not inside
        elif inside:
            found[-1][1].append(line.strip())
    return found


def commands(page: Path) -> list[str]:
    """Return what a page's blocks of shell commands say, line by line, without remarks."""
    lines = [line for language, said in blocks(page) if language == "sh" for line in said]
    bare = [line.split("  #")[0].strip() for line in lines]
    return [line for line in bare if line and not line.startswith("#")]


COMMANDS = [(page, line) for page in PAGES for line in commands(page)]


def test_commands_stand_in_blocks_that_say_so() -> None:
    unmarked = [
        f"{page.name}: {line}"
        for page in PAGES
        for language, lines in blocks(page)
        if language != "sh"
        for line in lines
        if re.match(r"\$ |(make|chatworks|pip|git|curl|export) ", line)
    ]

    assert unmarked == []


def test_no_reason_is_given_for_a_command_that_no_document_has() -> None:
    assert sorted(set(NOT_RUN) - {line for _, line in COMMANDS}) == []


@pytest.fixture(scope="module")
def sandbox() -> Iterator[tuple[Path, dict[str, str]]]:
    """A folder with a home and MajiPro's file, and an environment that finds ``chatworks``."""
    with new_home() as home:
        shutil.copy(ROOT / "outlets" / "majipro.toml", home.parent)
        env = environment(home)
        env = {**env, "PATH": f"{Path(sys.executable).parent}:{env['PATH']}"}
        first = [sys.executable, "-m", "chatworks", "outlet", "apply", "--yes", "majipro.toml"]
        subprocess.run(first, cwd=home.parent, env=env, check=True, capture_output=True)  # noqa: S603 - ours
        yield home.parent, env


@pytest.mark.parametrize(
    "page",
    [p for p in PAGES if set(commands(p)) - set(NOT_RUN)],
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_the_commands_of_a_page_run_as_they_stand(
    page: Path, sandbox: tuple[Path, dict[str, str]]
) -> None:
    folder, env = sandbox
    script = "\n".join(["set -e", *(line for line in commands(page) if line not in NOT_RUN)])

    ran = subprocess.run(  # noqa: S603 - the documents' own commands
        ["bash", "-c", script],  # noqa: S607 - bash from PATH
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ran.returncode, ran.stderr) == (0, "")


def command_lines(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from command_lines(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def test_every_command_and_option_is_documented() -> None:
    page = (ROOT / "docs" / "reference" / "cli.md").read_text()
    documented = {row.split(" [")[0] for row in re.findall(r"^\| `([^`]+)`", page, re.MULTILINE)}
    expected, options = set(), set()
    for line, command in command_lines(cli, "chatworks"):
        needed = [str(p.name).upper() for p in command.params if isinstance(p, click.Argument)]
        required = [n for n, p in zip(needed, command.params, strict=False) if p.required]
        expected.add(" ".join([line, *required]))
        options |= {o for p in command.params if isinstance(p, click.Option) for o in p.opts}

    assert documented == expected
    assert options == set(re.findall(r"`(--[a-z-]+)`", page)) - {"--help"}


def fields(struct: Any) -> list[str]:
    """Return a struct's fields as TOML spells them, and whether each must be given."""
    return sorted(f"{f.name} {f.required}" for f in msgspec.structs.fields(struct))


@pytest.mark.parametrize(
    ("title", "struct"),
    [
        ("The outlet", models.OutletFile),
        ("`[brand]`", models.Brand),
        ("`[hours]`", models.Hours),
        ("`[privacy]`", models.PrivacyNotice),
        ("`[sms]`", models.Sms),
        ("`[[channels]]`", models.ChannelSpec),
        ("`[[applets]]`", models.AppletSpec),
        ("`[[products]]`", models.ProductSpec),
    ],
)
def test_every_field_of_an_outlet_file_is_documented(title: str, struct: Any) -> None:
    assert rows_of(title) == fields(struct)


def test_areas_are_documented() -> None:
    assert rows_of("`[delivery]`") == sorted(fields(models.Delivery) + fields(models.Area))


def rows_of(title: str) -> list[str]:
    page = (ROOT / "docs" / "reference" / "outlet-file.md").read_text()
    section = page.split(f"## {title}\n")[1].split("\n## ")[0]
    return sorted(
        f"{name} {row[1].strip() == 'required'}"
        for row in re.findall(r"^\| (`[^|]+) \|([^|]+)\|", section, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", row[0])
    )
