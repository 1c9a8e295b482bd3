"""A cast for the tests of memberships: accounts, members of MajiPro, and the commands they give."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from stepping import proved

from chatworks.commands.models import Actor, ActorKind, Call, Command
from chatworks.house import House
from chatworks.identity import store as identity
from chatworks.identity.models import Account, Operator
from chatworks.kit.work import Work
from chatworks.memberships import store


@dataclass(slots=True)
class People:
    """MajiPro and who works there; ``owner`` is the first one."""

    house: House
    outlet: UUID
    owner: Operator

    async def account(self, name: str) -> UUID:
        """Make an account of somebody new."""
        async with self.house.db.engine() as work:
            account = Account(work.new_id(), "person", name, None, "en", "UTC", work.now)
            await identity.add_account(work, account)
            await self._trace(work, account.id)
        return account.id

    async def member(self, name: str, role: str) -> Operator:
        """Make somebody new a member."""
        account_id = await self.account(name)
        async with self.house.db.engine([self.outlet]) as work:
            made = await identity.add_membership(work, self.outlet, account_id, role)
            assert made is not None
            await self._trace(work, account_id)
        return Operator(self.outlet, made, name, role, account_id)

    async def give(self, by: Operator, command: Command[Any]) -> Any:
        """Give a command as a member, with the role that they have today."""
        role = (await self.roles()).get(by.name, "")
        kind = ActorKind.PLATFORM if by.is_visit else ActorKind.OPERATOR
        call: Call[Any] = Call(self.outlet, Actor(kind, by.id.hex, role), command)
        call = await proved(self.house, call, by.account_id)
        async with self.house.db.engine([self.outlet]) as work:
            return await self.house.dispatcher.one(work, call)

    async def roles(self) -> dict[str, str]:
        """Return who works there today, by name."""
        async with self.house.db.engine([self.outlet]) as work:
            return {m.name: m.role for m in await store.members(work, self.outlet)}

    async def acts(self) -> list[str]:
        """Return the names of what the log keeps about memberships."""
        async with self.house.db.engine() as work:
            cursor = await work.conn.execute(
                "SELECT action FROM audit_leaf WHERE action LIKE 'memberships.%' ORDER BY id"
            )
            return [row[0] for row in await cursor.fetchall()]

    async def links(self) -> list[str]:
        """Return the secrets of the links that were mailed, oldest first."""
        async with self.house.db.engine() as work:
            cursor = await work.conn.execute(
                "SELECT id, content FROM mail_message WHERE content IS NOT NULL ORDER BY id"
            )
            rows = await cursor.fetchall()
        vault = self.house.directory.vault
        texts = [vault.open(sealed, f"mail_message.content|{ident.hex}") for ident, sealed in rows]
        return [found[1] for text in texts if (found := re.search(r"\?key=([\w-]+)", text))]

    @staticmethod
    async def _trace(work: Work, account_id: UUID) -> None:
        from chatworks.identity.service import note  # noqa: PLC0415 - only the cast needs it

        note(work, account_id, "Test")
