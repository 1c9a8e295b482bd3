"""Outlets, channels and installs in the database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from psycopg import AsyncConnection

from chatworks.channels.models import Channel, Connected, Template
from chatworks.kit.db import load_queries
from chatworks.kit.work import Work
from chatworks.outlets.models import (
    Brand,
    ChannelRow,
    Delivery,
    Hours,
    Install,
    Outlet,
    OutletFile,
    PrivacyNotice,
    Quiet,
    RemoveTemplate,
    Routing,
    SaveTemplate,
    Sms,
    TemplateRow,
)

QUERIES = load_queries(__package__)
HOLDERS_LOCK = 0x43570002  # any number, the same in every process


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _columns(file: OutletFile) -> dict[str, Any]:
    return {
        "slug": file.slug,
        "name": file.name,
        "brand": _json(file.brand),
        "languages": file.languages,
        "currency": file.currency,
        "timezone": file.timezone,
        "hours": _json(file.hours),
        "delivery": _json(file.delivery),
        "privacy": _json(file.privacy),
        "sms": _json(file.sms),
        "widget_origins": file.widget_origins,
        "quiet": _json(file.quiet),
        "routing": _json(file.routing),
    }


class Seen(msgspec.Struct, frozen=True):
    """What was seen of a channel's account; ``works`` is whether it may send."""

    name: str
    webhook: str
    webhook_set: bool | None
    trouble: str
    works: bool = True


async def add(work: Work, outlet_id: UUID, file: OutletFile) -> bool:
    """Insert the outlet unless its slug is taken; returns whether it was new."""
    parameters = {"id": outlet_id, "now": work.now, **_columns(file)}
    return (await work.conn.execute(QUERIES["add_outlet"], parameters)).rowcount == 1


async def change(work: Work, file: OutletFile) -> None:
    """Make the outlet what its file says."""
    await work.conn.execute(QUERIES["change_outlet"], {"now": work.now, **_columns(file)})


async def find(
    work: Work, ids: Sequence[UUID] | None = None, slug: str | None = None
) -> list[Outlet]:
    """Return outlets by id, by slug, or all that this login may see."""
    parameters = {"ids": None if ids is None else list(ids), "slug": slug}
    cursor = await work.conn.execute(QUERIES["outlets"], parameters)
    return [_outlet(row) for row in await cursor.fetchall()]


def _outlet(row: tuple[Any, ...]) -> Outlet:
    decode = msgspec.json.decode
    return Outlet(
        id=row[0],
        slug=row[1],
        name=row[2],
        brand=decode(row[3], type=Brand),
        languages=tuple(row[4]),
        currency=row[5],
        timezone=row[6],
        hours=decode(row[7], type=Hours),
        delivery=decode(row[8], type=Delivery),
        privacy=decode(row[9], type=PrivacyNotice),
        widget_origins=tuple(row[10]),
        sms=decode(row[11], type=Sms),
        installed=tuple(
            Install(applet, version, msgspec.json.encode(settings))
            for applet, version, settings in decode(row[12] or "[]")
        ),
        quiet=decode(row[13], type=Quiet),
        routing=decode(row[14], type=Routing),
    )


async def add_channel(work: Work, channel: ChannelRow) -> bool:
    """Insert a channel unless this outlet has it: by kind, token and number; True if it was new."""
    cursor = await work.conn.execute(
        QUERIES["add_channel"],
        {
            "outlet_id": channel.outlet_id,
            "id": channel.id,
            "kind": channel.kind,
            "path": channel.path,
            "name": channel.name,
            "secret_env": channel.secret_env,
            "secret_sealed": channel.secret_sealed,
            "mode": channel.mode,
            "account": channel.account,
            "address": channel.address,
            "now": work.now,
        },
    )
    return cursor.rowcount == 1


async def channels(work: Work, outlet_id: UUID | None = None) -> list[ChannelRow]:
    """Return the channels of an outlet, or all that this login may see."""
    cursor = await work.conn.execute(QUERIES["channels"], {"outlet_id": outlet_id})
    return [ChannelRow(*row) for row in await cursor.fetchall()]


