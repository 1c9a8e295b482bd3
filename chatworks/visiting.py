"""``chatworks platform``: who is of the platform, and asking an outlet to let one of them in.

Whoever runs the installation names its people; an outlet alone decides whether one of them may look
in, for how long and as what. Both leave a leaf in the log.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from uuid import UUID

import click

from chatworks.access.core import PLATFORM_ROLES
from chatworks.house import House
from chatworks.identity.service import find_account
from chatworks.kit.errors import Invalid
from chatworks.kit.work import Work
from chatworks.memberships import service
from chatworks.settings import Settings, read_settings

Database = Callable[[Settings], AbstractContextManager[tuple[str, str]]]
Opened = Callable[[Settings, str], AbstractAsyncContextManager[House]]


def platform_commands(database: Database, opened: Opened) -> click.Group:
    """Return the command group; ``database`` and ``opened`` are the command line's."""

    @click.group()
    def platform() -> None:
        """People of the platform."""

    @platform.command()
    @click.argument("email")
    @click.argument("role", type=click.Choice(sorted(PLATFORM_ROLES)))
    def role(email: str, role: str) -> None:
        """Give the account with the verified address EMAIL a role of the platform."""

        async def go(house: House) -> None:
            async with house.db.engine() as work:
                await service.grant_platform_role(work, await _account(work, email), role)

        _run(database, opened, go)
        click.echo(f"{email} is {PLATFORM_ROLES[role].title.lower()} now.")

    @platform.command()
    @click.argument("slug")
    @click.argument("email")
    @click.argument("reason")
    def visit(slug: str, email: str, reason: str) -> None:
        """Ask the outlet SLUG to let the account of EMAIL in, for a REASON that it reads."""

        async def go(house: House) -> None:
            found = await house.directory.by_slug(slug)
            if found is None:
                raise Invalid(slug, "is no outlet here")
            async with house.db.engine() as work:
                account_id = await _account(work, email)
                await service.ask_to_visit(work, account_id, found.id, reason)

        _run(database, opened, go)
        click.echo(f"{slug} is asked. Its owner answers under Settings, People.")

    return platform


async def _account(work: Work, email: str) -> UUID:
    account_id = await find_account(work, "email", email)
    if account_id is None:
        raise Invalid(email, "is nobody's verified address")
    return account_id


def _run(database: Database, opened: Opened, go: Callable[[House], Awaitable[None]]) -> None:
    settings = read_settings()

    async def whole(url: str) -> None:
        async with opened(settings, url) as house:
            await go(house)

    with database(settings) as (url, _):
        asyncio.run(whole(url))
