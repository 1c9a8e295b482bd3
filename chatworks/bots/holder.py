"""The bots of an installation: each is connected, and polled if it has no webhook, by one holder.

A *holder* is the process that has a bot's session lock in PostgreSQL, on a connection of its own:
when it stops or dies its locks are free, and another process takes its bots over within seconds
(decision 0014). A bot whose token is refused is marked broken, told on the terminal and in the
console, and left to other processes; this one tries that token again at its next start.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg
import structlog
from psycopg import AsyncConnection

from chatworks.bots.adoption import Adopter
from chatworks.channels.models import Channel, ChannelKind, Connected, RawRequest, Rejected
from chatworks.channels.telegram.connect import address, connect, poll, webhook_trouble
from chatworks.channels.telegram.send import BotApi, NotDone, TokenRefused
from chatworks.conversations.words import WORDS, Word
from chatworks.inbox.committer import Committer
from chatworks.inbox.door import check
from chatworks.inbox.models import NewEvent
from chatworks.kit.db import Database
from chatworks.outlets import store
from chatworks.outlets.models import Outlet
from chatworks.outlets.service import Directory
from chatworks.sdk.applet import Applets

HEALTH_SECONDS = 60.0  # how often Telegram is asked how a webhook does
LOOK_SECONDS = 2.0  # how long a bot may stand without a holder, or its trouble unseen
BACKOFF_SECONDS_MIN, BACKOFF_SECONDS_MAX = 1.0, 60.0
# A holder's machine may vanish without a word: the server asks whether it is still there.
KEEPALIVE = "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3"

log = structlog.get_logger()


@dataclass(slots=True)
class Bots:
    """The Telegram bots that this process holds. ``conninfo`` is the engine's login."""

    db: Database
    conninfo: str
    directory: Directory
    committer: Committer
    api: BotApi
    adopter: Adopter
    kind: ChannelKind
    applets: Applets
    public_url: str
    _connected: set[UUID] = field(default_factory=set)
    _refused: set[tuple[UUID, str]] = field(default_factory=set)  # channels with their tokens
    _told: dict[UUID, str] = field(default_factory=dict)

    async def run(self) -> None:
        """Hold and run bots until cancelled; survives a database that is away."""
        while True:
            try:
                async with await AsyncConnection.connect(
                    self.conninfo, autocommit=True, options=KEEPALIVE
                ) as conn:
                    await self._hold(conn)
            except psycopg.OperationalError as error:
                log.warning("bots wait for the database", error=type(error).__name__)
            except Exception:
                log.exception("bots begin anew")
            await asyncio.sleep(LOOK_SECONDS)

    async def _hold(self, conn: AsyncConnection[Any]) -> None:
        """Run every bot that nobody else holds, as long as the connection with its lock stands."""
        running: dict[UUID, asyncio.Task[None]] = {}
        try:
            while True:
                listed = await self.directory.channels(kind=self.kind.kind)
                ours = {c.id: c for c in listed if (c.id, c.secret) not in self._refused}
                await self._end(conn, running, ours)
                for held in await store.hold(conn, [i for i in ours if i not in running]):
                    running[held] = asyncio.create_task(self._run(ours[held]))
                await self.adopter.adopt([ours[bot] for bot in running if bot in self._connected])
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            await _cancel(running.values())

    async def _end(
        self,
        conn: AsyncConnection[Any],
        running: dict[UUID, asyncio.Task[None]],
        ours: dict[UUID, Channel],
    ) -> None:
        """Let go of bots that ended or are switched off, and of those that a send found broken."""
        over = [
            bot
            for bot, task in running.items()
            if task.done() or bot not in ours or (ours[bot].broken and bot in self._connected)
        ]
        await _cancel([running.pop(bot) for bot in over])
        if over:
            await store.let_go(conn, over)

    async def _run(self, channel: Channel) -> None:
        """Connect a bot and poll it, again and again; ends where its token is refused."""
        self._connected.discard(channel.id)
        pause = BACKOFF_SECONDS_MIN
        while True:
            began = self.db.clock.monotonic()
            try:
                await self._serve(channel)
            except TokenRefused as no:
                self._refused.add((channel.id, channel.secret))
                await self._tell(channel, str(no), broken=True)
                return
            except NotDone as no:
                await self._tell(channel, str(no))
                if self.db.clock.monotonic() - began > BACKOFF_SECONDS_MAX:
                    pause = BACKOFF_SECONDS_MIN
                await asyncio.sleep(no.seconds or pause)
                pause = min(2 * pause, BACKOFF_SECONDS_MAX)

    async def _serve(self, channel: Channel) -> None:
        """Connect a bot, note it, then poll; a webhook needs nobody until something is wrong."""
        outlet = await self.directory.outlet(channel.outlet_id)
        commands = commands_of(self.applets, outlet)
        chats = await self.directory.channels(outlet.id, "webchat")
        app = (outlet.name, f"{self.public_url}/o/{outlet.slug}/app") if chats else None
        connected = await connect(self.api, channel, self.public_url, commands, app)
        cursor = await self._note(channel, connected)
        if connected.mode == "webhook":
            await self._watch(channel, connected)

        async def deliver(updates: list[bytes], next_cursor: int) -> None:
            await self._deliver(channel, updates, next_cursor)

        await poll(self.api, channel, cursor, deliver)

    async def _watch(self, channel: Channel, connected: Connected) -> None:
        """Ask again and again how a webhook does, and tell what is wrong with it."""
        url = address(self.public_url, channel)
        known = ""
        while True:
            await asyncio.sleep(HEALTH_SECONDS)
            now = self.db.clock.now()
            trouble = await webhook_trouble(self.api, channel, url, now)
            if trouble != known:
                known = trouble
                whole = "; ".join(text for text in (trouble, connected.trouble) if text)
                await self._write(channel, whole)
                if trouble:
                    log.warning("a bot's webhook is not well", bot=channel.name, reason=trouble)

    async def _note(self, channel: Channel, connected: Connected) -> int:
        """Write that a bot works, and let what waited for it leave; returns its cursor."""
        trouble = connected.trouble
        async with self.db.engine() as work:
            cursor = await store.connected(work, channel, connected)
            work.notify(["outbox", f"outlet {channel.outlet_id.hex}"])
        self.directory.forget()
        self._connected.add(channel.id)
        self._told.pop(channel.id, None)
        log.info("bot connected", bot=f"@{connected.name}", mode=connected.mode)
        if trouble:
            log.warning("a bot's menu is not whole", bot=f"@{connected.name}", reason=trouble)
        return cursor

    async def _tell(self, channel: Channel, reason: str, *, broken: bool = False) -> None:
        """Say once, on the terminal and in the console, what is wrong with a bot."""
        if self._told.get(channel.id) == reason:
            return
        self._told[channel.id] = reason
        event = "bot is switched off until its token works" if broken else "bot is not connected"
        # nosemgrep: personal-field-in-a-log - the name of the variable, not what it holds
        log.warning(event, bot=channel.name, token=channel.secret_env, reason=reason)
        await self._write(channel, reason, broken=broken)

    async def _write(self, channel: Channel, trouble: str, *, broken: bool = False) -> None:
        """Show in the console what is wrong with a bot."""
        async with self.db.engine() as work:
            if broken:
                await store.break_channel(work, channel.outlet_id, channel.id, trouble)
            await store.set_trouble(work, channel, trouble)
            work.notify([f"outlet {channel.outlet_id.hex}"])
        self.directory.forget()

    async def _deliver(self, channel: Channel, updates: list[bytes], cursor: int) -> None:
        """Store polled updates like a webhook's, then how far we came; what is bad is passed by."""
        events = []
        for raw in updates:
            try:
                for arrival in self.kind.split(RawRequest({}, raw), channel, self.db.clock.now()):
                    check(arrival)
                    events.append(NewEvent(channel.outlet_id, channel.id, arrival))
            except Exception as no:  # noqa: BLE001 - one update must not hold up all others
                reason = no.reason if isinstance(no, Rejected) else type(no).__name__
                log.warning("a polled update was refused", bot=channel.name, reason=reason)
        # Each is a request of its own, so that a bad row fails alone; they share one commit.
        # nosemgrep: gather-without-bound - a poll brings a hundred updates at most
        answers = await asyncio.gather(
            *(self.committer.accept([event]) for event in events), return_exceptions=True
        )
        for answer in answers:
            if isinstance(answer, psycopg.DataError | UnicodeError):
                reason = type(answer).__name__
                log.warning("a polled update was refused", bot=channel.name, reason=reason)
            elif isinstance(answer, BaseException):
                raise answer
        async with self.db.engine() as work:
            await store.set_cursor(work, channel, cursor)


async def _cancel(tasks: Iterable[asyncio.Task[None]]) -> None:
    """End tasks, and say why those ended that failed by themselves: their bots begin anew."""
    ended = list(tasks)
    for task in ended:
        task.cancel()
    for result in await asyncio.gather(*ended, return_exceptions=True):
        if isinstance(result, Exception):
            log.error("a bot stopped and begins anew", exc_info=result)


def commands_of(applets: Applets, outlet: Outlet) -> dict[str, list[tuple[str, str]]]:
    """Return (name, description) for a bot's menu, by the outlet's languages; "" is the default."""
    listed: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for installed in outlet.installed:
        loaded = applets.get(installed.applet, installed.version) or applets.latest(
            installed.applet
        )
        for command in loaded.manifest.command if loaded is not None else ():
            if not command.hidden:
                for language in outlet.languages:
                    title = command.title.get(language) or command.title["en"]
                    listed[language].append((command.name, title))
    for language in outlet.languages:
        words = WORDS.get(language, WORDS["en"])
        listed[language] += [(word.value, words[word][0]) for word in Word]
    default = outlet.languages[0]
    return {"" if language == default else language: rows for language, rows in listed.items()}
