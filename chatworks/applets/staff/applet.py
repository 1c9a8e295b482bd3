"""Bind a staff member's own chat by the one-time code that the console shows."""

from __future__ import annotations

from chatworks.identity.models import BindStaffChat, CodeNotValid, TooManyTries
from chatworks.sdk import Applet, Chat, text

applet = Applet("staff")

CODE_LENGTH_MIN, CODE_LENGTH_MAX = 6, 12


@applet.command("staff", help="Staff alerts")
async def staff(chat: Chat[None]) -> None:
    """Take the code from the command (``/staff CODE``), or ask for it."""
    code = chat.arguments
    if not code:
        code = await chat.ask(
            "Please send the code that the console shows.", text(CODE_LENGTH_MIN, CODE_LENGTH_MAX)
        )
    try:
        bound = await chat.do(BindStaffChat(code))
    except CodeNotValid:
        await chat.say("This code is not valid. Please make a new one in the console.")
    except TooManyTries:
        await chat.say("Too many tries. Please wait a minute.")
    else:
        await chat.say("Done, {name}: new orders are announced here.", name=bound.operator_name)
