"""Accounts and sessions of these tests."""

from __future__ import annotations

from uuid import UUID

from chatworks.house import House
from chatworks.identity import service as identity
from chatworks.identity import store as accounts
from chatworks.identity.models import Account, Browser, Session

HERE = Browser("Firefox", "127.0.0.1")


async def open_account(house: House, *addresses: str) -> UUID:
    """Make an account with these verified e-mail addresses."""
    async with house.db.engine() as work:
        account = Account(work.new_id(), "person", "Amina", None, "en", "UTC", work.now)
        await accounts.add_account(work, account)
        for number, value in enumerate(addresses):
            await work.conn.execute(
                "INSERT INTO account_address (account_id, id, kind, value, verified_at, is_main,"
                " created_at) VALUES (%s, %s, 'email', %s, now() - interval '1 year', %s, now())",
                [account.id, work.new_id(), value, number == 0],
            )
        identity.note(work, account.id, "OpenAccount")
    return account.id


async def enter(house: House, account_id: UUID, *methods: str, browser: Browser = HERE) -> Session:
    """Begin a session of an account that showed these factors."""
    async with house.db.engine() as work:
        secrets = await identity.sign_in_as(work, account_id, methods, browser)
        session = await identity.session_of(work, secrets.session)
    assert session is not None
    return session
