"""What an account is told by e-mail, SMS or chat, and the port through which it leaves.

A letter has a key; its subject and its body are texts with fields, in every language. The courier
is composed where mail and channels are known: this feature knows neither.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from chatworks.kit.texts import Texts
from chatworks.kit.work import Work


@dataclass(frozen=True, slots=True)
class Letter:
    """``body`` is plain text; ``short`` is what an SMS or a chat says instead."""

    subject: str
    body: str
    short: str


LETTERS: Mapping[str, Letter] = {
    "sign_in": Letter(
        "Your code to sign in: {code}",
        "Your code is {code}\n\nIt is good once, for ten minutes. Type it on the page where you "
        "asked for it, or open this link:\n\n{link}\n\nIf you did not ask, do nothing: nobody gets "
        "in without this code. Never give it to anybody.",
        "Your code to sign in is {code}. It is good for ten minutes. Never give it to anybody.",
    ),
    "no_account": Letter(
        "There is no account for this address",
        "Somebody, perhaps you, wanted to sign in with this address. There is no account for it. "
        "If you have one, try another address of yours. You can open an account here:\n\n{link}\n\n"
        "If it was not you, do nothing.",
        "There is no account for this number. Open one here: {link}",
    ),
    "sign_up": Letter(
        "Your code to open an account: {code}",
        "Your code is {code}\n\nType it on the page where you asked for it, within ten minutes. If "
        "you did not ask, do nothing: no account is opened without this code.",
        "Your code to open an account is {code}. It is good for ten minutes.",
    ),
    "have_account": Letter(
        "You have an account already",
        "Somebody, perhaps you, wanted to open an account with this address. You have one already: "
        "sign in here.\n\n{link}\n\nIf it was not you, do nothing.",
        "You have an account already. Sign in here: {link}",
    ),
    "reset": Letter(
        "Your code for a new password: {code}",
        "Your code is {code}\n\nType it on the page where you asked for it, within ten minutes, "
        "and choose a new password there. If you did not ask, do nothing: your password stays. "
        "Never give this code to anybody.",
        "Your code for a new password is {code}. It is good for ten minutes. Never give it to "
        "anybody.",
    ),
    "password_chosen": Letter(
        "A password was chosen for your account",
        "A password was chosen for your account, and every other browser was signed out. If this "
        "was not you, choose another one at once:\n\n{link}",
        "A password was chosen for your account. Not you? {link}",
    ),
    "password_changed": Letter(
        "Your password was changed",
        "The password of your account was changed, and every other browser was signed out. If "
        "this was not you, choose a new one at once:\n\n{link}",
        "The password of your account was changed. Not you? {link}",
    ),
    "verify": Letter(
        "Your code to add this address: {code}",
        "Your code is {code}\n\nType it on the page where you added this address to your account, "
        "within ten minutes. If you did not, do nothing: without this code it is not added.",
        "Your code to add this number is {code}. It is good for ten minutes.",
    ),
    "connect": Letter(
        "Your code to sign in with {title}: {code}",
        "Somebody signed in with {title} and says that this address is theirs. If it was you, type "
        "this code on the page where you signed in, within ten minutes:\n\n{code}\n\nFrom then on "
        "{title} opens your account. If it was not you, do nothing: without this code nothing is "
        "connected. Never give it to anybody.",
        "Your code to sign in with {title} is {code}. Never give it to anybody.",
    ),
    "address_added": Letter(
        "An address was added to your account",
        "{address} was added to your account. If this was not you, sign in and remove it, and sign "
        "out everywhere else:\n\n{link}",
        "{address} was added to your account. Not you? {link}",
    ),
    "address_removed": Letter(
        "An address was removed from your account",
        "{address} is not an address of your account any more. If this was not you, sign in and "
        "look at what was done to it:\n\n{link}",
        "{address} was removed from your account. Not you? {link}",
    ),
    "chat_added": Letter(
        "A chat was added to your account",
        "A chat was added to your account, and you can sign in with it. If this was not you, sign "
        "in and remove it:\n\n{link}",
        "A chat was added to your account. Not you? {link}",
    ),
    "prove": Letter(
        "Your code: {code}",
        "Your code is {code}\n\nType it on the page where you asked for it, within ten "
        "minutes. If you did not ask, somebody else tries to use your account: never "
        "give this code to anybody.",
        "Your code is {code}. It is good for ten minutes. Never give it to anybody.",
    ),
    "new_device": Letter(
        "A new device signed in to your account",
        "A device that your account did not know signed in just now. If this was not "
        "you, change your password, and sign out everywhere else:\n\n{link}",
        "A new device signed in to your account. Not you? {link}",
    ),
    "second_set": Letter(
        "Signing in now asks for a second factor",
        "From now on, signing in to your account also asks for your authenticator app or "
        "your passkey, and every other browser was signed out. Keep your recovery codes "
        "in a safe place. If this was not you, look at what was done to your "
        "account:\n\n{link}",
        "Signing in to your account now asks for a second factor. Not you? {link}",
    ),
    "second_removed": Letter(
        "A second factor was removed from your account",
        "Signing in to your account no longer asks for the authenticator app or the "
        "passkey that it asked for before. If this was not you, set it up again and sign "
        "out everywhere else:\n\n{link}",
        "A second factor was removed from your account. Not you? {link}",
    ),
    "passkey_added": Letter(
        "A passkey was added to your account",
        "The passkey “{passkey}” was added to your account: whoever holds it can sign "
        "in. If this was not you, remove it and sign out everywhere else:\n\n{link}",
        "A passkey was added to your account. Not you? {link}",
    ),
    "passkey_removed": Letter(
        "A passkey was removed from your account",
        "A passkey was removed from your account and signs nobody in any more. If this "
        "was not you, look at what was done to your account:\n\n{link}",
        "A passkey was removed from your account. Not you? {link}",
    ),
    "passkey_doubted": Letter(
        "A passkey of your account may have been copied",
        "The passkey “{passkey}” was used in a way that only a copy would be, and was "
        "not accepted. Remove it and make a new one:\n\n{link}",
        "A passkey of your account may have been copied and was not accepted. Look here: {link}",
    ),
    "recovery_codes_new": Letter(
        "Your account has new recovery codes",
        "New recovery codes were made for your account; the old ones are worth nothing "
        "now. If this was not you, make new ones yourself and sign out everywhere "
        "else:\n\n{link}",
        "Your account has new recovery codes. Not you? {link}",
    ),
    "recovery_code_used": Letter(
        "A recovery code of your account was used",
        "One of your recovery codes was used just now; {left} are left. If this was not "
        "you, make new ones and sign out everywhere else:\n\n{link}",
        "A recovery code of your account was used; {left} are left. Not you? {link}",
    ),
    "recovery_waits": Letter(
        "Somebody asked to remove your second factor",
        "Somebody who can sign in to your account asked to remove its second factor. It "
        "will be removed on {at} (UTC). If this was you, do nothing. If it was not, "
        "cancel it with one tap:\n\n{cancel}",
        "The second factor of your account will be removed on {at} (UTC). Not you? "
        "Cancel it here: {cancel}",
    ),
    "recovery_done": Letter(
        "The second factor of your account was removed",
        "The second factor of your account was removed, as it was asked for, and every "
        "browser was signed out. Please sign in and set up a new one:\n\n{link}",
        "The second factor of your account was removed, as it was asked for. Set up a "
        "new one: {link}",
    ),
    "recovery_cancelled": Letter(
        "Your second factor stays",
        "The removal of your second factor was cancelled: it stays as it was. If you had "
        "asked for it yourself, you can ask again:\n\n{link}",
        "The removal of your second factor was cancelled. {link}",
    ),
}
TEXTS = Texts.load("chatworks.identity")


class Courier(Protocol):
    """Sends a letter with the transaction. ``kind`` is email, phone or chat (``outlet:thread``).

    ``decoy`` does the same work and sends nothing: what is not sent must not be faster.
    """

    address: str

    async def send(  # noqa: PLR0913, PLR0917 - where, what, and in which language
        self,
        work: Work,
        kind: str,
        value: str,
        text_key: str,
        values: Mapping[str, str],
        language: str,
        *,
        decoy: bool = False,
    ) -> None:
        """Send ``LETTERS[text_key]`` with ``values`` in its fields."""


def written(text_key: str, values: Mapping[str, str], language: str) -> Letter:
    """Return a letter in a language, its fields filled."""
    letter = LETTERS[text_key]
    said = [TEXTS.text(language, text) for text in (letter.subject, letter.body, letter.short)]
    return Letter(*(text.format(**values) for text in said))
