"""Queueing mails within a transaction, and opening what was sealed of them."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import msgspec
from prometheus_client import Gauge

from chatworks.kit.crypto import Vault
from chatworks.kit.work import Work
from chatworks.mail import core, store
from chatworks.mail.models import GOOD_FOR, Content, Leased, Mail

waiting_mails = Gauge("chatworks_mail_waiting", "Mails that are still to be sent")
oldest_mail = Gauge("chatworks_mail_oldest_seconds", "Age of the oldest mail still to be sent")

_encode = msgspec.json.Encoder().encode
_content = msgspec.json.Decoder(Content)


def queue(  # noqa: PLR0913 - the parts of a mail
    work: Work, to: str, subject: str, text: str, html: str = "", *, good_for: timedelta = GOOD_FOR
) -> None:
    """Send a mail with this transaction; ``good_for`` is how long it is of use (a code's life).

    Raises ``Invalid`` for an address that is none and a subject of more than one line.
    """
    work.publish(core.checked(Mail(to, subject, text, html, good_for)))


class Desk:
    """Where mails come in: it alone seals and opens what they say."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    async def hear_mails(self, work: Work, mails: list[Mail]) -> None:
        """Write the mails of a transaction, sealed."""
        rows = []
        for mail in mails:
            ident = work.new_id()
            content = _encode(Content(mail.subject, mail.text, mail.html)).decode()
            sealed = self._vault.seal(content, _place(ident))
            rows.append((ident, mail.to, sealed, work.now + mail.good_for))
        await store.queue(work, rows)

    def open(self, leased: Leased) -> Content:
        """Return what a mail says; raises ``CannotOpen``."""
        return _content.decode(self._vault.open(leased.content, _place(leased.id)))


def _place(ident: UUID) -> str:
    return f"mail_message.content|{ident.hex}"


async def measure(work: Work) -> None:
    """Set the gauges of what waits to be sent."""
    count, age_seconds = await store.depth(work)
    waiting_mails.set(count)
    oldest_mail.set(age_seconds)
