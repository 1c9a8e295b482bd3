"""What Telegram can show and take. Figures: core.telegram.org/bots/api, unless another is named."""

from __future__ import annotations

from chatworks.channels.capabilities import ButtonRules, Capabilities, Length, MediaRule, Unit
from chatworks.sdk.messages import MediaKind, Style, Wanted

TEXT_UNITS_MAX = 4096  # UTF-16 code units after entity parsing
CAPTION_UNITS_MAX = 1024
BUTTONS_MAX = 100  # undocumented; python-telegram-bot's constant
CALLBACK_BYTES_MAX = 64
CALLBACK_SECONDS_MAX = 150  # telegram-bot-api, Client.cpp: a callback query expires
NOTICE_UNITS_MAX = 200
LABEL_UNITS_MAX = 64  # a phone shows about half of that
COMMANDS_MAX = 100
DESCRIPTION_UNITS_MAX = 256
ENTITIES_MAX = 100  # per message; undocumented, python-telegram-bot's constant
INVOICE_TITLE_MAX, INVOICE_TEXT_MAX = 32, 255  # code points
INVOICE_PAYLOAD_BYTES_MAX = 128
STARS = "XTR"  # Telegram Stars: exactly one price
CHECKOUT_SECONDS_MAX = 10  # a pre-checkout query that is not answered by then fails the sale
TYPING_SECONDS = 5  # "5 seconds or less": sendChatAction
ALBUM_MAX = 10
PHOTO_BYTES_MAX = 10_000_000
FILE_BYTES_MAX = 50_000_000
PHOTO_SIDES_MAX = 10_000  # width and height together
PHOTO_RATIO_MAX = 20

CAPABILITIES = Capabilities(
    text=Length(TEXT_UNITS_MAX, Unit.UTF16),
    styles=frozenset(Style),
    buttons=ButtonRules(
        most=BUTTONS_MAX,
        label=Length(LABEL_UNITS_MAX, Unit.UTF16),
        id_bytes=CALLBACK_BYTES_MAX,
        body=Length(TEXT_UNITS_MAX, Unit.UTF16),
        unique=False,
        shorten=True,
    ),
    media={
        MediaKind.IMAGE: MediaRule(PHOTO_BYTES_MAX, frozenset({"image/jpeg", "image/png"})),
        MediaKind.VIDEO: MediaRule(FILE_BYTES_MAX, frozenset({"video/mp4"})),
        MediaKind.AUDIO: MediaRule(FILE_BYTES_MAX, frozenset({"audio/mpeg", "audio/mp4"})),
        MediaKind.DOCUMENT: MediaRule(FILE_BYTES_MAX, frozenset()),
    },
    caption=Length(CAPTION_UNITS_MAX, Unit.UTF16),
    album=ALBUM_MAX,
    asks=frozenset({Wanted.LOCATION, Wanted.PHONE, Wanted.BOT}),
    place=True,
    contact=True,
    invoices=frozenset({STARS}),  # Stars; others need a payment provider's token
    preview=True,
    typing=True,
)