async def set_cursor(work: Work, channel: Channel, cursor: int) -> None:
    """Remember which update of a polled bot to ask for next."""
    parameters = {"outlet_id": channel.outlet_id, "id": channel.id, "cursor": cursor}
    await work.conn.execute(QUERIES["set_cursor"], parameters)


async def connected(work: Work, channel: Channel, connected: Connected) -> int:
    """Note that a channel works, under its messenger's name; returns its cursor."""
    parameters = {
        "outlet_id": channel.outlet_id,
        "id": channel.id,
        "name": connected.name,
        "mode": connected.mode,
        "trouble": connected.trouble,
        "manages_bots": connected.manages_bots,
    }
    row = await (await work.conn.execute(QUERIES["connected"], parameters)).fetchone()
    return 0 if row is None else int(row[0])


async def set_trouble(work: Work, channel: Channel, trouble: str) -> None:
    """Note what is wrong with a channel, in the words of today."""
    parameters = {"outlet_id": channel.outlet_id, "id": channel.id, "trouble": trouble}
    await work.conn.execute(QUERIES["set_trouble"], parameters)


async def break_channel(work: Work, outlet_id: UUID, channel_id: UUID, trouble: str) -> None:
    """Stop sending on a channel until it is connected again."""
    parameters = {"outlet_id": outlet_id, "id": channel_id, "trouble": trouble}
    await work.conn.execute(QUERIES["break_channel"], parameters)


async def seal(work: Work, outlet_id: UUID, channel_id: UUID, sealed: bytes) -> None:
    """Give a channel another sealed token."""
    parameters = {"outlet_id": outlet_id, "id": channel_id, "sealed": sealed}
    await work.conn.execute(QUERIES["seal"], parameters)


async def checked(work: Work, channel: Channel, seen: Seen) -> None:
    """Note what was seen of a channel's account; one that works is no longer broken."""
    await work.conn.execute(
        QUERIES["checked"],
        {
            "outlet_id": channel.outlet_id,
            "id": channel.id,
            "now": work.now,
            **msgspec.structs.asdict(seen),
        },
    )


async def check_again(work: Work, outlet_id: UUID, channel_id: UUID) -> bool:
    """Have a channel looked after soon; returns whether there is one."""
    parameters = {"outlet_id": outlet_id, "id": channel_id}
    return (await work.conn.execute(QUERIES["check_again"], parameters)).rowcount == 1


async def unchecked(work: Work, ids: Sequence[UUID], before: datetime) -> set[UUID]:
    """Return which of these channels were not looked after since ``before``."""
    parameters = {"ids": list(ids), "before": before}
    cursor = await work.conn.execute(QUERIES["unchecked"], parameters)
    return {row[0] for row in await cursor.fetchall()}


async def resources(work: Work) -> dict[UUID, dict[str, str]]:
    """Return, by channel, the vendor's ids of what was made there once, by name."""
    found: dict[UUID, dict[str, str]] = defaultdict(dict)
    cursor = await work.conn.execute(QUERIES["resources"])
    for channel_id, name, vendor_id in await cursor.fetchall():
        found[channel_id][name] = vendor_id
    return found


async def save_resources(work: Work, channel: Channel, made: Mapping[str, str]) -> None:
    """Keep the vendor's ids of what was made for a channel, by name."""
    parameters = {
        "outlet_id": channel.outlet_id,
        "channel_id": channel.id,
        "names": list(made),
        "vendor_ids": list(made.values()),
    }
    await work.conn.execute(QUERIES["save_resources"], parameters)


async def templates(work: Work, outlet_id: UUID | None = None) -> list[TemplateRow]:
    """Return the templates of an outlet, or all that this login may see."""
    cursor = await work.conn.execute(QUERIES["templates"], {"outlet_id": outlet_id})
    return [
        TemplateRow(
            row[0], Template(row[1], row[2], row[3], row[4], row[5], row[6], row[7]), row[8]
        )
        for row in await cursor.fetchall()
    ]


