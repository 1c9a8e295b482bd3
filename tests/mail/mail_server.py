"""A real SMTP server on loopback that can be told to fail at any step, and a postman for it."""

from __future__ import annotations

import asyncio
import email.policy
from collections.abc import Callable
from dataclasses import dataclass, field
from email import message_from_bytes
from email.headerregistry import Address
from email.message import EmailMessage
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from chatworks.house import House
from chatworks.kit.crypto import Vault
from chatworks.mail.carriers import SmtpServer
from chatworks.mail.models import Server
from chatworks.mail.postman import Postman
from chatworks.mail.service import Desk

SENDER = Address("MajiPro", addr_spec="no-reply@majipro.example.com")
Answer = str | None
Rows = Callable[[], list[tuple[Any, ...]]]


@dataclass
class Mailbox:
    """An SMTP server: what it took, and what it is to answer at a step instead."""

    taken: list[EmailMessage] = field(default_factory=list)
    envelopes: list[tuple[str, list[str]]] = field(default_factory=list)
    answers: dict[str, list[str]] = field(default_factory=dict)  # by step, one for each time
    hang: set[str] = field(default_factory=set)
    hidden: list[bool] = field(default_factory=list)  # whether each came over TLS
    port: int = 0

    async def _at(self, step: str) -> Answer:
        if step in self.hang:
            await asyncio.sleep(60)
        planned = self.answers.get(step)
        return planned.pop(0) if planned else None

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        answer = await self._at("sender")
        envelope.mail_from = address
        return answer or "250 OK"

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        answer = await self._at("recipient")
        if answer is None:
            envelope.rcpt_tos.append(address)
        return answer or "250 OK"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        answer = await self._at("data")
        if answer is None:
            content = envelope.content
            assert isinstance(content, bytes)
            message = message_from_bytes(content, policy=email.policy.default)
            self.taken.append(message)
            self.envelopes.append((str(envelope.mail_from), list(envelope.rcpt_tos)))
            self.hidden.append(session.ssl is not None)
        await self._at("after data")
        return answer or "250 OK"

    def login(self, _server: Any, _session: Any, _envelope: Any, _mechanism: Any, data: Any) -> Any:
        right = LoginPassword(b"majipro", b"p@ss word")
        return AuthResult(success=data == right, handled=False)

    def server(self, **more: Any) -> Server:
        """Return how it is reached; on loopback TLS may be left out unless ``more`` says not."""
        return Server(**{"host": "127.0.0.1", "port": self.port, "must_hide": False, **more})


def postman(house: House, box: Mailbox, carrier: SmtpServer | None = None) -> Postman:
    """Return a postman of ``house`` that hands mails to ``box``."""
    desk = Desk(Vault(house.settings.derive("sealed tokens"), house.clock))
    return Postman(house.db, desk, carrier or SmtpServer(box.server(), SENDER), house.listener)
