"""What an applet is, readable without running it: ``manifest.toml``.

``problems`` says what an author still has to do: a name that messengers take as a command, a title
in every language, words that start one command only. ``load`` refuses an applet that has any.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from importlib import resources

import msgspec

from chatworks.kit.errors import Invalid

NAME = re.compile(r"[a-z0-9_]{1,32}")  # what Telegram takes as a command
VERSION = re.compile(r"\d{1,6}(\.\d{1,6}){0,3}")


class CommandManifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A command as a menu shows it, and the words that start it, by language."""

    name: str
    title: dict[str, str]
    words: dict[str, list[str]] = {}
    hidden: bool = False


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``manifest.toml``: everything about an applet that needs no running of its code."""

    name: str
    version: str
    title: dict[str, str]
    languages: list[str]
    requests: list[str]  # the commands and queries it may use
    command: list[CommandManifest]


def parse_manifest(text: str, where: str) -> Manifest:
    """Return the manifest that ``text`` (TOML) holds; ``Invalid`` names ``where`` and what."""
    try:
        return msgspec.convert(tomllib.loads(text), Manifest)
    except (msgspec.ValidationError, tomllib.TOMLDecodeError) as error:
        raise Invalid(where, str(error)) from error


def read_manifest(package: str) -> Manifest:
    """Return the manifest of the applet in ``package``, without running it."""
    raw = resources.files(package).joinpath("manifest.toml").read_text(encoding="utf-8")
    return parse_manifest(raw, f"{package}/manifest.toml")


def problems(manifest: Manifest) -> Iterator[str]:
    """Say what is wrong in a manifest, one sentence each."""
    for name in (manifest.name, *(command.name for command in manifest.command)):
        if not NAME.fullmatch(name):
            yield f"{name!r} is no name: use 1 to 32 of a to z, 0 to 9 and _."
    if not VERSION.fullmatch(manifest.version):
        yield f"{manifest.version!r} is no version: write numbers and dots, such as 1.0.0."
    if "en" not in manifest.languages:
        yield "languages has no en: English is what stands in for every other language."
    yield from _missing_titles("the applet", manifest.title, manifest.languages)
    for command in manifest.command:
        yield from _missing_titles(command.name, command.title, manifest.languages)
        for language in sorted(set(command.words) - set(manifest.languages)):
            yield f"{command.name} has words in {language}, which languages does not list."
    names = [command.name for command in manifest.command]
    spoken = [w for c in manifest.command for word in c.words.values() for w in set(word)]
    for twice in sorted({n for n in names if names.count(n) > 1}):
        yield f"the command {twice} stands there twice."
    for twice in sorted({w for w in spoken if spoken.count(w) > 1}):
        yield f"the words “{twice}” start two commands."


def _missing_titles(what: str, title: dict[str, str], languages: Sequence[str]) -> Iterator[str]:
    for language in languages:
        if not title.get(language, "").strip():
            yield f"{what} has no title in {language}."
