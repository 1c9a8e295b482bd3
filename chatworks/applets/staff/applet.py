"""For staff: bind their own chat by the console's one-time code, and make a bot of their own."""

from __future__ import annotations

from chatworks.bots.models import CannotManage, NotStaff, RequestBot
from chatworks.identity.models import BindStaffChat, CodeNotValid, TooManyTries
from chatworks.sdk import BOT_BUTTON, Applet, Button, Chat, Message, Wanted, text

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


@applet.command("newbot", help="A bot of your own")
async def newbot(chat: Chat[None]) -> None:
    """Offer Telegram's button that makes a bot; who may is a command's business."""
    try:
        requested = await chat.do(RequestBot(chat.arguments))
    except CannotManage:
        await chat.say(
            "This bot may not manage other bots yet. Turn that on for it at @BotFather, and write "
            "to it in private."
        )
    except NotStaff:
        await chat.say(
            "Only staff can do this: bind this chat with /staff first, or write /newbot and a code "
            "from the console."
        )
    except CodeNotValid:
        await chat.say("This code is not valid. Please make a new one in the console.")
    except TooManyTries:
        await chat.say("Too many tries. Please wait a minute.")
    else:
        name = requested.outlet_name
        button = Button(BOT_BUTTON, chat.text("Make a bot for {name}", name=name), "", name)
        offer = chat.text("Tap the button to make your bot. It is connected by itself.")
        await chat.send(Message(offer, (button,), wanted=Wanted.BOT))
