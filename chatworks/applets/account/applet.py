"""An account from the chat: where it is opened, and the code that a page asks to have said here."""

from __future__ import annotations

from chatworks.identity.models import (
    CodeNotValid,
    FindAccountPage,
    NoAccountHere,
    SayAccountCode,
    TooManyTries,
)
from chatworks.sdk import Applet, Chat

applet = Applet("account")


@applet.command("account", help="Your account")
async def account(chat: Chat[None]) -> None:
    """Say where the account is, or answer the code that its page shows (``/account CODE``)."""
    if not chat.arguments:
        door = await chat.do(FindAccountPage())
        await chat.say(
            "Open or find your account here: {address}\nChoose a chat there, and say here the code "
            "that the page shows: account, a space, and the code.",
            address=door.address,
        )
        return
    try:
        answer = await chat.do(SayAccountCode(chat.arguments))
    except CodeNotValid:
        await chat.say("This code is not valid. The page shows a new one when you begin again.")
    except NoAccountHere:
        await chat.say("No account has this chat. Open one on the page, or sign in another way.")
    except TooManyTries:
        await chat.say("Too many tries. Please wait a minute.")
    else:
        await chat.say(
            "Now type this code on the page: {code}\nOnly on a page that you opened yourself. If "
            "somebody asked you for it, do not give it to them.",
            code=answer.code,
        )
