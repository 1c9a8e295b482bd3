"""``chatworks chat``: the same conversation in a terminal, through the same inbox and engine.

Buttons are numbered; a number taps one. ``@lat,lon`` shares a location. With ``record`` the session
is printed at the end as a test of the applet.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import msgspec

from chatworks.app import House
from chatworks.channels.webchat.adapter import arrival
from chatworks.conversations import store
from chatworks.inbox.models import NewEvent
from chatworks.kit.errors import NotFound
from chatworks.outlets.models import Outlet

WAIT_SECONDS = 10.0


@dataclass(slots=True)
class Terminal:
    """One session with one outlet."""

    house: House
    outlet: Outlet
    channel_id: UUID
    thread: str
    seen: int = 0
    buttons: list[dict[str, Any]] = field(default_factory=list)
    asked_seq: int = 0
    session: list[str] = field(default_factory=list)

    @classmethod
    async def open(cls, house: House, slug: str) -> Terminal:
        """Begin a conversation with the outlet called ``slug``."""
        outlet = await house.directory.by_slug(slug)
        if outlet is None:
            raise NotFound(f"there is no outlet {slug!r}")
        channels = await house.directory.channels(outlet.id, "terminal")
        thread = house.clock.random_bytes(16).hex()
        return cls(house, outlet, channels[0].id, thread)

    async def give(self, line: str) -> list[str]:
        """Send one line as the person typed it; returns what is shown."""
        event = self._event(line)
        taken = arrival(msgspec.json.encode(event), self.thread, self.outlet.languages[0])
        await self.house.committer.accept([NewEvent(self.outlet.id, self.channel_id, taken)])
        loop = asyncio.get_running_loop()
        until = loop.time() + WAIT_SECONDS
        while loop.time() < until:
            await self.house.worker.step()
            shown = await self._show()
            if shown:
                return shown
            await asyncio.sleep(0.05)
        return ["(no answer)"]

    def _event(self, line: str) -> dict[str, Any]:
        event: dict[str, Any] = {"id": str(UUID(bytes=self.house.clock.random_bytes(16)))}
        if line.startswith("@"):
            latitude, _, longitude = line[1:].partition(",")
            self.session.append(f"script.shares({float(latitude)}, {float(longitude)})")
            place = {"latitude": float(latitude), "longitude": float(longitude)}
            return {**event, "kind": "place", **place}
        if line.isdigit() and 1 <= int(line) <= len(self.buttons):
            button = self.buttons[int(line) - 1]
            if ":" not in button["id"]:
                self.session.append(f"script.taps({button['label']!r})")
            return {
                **event,
                "kind": "tap",
                "tap": f"{self.asked_seq}.{button['id']}",
                "text": button["label"],
            }
        if not line.startswith("/"):
            self.session.append(f"script.says({line!r})")
        return {**event, "kind": "text", "text": line}

    async def _show(self) -> list[str]:
        async with self.house.db.engine([self.outlet.id]) as work:
            found = await store.find_by_thread(work, self.outlet.id, self.channel_id, self.thread)
            if found is None:
                return []
            said = await store.history(work, self.outlet.id, found[0], self.seen)
        shown: list[str] = []
        for message in said:
            self.seen = message.seq
            if message.direction == "out":
                shown += self._lines(message.content, message.seq)
        return shown

    def _lines(self, content: dict[str, Any], seq: int) -> list[str]:
        card = content.get("card")
        text = content["text"]
        lines = [text] if text else []
        if card:
            rows = [f"  {row['label']:<34} {row['value']}" for row in card["lines"]]
            lines = [f"[{card['title']}] {card['subtitle']}".rstrip(), *rows, card["footer"], text]
        tappable = [b for b in content["buttons"] if not b["id"].startswith("__")]
        self.buttons = tappable
        self.asked_seq = seq
        said = text or (card["title"] if card else "")
        if not any(":" in button["id"] for button in tappable):
            labels = [button["label"] for button in content["buttons"]]
            shown = f", {labels!r}" if labels else ""
            self.session.append(f"script.expects({said!r}{shown})")
        lines += [f"  {n}) {b['label']}" for n, b in enumerate(tappable, start=1)]
        return [line for line in lines if line]

    async def record(self) -> str:
        """Return the session as a test: what was said, and what the business answered."""
        async with self.house.db.engine([self.outlet.id]) as work:
            found = await store.find_by_thread(work, self.outlet.id, self.channel_id, self.thread)
            rows = [] if found is None else await store.journals(work, self.outlet.id, found[0])
        if not rows:
            return "# nothing was recorded: no applet ran"
        applet, command, entries = rows[-1]
        answers = [
            (fingerprint.partition(":")[2].partition("@")[0], kind, value)
            for fingerprint, kind, value in entries
            if fingerprint.startswith("do:")
        ]
        body = "\n".join(f"    {line}" for line in self._of_last_dialogue())
        shown = "".join(f"        {answer!r},\n" for answer in answers)
        return (
            "from chatworks.sdk.script import Script\n\n\n"
            "def test_recorded_session() -> None:\n"
            f"    answers = [\n{shown}    ]\n"
            f'    script = Script("chatworks.applets.{applet}", "{command}", answers)\n{body}\n'
        )

    def _of_last_dialogue(self) -> list[str]:
        """Leave out what the engine itself said before the applet's first words."""
        starts = [i for i, line in enumerate(self.session) if "keeps what you write" in line]
        return self.session[starts[-1] + 1 :] if starts else self.session


async def play(
    house: House, slug: str, read: Callable[[], Any], write: Callable[[str], None]
) -> Terminal:
    """Play until ``read`` gives None; ``write`` shows each line."""
    terminal = await Terminal.open(house, slug)
    for line in await terminal.give("/start"):
        write(line)
    while (line := await asyncio.get_running_loop().run_in_executor(None, read)) is not None:
        if line.strip():
            for shown in await terminal.give(line.strip()):
                write(shown)
    return terminal
