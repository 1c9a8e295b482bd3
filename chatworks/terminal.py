"""``chatworks chat``: the same conversation in a terminal, through the same inbox and engine.

Buttons are numbered; a number taps one. ``@latitude,longitude`` shares a place. Ctrl-D or Ctrl-C
ends the session. With ``--record`` it is printed at the end as a test of the applets that spoke,
one for each dialogue.
"""

from __future__ import annotations

import asyncio
import sys
import textwrap
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import click
import msgspec
from msgspec.structs import replace

from chatworks.channels.capabilities import Capabilities, Length
from chatworks.channels.models import Channel, Prompt, Rejected
from chatworks.channels.planning.drawing import draw
from chatworks.channels.planning.pieces import Words
from chatworks.channels.webchat.adapter import arrival, read
from chatworks.conversations import store, words
from chatworks.conversations.models import DialogueStatus, Journal
from chatworks.house import House
from chatworks.inbox.models import NewEvent
from chatworks.kit.errors import NotFound
from chatworks.outlets.models import Outlet
from chatworks.sdk.inbound import Inbound, InboundKind
from chatworks.sdk.messages import Button, Card, Message, Wanted
from chatworks.sdk.recording import Played, record
from chatworks.sdk.sheets import card_of

WAIT_SECONDS = 10.0
CARD_WIDTH = 44
CAPABILITIES = Capabilities(text=Length(1_000_000))
HELLO = "A number taps a button, @latitude,longitude shares a place, Ctrl-D ends."
NO_PLACE = "A place is @latitude,longitude, for example @-1.2921,36.7836"
HINTS = {
    "location": "(write an address, or share a place: @-1.2921,36.7836)",
    "phone": "(write a phone number)",
    "file": "(files cannot be sent from a terminal)",
}


@dataclass(slots=True)
class Terminal:
    """One session with one outlet."""

    house: House
    outlet: Outlet
    channel: Channel
    thread: str
    seen: int = 0
    buttons: list[Button] = field(default_factory=list)
    asked_seq: int = 0
    open_dialogue: UUID | None = None  # the one that waits for an answer of the person
    answers: dict[UUID, list[Inbound]] = field(default_factory=dict)  # given to each dialogue

    @classmethod
    async def open(cls, house: House, slug: str) -> Terminal:
        """Begin a conversation with the outlet called ``slug``."""
        outlet = await house.directory.by_slug(slug)
        if outlet is None:
            raise NotFound(f"there is no outlet {slug!r}")
        channels = await house.directory.channels(outlet.id, "terminal")
        thread = house.clock.random_bytes(16).hex()
        return cls(house, outlet, channels[0], thread)

    async def give(self, line: str) -> list[str]:
        """Send one line as the person typed it; returns what is shown."""
        event = self._event(line)
        if event is None:
            return [_dim(NO_PLACE)]
        try:
            taken = arrival(msgspec.json.encode(event), self.thread, self.outlet.languages[0])
        except Rejected as problem:
            return [_dim(str(problem))]
        self._remember(read(taken.payload, self.channel))
        await self.house.committer.accept([NewEvent(self.outlet.id, self.channel.id, taken)])
        loop = asyncio.get_running_loop()
        until = loop.time() + WAIT_SECONDS
        while loop.time() < until:
            await self.house.worker.step()
            shown, taken_now = await self._look(event["id"])
            if shown or taken_now:
                return shown or [_dim("(nobody answers now: write “menu” to go on)")]
            await asyncio.sleep(0.05)
        return [_dim("(no answer yet)")]

    async def record(self) -> str:
        """Return the session as tests of the applets that spoke, one for each dialogue."""
        played = []
        for journal in await self._journals():
            applets = self.house.applets
            loaded = applets.get(journal.applet, journal.version)
            if loaded is not None:
                module = loaded.applet.functions[journal.command].__module__
                played.append(
                    Played(
                        package=module.rpartition(".")[0],
                        command=journal.command,
                        language=journal.language,
                        settings=journal.settings,
                        start=journal.start,
                        entries=journal.entries,
                        inbounds=self.answers.get(journal.id, []),
                    )
                )
        return record(played) if played else "# nothing was recorded: no applet spoke\n"

    # -- what the person does ----------------------------------------------------------------

    def _event(self, line: str) -> dict[str, Any] | None:
        event: dict[str, Any] = {"id": str(UUID(bytes=self.house.clock.random_bytes(16)))}
        if line.startswith("@"):
            place = _place(line[1:])
            return None if place is None else {**event, "kind": "place", **place}
        if line.isdecimal() and len(line) < len("1000") and 1 <= int(line) <= len(self.buttons):
            button = self.buttons[int(line) - 1]
            tap = f"{self.asked_seq}.{button.id}"
            return {**event, "kind": "tap", "tap": tap, "text": button.label}
        return {**event, "kind": "text", "text": line}

    def _remember(self, inbound: Inbound) -> None:
        """Keep what the open dialogue will be given; the engine's own words are not for it."""
        ident = inbound.tap.partition(".")[2]
        spoken = inbound.text if inbound.kind is InboundKind.TEXT else ""
        word = words.find(spoken, self.outlet.languages) if spoken else None
        engines = inbound.kind is InboundKind.COMMAND or word is not None or ":" in ident
        if self.open_dialogue is not None and not engines:
            given = self.answers.setdefault(self.open_dialogue, [])
            given.append(replace(inbound, tap=ident))

    # -- what is shown -----------------------------------------------------------------------

    async def _look(self, event_id: str) -> tuple[list[str], bool]:
        """Return what was said since the last look, and whether the event was taken."""
        async with self.house.db.engine([self.outlet.id]) as work:
            found = await store.find_by_thread(work, self.outlet.id, self.channel.id, self.thread)
            if found is None:
                return [], False
            said = await store.history(work, self.outlet.id, found[0], self.seen)
            talk = await store.one(work, self.outlet.id, found[0])
            kept = await store.journals(work, self.outlet.id, found[0])
        waiting = [j.id for j in kept if j.status is DialogueStatus.WAITING]
        bot_speaks = talk is not None and talk["speaker"] == "bot"
        self.open_dialogue = waiting[-1] if waiting and bot_speaks else None
        shown: list[str] = []
        for message in said:
            self.seen = message.seq
            if message.direction == "out":
                shown += self._lines(message.content, message.seq)
        mine = {message.content.get("message_ref") for message in said}
        return shown, event_id in mine

    def _lines(self, content: dict[str, Any], seq: int) -> list[str]:
        message = msgspec.convert(content, Message)
        shown = message.shows
        card = message.card if shown is None else card_of(shown, self.outlet.languages[0])
        lines = [] if card is None else _card_lines(card)
        lines += _text_lines(replace(message, card=None, shows=None, buttons=(), sections=()))
        tappable = [b for b in message.choices if not b.id.startswith("__")]
        self.buttons, self.asked_seq = tappable, seq
        lines += [f"  {n}) {b.label}" for n, b in enumerate(tappable, start=1)]
        if message.wanted in HINTS:
            lines.append(_dim(HINTS[message.wanted]))
        return lines

    async def _journals(self) -> list[Journal]:
        async with self.house.db.engine([self.outlet.id]) as work:
            found = await store.find_by_thread(work, self.outlet.id, self.channel.id, self.thread)
            return [] if found is None else await store.journals(work, self.outlet.id, found[0])


