"""SMTP servers with TLS and without, and what a test reads of the database."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from typing import Any

import psycopg
import pytest
import trustme
from aiosmtpd.smtp import SMTP
from mail_server import Mailbox, Rows


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    """A certificate authority of the tests."""
    return trustme.CA()


@pytest.fixture(scope="session")
def trust(authority: trustme.CA) -> Callable[[], ssl.SSLContext]:
    """What makes a context that believes the authority."""

    def context() -> ssl.SSLContext:
        made = ssl.create_default_context()
        authority.configure_trust(made)
        return made

    return context


def _certified(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


async def _serving(box: Mailbox, at_once: ssl.SSLContext | None, **options: Any) -> Any:
    def protocol() -> SMTP:
        return SMTP(box, hostname="mail.example.com", enable_SMTPUTF8=False, **options)

    server = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0, ssl=at_once)
    box.port = server.sockets[0].getsockname()[1]
    return server


@pytest.fixture
async def box() -> AsyncIterator[Mailbox]:
    """A server that offers no TLS."""
    mailbox = Mailbox()
    server = await _serving(mailbox, None)
    yield mailbox
    server.close()


@pytest.fixture
async def hidden_box(authority: trustme.CA) -> AsyncIterator[Mailbox]:
    """A server that offers STARTTLS, asks for it, and for a password behind it."""
    mailbox = Mailbox()
    server = await _serving(
        mailbox,
        None,
        tls_context=_certified(authority),
        require_starttls=True,
        authenticator=mailbox.login,
        auth_required=True,
    )
    yield mailbox
    server.close()


@pytest.fixture
async def tls_box(authority: trustme.CA) -> AsyncIterator[Mailbox]:
    """A server that speaks TLS from the first byte."""
    mailbox = Mailbox()
    server = await _serving(mailbox, _certified(authority))
    yield mailbox
    server.close()


@pytest.fixture
def rows(database_url: str) -> Rows:
    """What returns (status, attempts, doubts, error, whether anything is still sealed)."""

    def read() -> list[tuple[Any, ...]]:
        with psycopg.connect(database_url) as conn:
            return conn.execute(
                "SELECT status, attempts, doubts, error, content IS NOT NULL"
                " FROM mail_message ORDER BY created_at"
            ).fetchall()

    return read
