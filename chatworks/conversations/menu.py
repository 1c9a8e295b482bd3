"""The engine's own choices: what an outlet offers, its languages, help. Pure.

Buttons of menus carry ``go:<applet>:<command>``, ``word:<word>`` or ``lang:<language>`` and stay
valid for ever: a menu of last month still works.
"""

from __future__ import annotations

from collections.abc import Iterator

from babel import Locale

from chatworks.conversations.models import Installed, OutletView
from chatworks.conversations.words import Word, fold
from chatworks.kit.texts import Texts
from chatworks.sdk.applet import Applets, CommandManifest, LoadedApplet
from chatworks.sdk.inbound import Inbound, InboundKind
from chatworks.sdk.inputs import nearest
from chatworks.sdk.messages import Button, Message

Found = tuple[Installed, LoadedApplet, str]


class Menu:
    """What one outlet offers."""

    def __init__(self, applets: Applets, outlet: OutletView, texts: Texts) -> None:
        self._applets = applets
        self._outlet = outlet
        self._texts = texts

    def main(self, language: str, elsewhere: bool = False) -> Message:  # noqa: FBT001, FBT002
        """Return the menu: one button for each command, then language and a person; and to go on
        ``elsewhere``.
        """
        buttons = [
            Button(f"go:{installed.applet}:{command.name}", _in(command.title, language))
            for installed, _, command in self._commands()
            if not command.hidden
        ]
        if len(self._outlet.languages) > 1:
            buttons.append(self._word(Word.LANGUAGE, "Language", language))
        buttons.append(self._word(Word.HUMAN, "Talk to a person", language))
        if elsewhere:
            buttons.append(self._word(Word.CONTINUE, "Go on in another app", language))
        text = self._texts.text(
            language, "Welcome to {outlet}. What can I do for you?", outlet=self._outlet.name
        )
        return Message(text, tuple(buttons))

    def help(self, language: str) -> Message:
        """Return what always works."""
        text = self._texts.text(
            language,
            "You can always write: “menu” to see what I can do, “cancel” to leave what we are "
            "doing, “human” for a person, “language” to change the language, “continue” to go on "
            "in another app, “offers on” or “offers off”, “stop” to get no more messages, “start” "
            "to come back.",
        )
        return Message(text)

    def languages(self, language: str) -> Message:
        """Return the question which language to speak."""
        buttons = tuple(
            Button(f"lang:{code}", str(Locale(code).get_display_name(code)).capitalize())
            for code in self._outlet.languages
        )
        return Message(self._texts.text(language, "Which language do you prefer?"), buttons)

    def command_of(self, inbound: Inbound) -> Found | None:
        """Return the command that a message asks for: by its name, a deep link, or its words."""
        if inbound.kind is InboundKind.COMMAND:
            if inbound.text == "start":
                name, _, arguments = inbound.arguments.partition("-")
                return self._named(name, arguments)
            return self._named(inbound.text, inbound.arguments)
        if inbound.kind is InboundKind.TEXT:
            return self._spoken(fold(inbound.text))
        return None

    def command_named(self, target: str) -> Found | None:
        """Return the command behind a menu's button: ``<applet>:<command>``."""
        applet, _, name = target.partition(":")
        for installed, loaded, command in self._commands():
            if (installed.applet, command.name) == (applet, name):
                return installed, loaded, name
        return None

    def _named(self, name: str, arguments: str) -> Found | None:
        for installed, loaded, command in self._commands():
            if command.name == name.lower():
                return installed, loaded, f"{command.name} {arguments}".strip()
        return None

    def _spoken(self, text: str) -> Found | None:
        """Return the command whose words or title ``text`` is, small misspellings allowed."""
        spoken: list[str] = []
        found: list[Found] = []
        for installed, loaded, command in self._commands():
            phrases = [*command.title.values()]
            for words in command.words.values():
                phrases += words
            for phrase in phrases:
                spoken.append(fold(phrase))
                found.append((installed, loaded, command.name))
        if text in spoken:
            return found[spoken.index(text)]
        index = nearest(text, spoken)
        return None if index is None else found[index]

    def _commands(self) -> Iterator[tuple[Installed, LoadedApplet, CommandManifest]]:
        for installed in self._outlet.installed:
            loaded = self._applets.get(installed.applet, installed.version)
            loaded = loaded or self._applets.latest(installed.applet)
            if loaded is not None:
                for command in loaded.manifest.command:
                    yield installed, loaded, command

    def _word(self, word: Word, label: str, language: str) -> Button:
        return Button(f"word:{word.value}", self._texts.text(language, label))


def _in(texts: dict[str, str], language: str) -> str:
    return texts.get(language) or texts["en"]
