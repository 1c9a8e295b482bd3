"""Applets: what an author declares, what a manifest says, and where the loaded ones stand.

Two versions of an applet live side by side under their own module names; a running dialogue stays
on its own. What an applet's manifest holds is in ``manifest``.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, TypeVar, get_args, get_type_hints

import msgspec

from chatworks.kit.errors import ChatWorksError, Invalid
from chatworks.kit.texts import Texts
from chatworks.sdk.chat import Chat
from chatworks.sdk.manifest import CommandManifest as CommandManifest
from chatworks.sdk.manifest import Manifest as Manifest
from chatworks.sdk.manifest import problems, read_manifest

CommandFunction = Callable[[Chat[Any]], Coroutine[Any, Any, None]]
Function = TypeVar("Function", bound=CommandFunction)


class AppletError(ChatWorksError):
    """The applet's code does something that cannot be replayed; the text is for its author."""


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An applet's settings: drawn as a form in the console, checked before they are saved.

    ``largest: Annotated[int, Meta(ge=1, le=50, title="Most at once")] = 20`` gives a field its
    words and limits. Text, whole numbers, yes or no, ``Money`` and ``Literal`` are drawn.
    """


class Applet:
    """What an author makes: ``applet = Applet("water")``, then ``@applet.command("order")``."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.functions: dict[str, CommandFunction] = {}
        self.help: dict[str, str] = {}

    def command(self, name: str, *, help: str) -> Callable[[Function], Function]:  # noqa: A002 - an author reads it as a word
        """Offer an ``async`` function that takes a ``Chat`` as a command."""

        def register(function: Function) -> Function:
            self.functions[name] = function
            self.help[name] = help
            return function

        return register


@dataclass(frozen=True, slots=True)
class LoadedApplet:
    """An applet with its manifest and texts."""

    manifest: Manifest
    applet: Applet
    texts: Texts
    settings_type: type[Any] | None

    def settings(self, data: bytes) -> Any:
        """Return the settings that ``data`` (JSON) holds; ``Invalid`` names what is wrong."""
        if self.settings_type is None:
            return None
        try:
            return msgspec.json.decode(data or b"{}", type=self.settings_type)
        except msgspec.ValidationError as error:
            raise Invalid(f"{self.manifest.name} settings", str(error)) from error

    def chat(self, settings: bytes, language: str, start: bytes) -> Chat[Any]:
        """Return a fresh chat for one run; ``start`` is JSON of what it begins with."""
        begun = msgspec.json.decode(start or b"{}")
        return Chat(
            self.settings(settings),
            language,
            self.texts,
            arguments=begun.get("arguments", ""),
            state=begun.get("state"),
        )


def load(package: str) -> LoadedApplet:
    """Import the applet in ``package`` and check it against its manifest."""
    manifest = read_manifest(package)
    for problem in problems(manifest):
        raise Invalid(f"{package}/manifest.toml", problem)
    found: Applet = import_module(f"{package}.applet").applet
    offered = {command.name for command in manifest.command}
    if found.name != manifest.name or offered != set(found.functions):
        raise Invalid(
            f"{package}/manifest.toml",
            f"offers {sorted(offered)} of {manifest.name}, the code has "
            f"{sorted(found.functions)} of {found.name}",
        )
    return LoadedApplet(manifest, found, Texts.load(package), _settings_type(found))


def _settings_type(applet: Applet) -> type[Any] | None:
    """Return the ``S`` of the commands' ``Chat[S]``; all commands share one."""
    types: set[type[Any]] = set()
    for function in applet.functions.values():
        hints = get_type_hints(function)
        arguments = get_args(hints.get("chat"))
        types.update(a for a in arguments if isinstance(a, type) and issubclass(a, Config))
    if len(types) > 1:
        raise AppletError(f"{applet.name}: all commands must share one settings class")
    return types.pop() if types else None


class Applets:
    """The applets that are installed in this process, by name and version."""

    def __init__(self, loaded: Iterable[LoadedApplet]) -> None:
        self._by_version: dict[tuple[str, str], LoadedApplet] = {}
        self._latest: dict[str, LoadedApplet] = {}
        for item in loaded:
            manifest = item.manifest
            self._by_version[manifest.name, manifest.version] = item
            known = self._latest.get(manifest.name)
            if known is None or _order(known) < _order(item):
                self._latest[manifest.name] = item

    def get(self, name: str, version: str) -> LoadedApplet | None:
        """Return this version, or None where it is not installed."""
        return self._by_version.get((name, version))

    def latest(self, name: str) -> LoadedApplet | None:
        """Return the newest version, or None where there is none."""
        return self._latest.get(name)

    def all(self) -> Mapping[str, LoadedApplet]:
        """Return the newest version of each applet."""
        return self._latest

    def check(self, known_requests: frozenset[str]) -> None:
        """Refuse a manifest that names a request which nobody handles."""
        for item in self._by_version.values():
            unknown = set(item.manifest.requests) - known_requests
            if unknown:
                raise Invalid(
                    f"{item.manifest.name}/manifest.toml requests", f"has unknown {sorted(unknown)}"
                )


def _order(item: LoadedApplet) -> tuple[int, ...]:
    return tuple(int(part) for part in item.manifest.version.split("."))
