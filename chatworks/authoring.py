"""``chatworks applet check``: what an author still has to do, before anything runs.

It reads an applet's folder: the lint over its code, the manifest's own problems, the requests that
the code uses against those that the manifest lists, and the catalogue of every language.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import click

from chatworks.commands.models import Request
from chatworks.conversations import words
from chatworks.kit.errors import Invalid
from chatworks.kit.texts import Texts
from chatworks.previews import preview_command
from chatworks.sdk.lint import Finding, Said, check, fields, said
from chatworks.sdk.manifest import Manifest, parse_manifest, problems


def check_applet(folder: Path) -> list[Finding]:
    """Return everything that is wrong with the applet in ``folder``, in order."""
    manifest_path = folder / "manifest.toml"
    try:
        manifest = parse_manifest(manifest_path.read_text(encoding="utf-8"), "manifest.toml")
    except Invalid as error:
        return [Finding(str(manifest_path), 1, "manifest", f"{error}.")]
    sources = {path: path.read_text(encoding="utf-8") for path in sorted(folder.rglob("*.py"))}
    found = [f for path, code in sources.items() for f in check(code, str(path), folder.name)]
    if any(finding.rule == "syntax" for finding in found):
        return found
    wrong = [*problems(manifest), *_taken_words(manifest)]
    found += [Finding(str(manifest_path), 1, "manifest", sentence) for sentence in wrong]
    found += _requests(manifest, manifest_path, sources)
    found += _translations(manifest, folder, [s for code in sources.values() for s in said(code)])
    return found


def _taken_words(manifest: Manifest) -> Iterator[str]:
    """Name the words of commands that never reach an applet: they always mean something else."""
    for command in manifest.command:
        for spoken in (command.name, *(w for several in command.words.values() for w in several)):
            word = words.find(spoken, tuple(words.WORDS))
            if word is not None:
                yield f"“{spoken}” always means {word.value}: {command.name} needs another word."


def _requests(manifest: Manifest, path: Path, sources: dict[Path, str]) -> Iterator[Finding]:
    """Compare what the code asks of the business with what the manifest lists."""
    used = {
        name: (code_path, line)
        for code_path, code in sources.items()
        for name, line in _used_requests(ast.parse(code))
    }
    for name in sorted(set(manifest.requests) - set(used)):
        known = _is_request(*name.split(".", maxsplit=1)) if "." in name else False
        why = "the code never gives it: take it out" if known else "there is no such request"
        yield Finding(str(path), 1, "requests", f"{name}: {why}.")
    for name in sorted(set(used) - set(manifest.requests)):
        where, line = used[name]
        yield Finding(str(where), line, "requests", f'add "{name}" to the manifest\'s requests.')


def _used_requests(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Return the requests that a module makes, each with a line: those it calls by their name."""
    features = {
        name.asname or name.name: (node.module.split(".")[1], name.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module and node.module.endswith(".models")
        for name in node.names
        if node.module.startswith("chatworks.")
    }
    for node in ast.walk(tree):
        named = isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        if named and node.func.id in features and _is_request(*features[node.func.id]):  # type: ignore[attr-defined]
            yield ".".join(features[node.func.id]), node.lineno  # type: ignore[attr-defined]


def _is_request(feature: str, name: str) -> bool:
    if not feature.isidentifier() or find_spec(f"chatworks.{feature}") is None:
        return False
    found = getattr(import_module(f"chatworks.{feature}.models"), name, None)
    return isinstance(found, type) and issubclass(found, Request)


def _translations(manifest: Manifest, folder: Path, spoken: Sequence[Said]) -> Iterator[Finding]:
    """Compare every language's catalogue with what the code says."""
    texts = Texts.read(folder, folder.name)
    wanted = dict.fromkeys(text.msgid for text in spoken)
    for language in manifest.languages:
        if language == "en":
            continue
        path = str(folder / "locale" / language / "LC_MESSAGES" / f"{folder.name}.po")
        known = texts.known(language)
        for msgid in wanted:
            if msgid not in known:
                yield Finding(path, 1, "translation", f"translate “{msgid}”.")
            elif fields(texts.text(language, msgid)) != fields(msgid):
                yield Finding(path, 1, "translation", f"“{msgid}” has other fields here.")
        for msgid in sorted(known - set(wanted)):
            yield Finding(path, 1, "translation", f"nobody says “{msgid}” any more.")


def _folders(path: Path) -> list[Path]:
    if (path / "manifest.toml").is_file():
        return [path]
    return sorted(found.parent for found in path.glob("*/manifest.toml"))


@click.group()
def applet() -> None:
    """Applets and their authors."""


@applet.command(name="check")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
def check_command(paths: tuple[Path, ...]) -> None:
    """Check the applet in each of PATHS, or every applet in it, without running it."""
    folders = [folder for path in paths for folder in _folders(path)]
    if not folders:
        raise click.ClickException("there is no manifest.toml in these folders")
    found = [finding for folder in folders for finding in check_applet(folder)]
    for finding in found:
        click.echo(str(finding))
    if found:
        raise SystemExit(1)
    click.echo(f"{len(folders)} applets checked: nothing to do.")


applet.add_command(preview_command)
