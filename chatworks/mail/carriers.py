"""What takes mails on their way: an SMTP server, or a folder where none is set.

A carrier tells a mail's fate as far as it knows. The steps of an SMTP server are taken one by one,
so that "nothing left" and "nobody knows" are told apart: only the message's bytes leave a doubt.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from email.headerregistry import Address
from pathlib import Path
from typing import Protocol

from aiosmtplib import SMTP, SMTPException, SMTPResponseException

from chatworks.kit.errors import Invalid
from chatworks.mail import core
from chatworks.mail.models import (
    SEND_SECONDS_MAX,
    Content,
    Doubt,
    Fate,
    Later,
    Leased,
    Server,
    Taken,
)

STEP_SECONDS_MAX = 20.0  # of one command; the message's own has all that is left
GOODBYE_SECONDS_MAX = 2.0
NOBODY = Address("ChatWorks", "no-reply", "localhost")  # the sender of what stays in a folder


class Carrier(Protocol):
    """Takes one mail at a time, many beside each other; ``where`` says in words where they go."""

    @property
    def where(self) -> str:
        """Return where mails go, for the operator."""

    async def carry(self, mail: Leased, content: Content) -> Fate:
        """Try to hand over one mail."""


def carrier(url: str, sender: str, folder: Path) -> Carrier:
    """Return what the settings ask for; ``Invalid`` names the variable that is wrong."""
    try:
        known = core.sender_of(sender) if sender.strip() else None
    except Invalid as error:
        raise Invalid("CHATWORKS_MAIL_FROM", error.problem) from None
    if not url:
        return Folder(folder, known or NOBODY)
    if known is None:
        raise Invalid("CHATWORKS_MAIL_FROM", "must be set where CHATWORKS_MAIL_URL is")
    try:
        return SmtpServer(core.server_of(url), known)
    except Invalid as error:
        raise Invalid("CHATWORKS_MAIL_URL", error.problem) from None


@dataclass(frozen=True, slots=True)
class Folder:
    """Writes each mail to a file that any mail program opens; a second try is the same file."""

    path: Path
    sender: Address

    @property
    def where(self) -> str:
        """The folder."""
        return f"{self.path} (no CHATWORKS_MAIL_URL is set)"

    async def carry(self, mail: Leased, content: Content) -> Fate:
        """Write one mail."""
        name = f"{mail.created_at:%Y%m%dT%H%M%S}-{mail.id.hex}.eml"
        wire = core.compose(mail, content, self.sender)
        try:
            await asyncio.to_thread(self._write, name, wire)
        except OSError as error:
            return Later(f"the folder refused it ({type(error).__name__})")
        return Taken()

    def _write(self, name: str, wire: bytes) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        self.path.chmod(0o700)  # codes and links are in there
        draft = self.path / f".{name}"
        with open(draft, "wb", opener=lambda path, flags: os.open(path, flags, 0o600)) as file:
            file.write(wire)
        draft.replace(self.path / name)


class SmtpServer:
    """Hands mails to one SMTP server, a connection each."""

    def __init__(
        self,
        server: Server,
        sender: Address,
        trust: Callable[[], ssl.SSLContext] = ssl.create_default_context,
    ) -> None:
        self._server = server
        self._sender = sender
        self._trust = trust
        self._context: ssl.SSLContext | None = None

    @property
    def where(self) -> str:
        """The server's host and port."""
        return f"{self._server.host}:{self._server.port}, from {self._sender.addr_spec}"

    async def carry(self, mail: Leased, content: Content) -> Fate:
        """Try to hand over one mail."""
        visit = _Visit(self._server, self._sender, self._tls())
        try:
            async with asyncio.timeout(SEND_SECONDS_MAX):
                await visit.hand_over(mail, core.compose(mail, content, self._sender))
        except SMTPResponseException as no:
            return core.answered(no.code, visit.step)
        except (SMTPException, OSError) as error:  # TimeoutError is an OSError
            reason = f"{type(error).__name__} at {visit.step}"
            return Doubt(reason) if visit.step == core.DATA else Later(reason)
        finally:
            await visit.leave()
        return Taken()

    def _tls(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = self._trust()
        return self._context


class _NoTls(SMTPException):
    """The server offers no TLS, and what is sent would be read on the way."""


class _Visit:
    """One connection; ``step`` is what it is at."""

    def __init__(self, server: Server, sender: Address, context: ssl.SSLContext) -> None:
        self.step = "connect"
        self._server = server
        self._sender = sender
        self._client = SMTP(
            hostname=server.host,
            port=server.port,
            use_tls=server.tls_at_once,
            start_tls=False,  # taken below, as a step of its own
            tls_context=context,
            timeout=STEP_SECONDS_MAX,
            local_hostname=sender.domain,
        )

    async def hand_over(self, mail: Leased, wire: bytes) -> None:
        """Take every step; raises aiosmtplib's errors."""
        await self._client.connect()
        await self._client.ehlo()
        if not self._server.tls_at_once:
            self.step = "tls"
            await self._hide()
        if self._server.user:
            self.step = "login"
            await self._client.login(self._server.user, self._server.password)
        self.step = "sender"
        await self._client.mail(self._sender.addr_spec)
        self.step = "recipient"
        await self._client.rcpt(mail.recipient)
        self.step = core.DATA
        await self._client.data(wire, timeout=SEND_SECONDS_MAX)

    async def _hide(self) -> None:
        """Begin TLS: always where it is offered, and it must be, where it must."""
        if self._client.supports_extension("starttls"):
            await self._client.starttls()
            await self._client.ehlo()
        elif self._server.must_hide:
            raise _NoTls("no STARTTLS")

    async def leave(self) -> None:
        """Say goodbye, and mind nothing that comes of it."""
        if self._client.is_connected:
            with contextlib.suppress(SMTPException, OSError):
                await self._client.quit(timeout=GOODBYE_SECONDS_MAX)
        self._client.close()
