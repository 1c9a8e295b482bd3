"""The notice and the policy's tables, from the register. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from chatworks.kit.datamap import DataMap, Personal
from chatworks.kit.texts import Texts
from chatworks.outlets.models import Outlet

CATEGORY_NAMES = {
    "user.name": "Your name",
    "user.account.username": "Your user name on the messenger",
    "user.unique_id.pseudonymous": "The messenger's id of you",
    "user.unique_id": "What another service or a passkey knows you by",
    "user.contact.phone_number": "Your phone number",
    "user.contact.address": "Your delivery address",
    "user.location.precise": "Your location, where you send it",
    "user.content.private": "What you write and send",
    "user.preferences": "Your language",
    "user.privacy_preferences": "What you allowed us to send",
    "user.account.email": "Your e-mail address",
    "user.account.contact": "The addresses and numbers of your account",
    "user.authorization.password": "Your password, as a hash",
    "user.authorization.credentials": "What checks your authenticator app and your passkeys",
    "user.workplace": "Your organisation",
    "user.location.approximate": "Your time zone",
    "user.device": "Your device's name",
    "user.device.ip_address": "Your IP address",
}


@dataclass(frozen=True, slots=True)
class Kept:
    """One kind of data in the policy: what, why, how long, who sees it."""

    what: str
    purposes: tuple[str, ...]
    retention: tuple[str, ...]
    visible: tuple[str, ...]


def notice(outlet: Outlet, texts: Texts, address: str) -> dict[str, str]:
    """Return the first-contact notice by language."""
    return {
        language: texts.text(
            language,
            "{controller} keeps what you write here, and your name and number as you give them, "
            "to serve you. Questions: {contact}. More: {link}",
            controller=outlet.privacy.controller,
            contact=outlet.privacy.contact,
            link=f"{address}/o/{outlet.slug}/privacy",
        )
        for language in outlet.languages
    }


def kept(maps: Iterable[DataMap]) -> list[Kept]:
    """Return what is kept, one entry for each category."""
    columns: dict[str, list[Personal]] = defaultdict(list)
    for data_map in maps:
        for table in data_map.values():
            for column in table.values():
                if isinstance(column, Personal):
                    columns[column.category].append(column)
    return [
        Kept(
            what=CATEGORY_NAMES[category],
            purposes=tuple(sorted({item.purpose for item in items})),
            retention=tuple(sorted({item.retention for item in items})),
            visible=tuple(sorted({who for item in items for who in item.visible})),
        )
        for category, items in sorted(columns.items())
    ]
