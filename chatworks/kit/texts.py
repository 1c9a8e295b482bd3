"""Texts in every language: gettext catalogues read straight from their ``.po`` files.

A msgid is the English text. Parameters are ``str.format`` fields. What a language does not have is
said in English: a missing translation never hides a message.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from io import BytesIO

from babel.messages.pofile import read_po


class Texts:
    """The texts of one package: its ``locale/<language>/LC_MESSAGES/<name>.po`` files."""

    def __init__(self, by_language: Mapping[str, Mapping[str, str]]) -> None:
        self._by_language = by_language

    @classmethod
    def load(cls, package: str) -> Texts:
        """Read every catalogue of ``package``; a package without a ``locale`` folder has none."""
        return cls.read(resources.files(package), package.rpartition(".")[2])

    @classmethod
    def read(cls, package: Traversable, name: str) -> Texts:
        """Read every catalogue called ``name`` in the folder of a package."""
        folder = package.joinpath("locale")
        if not folder.is_dir():
            return cls({})
        found = {}
        for language in folder.iterdir():
            file = language.joinpath("LC_MESSAGES", f"{name}.po")
            if file.is_file():
                catalog = read_po(BytesIO(file.read_bytes()), locale=language.name)
                found[language.name] = {
                    str(message.id): str(message.string)
                    for message in catalog
                    if message.id and message.string and not message.fuzzy
                }
        return cls(found)

    def text(self, language: str, msgid: str, **values: object) -> str:
        """Return ``msgid`` in ``language``, its fields filled."""
        said = self.template(language, msgid)
        return said.format(**values) if values else said

    def template(self, language: str, msgid: str) -> str:
        """Return ``msgid`` in ``language`` with its fields still open."""
        return self._by_language.get(language, {}).get(msgid, msgid)

    def languages(self) -> frozenset[str]:
        """Return the languages that have a catalogue."""
        return frozenset(self._by_language)

    def known(self, language: str) -> frozenset[str]:
        """Return the msgids that ``language`` translates."""
        return frozenset(self._by_language.get(language, {}))