def _place(text: str) -> dict[str, float] | None:
    latitude, _, longitude = text.partition(",")
    try:
        return {"latitude": float(latitude), "longitude": float(longitude)}
    except ValueError:
        return None


def _text_lines(message: Message) -> list[str]:
    """Return what of a message is text in a terminal: its words, and the rest put into words."""
    if replace(message, wanted=Wanted.NOTHING, marks=(), first=0) == Message():
        return []
    drawn = draw(Prompt("", 0, message), CAPABILITIES)
    return [piece.body.text for piece in drawn.pieces if isinstance(piece, Words)]


def _card_lines(card: Card) -> list[str]:
    """Draw a card: a bold title, rows with their values at the right, a footer."""
    rows = [(row.label, row.value) for row in card.lines]
    width = max([CARD_WIDTH, len(card.title), *(len(a) + len(b) + 2 for a, b in rows)])
    edge = "─" * (width + 2)
    title = click.style(card.title.ljust(width), bold=True)
    inside = [title, *(line.ljust(width) for line in textwrap.wrap(card.subtitle, width))]
    inside += [f"{label}{value.rjust(width - len(label))}" for label, value in rows]
    inside += [line.rjust(width) for line in textwrap.wrap(card.footer, width)]
    return [f"╭{edge}╮", *(f"│ {line} │" for line in inside), f"╰{edge}╯"]


def _dim(text: str) -> str:
    return click.style(text, dim=True)


def talk(opened: AbstractAsyncContextManager[House], slug: str, *, recording: bool) -> None:
    """Talk to the outlet ``slug`` until the input ends; the loop rests while a line is typed."""
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()
        try:
            house = runner.run(stack.enter_async_context(opened))
            terminal = runner.run(Terminal.open(house, slug))
            _converse(runner, terminal)
            if recording:
                click.echo(runner.run(terminal.record()), nl=False)
        finally:
            runner.run(stack.aclose())


def _converse(runner: asyncio.Runner, terminal: Terminal) -> None:
    click.echo(_dim(HELLO))
    line: str | None = "/start"
    while line is not None:
        try:
            for shown in runner.run(terminal.give(line)) if line else ():
                click.echo(shown)
            line = _typed()
        except KeyboardInterrupt:
            click.echo()
            return


def _typed() -> str | None:
    """Return the next line, without outer spaces, or None at the end of the input."""
    try:
        line = input("> ").strip()
    except EOFError:
        click.echo()
        return None
    if not sys.stdin.isatty():
        click.echo(line)  # what comes from a file is shown as if it were typed
    return line
