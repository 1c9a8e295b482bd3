"""The words that always work, in every language: nobody is ever stuck.

A word counts as the whole message only, with or without a slash, in any case. ``cancel`` and the
like inside a sentence are left to the applet. SMS opt-out keywords (CTIA list) are among STOP's.
"""

from __future__ import annotations

from enum import StrEnum
from unicodedata import combining, normalize


class Word(StrEnum):
    """What a person can always ask for."""

    MENU = "menu"
    HELP = "help"
    HUMAN = "human"
    STOP = "stop"
    START = "start"
    LANGUAGE = "language"
    CANCEL = "cancel"
    CONTINUE = "continue"
    UNLINK = "unlink"
    OFFERS_ON = "offers_on"
    OFFERS_OFF = "offers_off"


WORDS: dict[str, dict[Word, tuple[str, ...]]] = {
    "en": {
        Word.MENU: ("menu", "main menu", "bot"),
        Word.HELP: ("help", "info"),
        Word.HUMAN: ("human", "agent", "person", "operator", "talk to a person"),
        Word.STOP: ("stop", "unsubscribe", "stopall", "optout"),
        Word.START: ("start", "unstop"),
        Word.LANGUAGE: ("language", "lang"),
        Word.CANCEL: ("cancel", "quit", "start over"),
        Word.CONTINUE: ("continue", "continue elsewhere", "go on elsewhere"),
        Word.UNLINK: ("unlink",),
        Word.OFFERS_ON: ("offers on", "offers"),
        Word.OFFERS_OFF: ("offers off", "no offers"),
    },
    "sw": {
        Word.MENU: ("menyu", "orodha"),
        Word.HELP: ("msaada", "usaidizi"),
        Word.HUMAN: ("mtu", "mhudumu", "ongea na mtu"),
        Word.STOP: ("acha", "simama", "sitisha ujumbe"),
        Word.START: ("anza", "rudi"),
        Word.LANGUAGE: ("lugha",),
        Word.CANCEL: ("ghairi", "futa", "anza upya"),
        Word.CONTINUE: ("endelea", "endelea kwingine"),
        Word.UNLINK: ("tenganisha",),
        Word.OFFERS_ON: ("ofa", "nitumie ofa"),
        Word.OFFERS_OFF: ("hakuna ofa", "sitaki ofa"),
    },
}


def fold(text: str) -> str:
    """Return ``text`` without case, accents, a leading slash, and outer spaces and dots."""
    plain = text.strip().removeprefix("/").strip(" .!?").casefold()
    if not plain.isascii():
        plain = "".join(c for c in normalize("NFKD", plain) if not combining(c))
    return " ".join(plain.replace("_", " ").split())


_BY_LANGUAGE = {
    language: {spelling: word for word, spellings in words.items() for spelling in spellings}
    for language, words in WORDS.items()
}


WORD_LENGTH_MAX = 30  # the longest spelling, with room for dots: longer texts are no word


def find(text: str, languages: tuple[str, ...]) -> Word | None:
    """Return the word that ``text`` is in one of ``languages`` (English always counts)."""
    if len(text) > WORD_LENGTH_MAX:
        return None
    folded = fold(text)
    for language in (*languages, "en"):
        word = _BY_LANGUAGE.get(language, {}).get(folded)
        if word is not None:
            return word
    return None
