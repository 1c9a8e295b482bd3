"""What WhatsApp and SMS show and take through Twilio, as data.

Figures: twilio.com/docs, unless another source is named; where two disagree, the stricter one.
"""

from __future__ import annotations

from chatworks.channels.capabilities import (
    ButtonRules,
    Capabilities,
    Length,
    MediaRule,
    RowRules,
    Unit,
)
from chatworks.channels.models import Limits
from chatworks.sdk.messages import MediaKind, Style

BODY_MAX = 1600  # characters; UTF-16 units are the stricter reading. Past it: 21617
CONTENT_BODY_MAX = 1024  # of quick replies, lists and cards
BUTTONS_MAX = 3  # quick replies that need no approval
BUTTON_MAX = 20  # 25 only in an approved template
ID_MAX = 200  # Meta takes 256 for a reply button: the stricter one
ROWS_MAX, ROW_MAX, DESCRIPTION_MAX, OPENER_MAX = 10, 24, 72, 20
CAPTION_MAX = 1024  # developers.facebook.com; Twilio's page names none
IMAGE_BYTES_MAX = 5_000_000
FILE_BYTES_MAX = 16_000_000
WINDOW_HOURS = 24
TYPING_SECONDS = 25  # then the indicator goes by itself
VARIABLES_MAX, VARIABLE_KEY_MAX, VARIABLE_MAX = 100, 16, 1600
VARIABLE_ADVISED_MAX = 250  # "recommended" for a variable of an approved template

# What Twilio itself acts on when it is a whole SMS (messaging.md §4.3).
STOP_WORDS = frozenset(
    {"STOP", "UNSUBSCRIBE", "END", "QUIT", "STOPALL", "REVOKE", "OPTOUT", "CANCEL"}
)
START_WORDS = frozenset({"START", "YES", "UNSTOP"})
HELP_WORDS = frozenset({"HELP", "INFO"})
RESERVED = STOP_WORDS | START_WORDS | HELP_WORDS

# No typing by itself: the indicator belongs to a message of theirs, and goes with what answers it.
WHATSAPP = Capabilities(
    text=Length(BODY_MAX, Unit.UTF16),
    styles=frozenset(Style),
    markup={Style.BOLD: "*", Style.ITALIC: "_", Style.STRIKE: "~", Style.CODE: "```"},
    buttons=ButtonRules(
        most=BUTTONS_MAX,
        label=Length(BUTTON_MAX, Unit.UTF16),
        id_bytes=ID_MAX,
        body=Length(CONTENT_BODY_MAX, Unit.UTF16),
        on_media=True,  # a card
    ),
    rows=RowRules(
        most=ROWS_MAX,
        label=Length(ROW_MAX, Unit.UTF16),
        description=Length(DESCRIPTION_MAX, Unit.UTF16),
        id_bytes=ID_MAX,
        body=Length(CONTENT_BODY_MAX, Unit.UTF16),
        opener=Length(OPENER_MAX, Unit.UTF16),
        sections=1,
        section=Length(ROW_MAX, Unit.UTF16),
    ),
    media={
        MediaKind.IMAGE: MediaRule(IMAGE_BYTES_MAX, frozenset({"image/jpeg", "image/png"})),
        MediaKind.VIDEO: MediaRule(FILE_BYTES_MAX, frozenset({"video/mp4", "video/3gpp"})),
        MediaKind.AUDIO: MediaRule(
            FILE_BYTES_MAX,
            frozenset({"audio/ogg", "audio/amr", "audio/3gpp", "audio/aac", "audio/mpeg"}),
        ),
        MediaKind.DOCUMENT: MediaRule(
            FILE_BYTES_MAX,
            frozenset(
                {
                    "application/pdf",
                    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
                }
            ),
        ),
    },
    caption=Length(CAPTION_MAX, Unit.UTF16),
    place=True,  # a persistent action beside a text
    preview=True,
    window_hours=WINDOW_HOURS,
)

SMS = Capabilities(text=Length(BODY_MAX, Unit.UTF16), reserved=RESERVED)

# 80 messages a second per sender; Meta lets one person get about one each 6 s in the long run (pair
# rate, 131056) and bears bursts of 45.
WHATSAPP_LIMITS = Limits(
    channel_interval=1 / 80,
    channel_burst=80,
    chat_interval=6.0,
    chat_burst=45,
    group_interval=6.0,
    group_burst=45,
)
# A long code sends one segment a second; what comes faster waits in Twilio's own queue, up to ten
# hours. We keep the queue here, where the latest word can still overtake.
SMS_LIMITS = Limits(
    channel_interval=1.0,
    channel_burst=10,
    chat_interval=1.0,
    chat_burst=5,
    group_interval=1.0,
    group_burst=5,
)
