"""Books a visit: one form, and the answers said back."""

from __future__ import annotations

from datetime import date, timedelta

import msgspec

from chatworks.sdk import Applet, Chat, Config, day, phone, text, whole_number
from chatworks.sdk.inputs import YesNo

applet = Applet("showcase")


class Settings(Config, frozen=True):
    """Nothing to set."""


class Visit(msgspec.Struct, frozen=True):
    """What the form asks for."""

    name: str
    phone: str
    bottles: int
    day: date
    dog: bool


@applet.command("visit", help="Book a visit")
async def visit(chat: Chat[Settings]) -> None:
    """Ask for everything at once."""
    today = (await chat.now()).date()
    asked = await chat.form(
        "When shall we come?",
        Visit,
        name=("Your name", text()),
        phone=("Phone number", phone("KE")),
        bottles=("How many bottles?", whole_number(1, 20)),
        day=("Which day?", day(today, timedelta(days=60))),
        dog=("Is there a dog?", YesNo()),
    )
    await chat.say(
        "{name}: {bottles} on {day}, {dog}",
        name=asked.name,
        bottles=asked.bottles,
        day=asked.day.isoformat(),
        dog="mind the dog" if asked.dog else "no dog",
    )