async def save_template(work: Work, outlet_id: UUID, asked: SaveTemplate) -> bool:
    """Write a new template; returns whether its name was free in its language."""
    parameters = {
        "outlet_id": outlet_id,
        "channel_id": asked.channel_id,
        "name": asked.name,
        "language": asked.language,
        "topic": asked.topic.strip(),
        "body": asked.body.strip(),
        "category": asked.category,
        "now": work.now,
    }
    return (await work.conn.execute(QUERIES["save_template"], parameters)).rowcount == 1


async def remove_template(work: Work, outlet_id: UUID, asked: RemoveTemplate) -> bool:
    """Remove a template; returns whether it was there."""
    parameters = {
        "outlet_id": outlet_id,
        "channel_id": asked.channel_id,
        "name": asked.name,
        "language": asked.language,
    }
    return (await work.conn.execute(QUERIES["remove_template"], parameters)).rowcount == 1


async def decide_template(work: Work, channel: Channel, template: Template, reason: str) -> bool:
    """Write a template's status and vendor's id; returns whether anything changed."""
    parameters = {
        "outlet_id": channel.outlet_id,
        "channel_id": channel.id,
        "name": template.name,
        "language": template.language,
        "status": template.status,
        "vendor_id": template.vendor_id,
        "reason": reason,
        "now": work.now,
    }
    return (await work.conn.execute(QUERIES["decide_template"], parameters)).rowcount == 1


async def disable_template(
    work: Work, outlet_id: UUID, channel_id: UUID, name: str, reason: str
) -> None:
    """Use a template no more, in any language, until the vendor says that it is approved."""
    parameters = {
        "outlet_id": outlet_id,
        "channel_id": channel_id,
        "name": name,
        "reason": reason,
        "now": work.now,
    }
    await work.conn.execute(QUERIES["disable_template"], parameters)


async def hold(conn: AsyncConnection[Any], channels: Sequence[UUID]) -> list[UUID]:
    """Take the session locks of ``channels`` that nobody else holds; returns those."""
    parameters = {"space": HOLDERS_LOCK, "ids": list(channels)}
    cursor = await conn.execute(QUERIES["hold"], parameters)
    return [row[0] for row in await cursor.fetchall() if row[1]]


async def lock_account(conn: AsyncConnection[Any], space: int, account: str) -> bool:
    """Take the session lock of a vendor's account, unless somebody else holds it."""
    parameters = {"space": space, "account": account}
    cursor = await conn.execute(QUERIES["lock_account"], parameters)
    row = await cursor.fetchone()
    return row is not None and bool(row[0])


async def let_go(conn: AsyncConnection[Any], channels: Sequence[UUID]) -> None:
    """Leave these channels to other holders."""
    await conn.execute(QUERIES["let_go"], {"space": HOLDERS_LOCK, "ids": list(channels)})


async def add_install(work: Work, outlet_id: UUID, install: Install) -> bool:
    """Switch an applet on unless it is known; returns whether it was new."""
    parameters = {
        "outlet_id": outlet_id,
        "applet": install.applet,
        "version": install.version,
        "settings": install.settings.decode(),
        "now": work.now,
    }
    return (await work.conn.execute(QUERIES["add_install"], parameters)).rowcount == 1


async def save_settings(work: Work, outlet_id: UUID, applet: str, settings: str) -> bool:
    """Store an applet's checked settings; returns whether the applet is installed."""
    parameters = {
        "outlet_id": outlet_id,
        "applet": applet,
        "settings": settings,
        "now": work.now,
    }
    return (await work.conn.execute(QUERIES["save_settings"], parameters)).rowcount == 1


async def save_widget_sites(work: Work, outlet_id: UUID, origins: Sequence[str]) -> None:
    """Store which sites may show the chat."""
    parameters = {"outlet_id": outlet_id, "origins": list(origins), "now": work.now}
    await work.conn.execute(QUERIES["save_widget_sites"], parameters)


async def save_hours(work: Work, outlet_id: UUID, hours: Hours) -> None:
    """Store when an outlet serves."""
    parameters = {"outlet_id": outlet_id, "hours": _json(hours), "now": work.now}
    await work.conn.execute(QUERIES["save_hours"], parameters)
