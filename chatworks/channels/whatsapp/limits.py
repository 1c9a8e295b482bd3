"""What WhatsApp can show and take through the Cloud API.

Figures: developers.facebook.com/docs/whatsapp/cloud-api and reference/messaging.md §4.4. Where two
sources differ the stricter stands: a list's body has 1024 characters (Meta's page says 4096).
"""

from __future__ import annotations

from chatworks.channels.capabilities import (
    ButtonRules,
    Capabilities,
    Length,
    MediaRule,
    RowRules,
)
from chatworks.channels.models import Limits
from chatworks.sdk.messages import MediaKind, Style, Wanted

TEXT_MAX, CAPTION_MAX, BODY_MAX = 4096, 1024, 1024
WINDOW_HOURS = 24
TYPING_SECONDS = 25  # then the indicator goes by itself (…/cloud-api/typing-indicators)
PARAMETER_MAX = 1024  # of a template's body

CAPABILITIES = Capabilities(
    text=Length(TEXT_MAX),
    styles=frozenset(Style),
    markup={Style.BOLD: "*", Style.ITALIC: "_", Style.STRIKE: "~", Style.CODE: "`"},
    buttons=ButtonRules(most=3, label=Length(20), id_bytes=256, body=Length(BODY_MAX)),
    rows=RowRules(
        most=10,
        label=Length(24),
        description=Length(72),
        id_bytes=200,
        body=Length(BODY_MAX),
        opener=Length(20),
        sections=10,
        section=Length(24),
    ),
    media={
        MediaKind.IMAGE: MediaRule(5_000_000, frozenset({"image/jpeg", "image/png"})),
        MediaKind.AUDIO: MediaRule(
            16_000_000,
            frozenset({"audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"}),
        ),
        MediaKind.VIDEO: MediaRule(16_000_000, frozenset({"video/mp4", "video/3gpp"})),
        MediaKind.DOCUMENT: MediaRule(100_000_000, frozenset({"application/pdf", "text/plain"})),
    },
    caption=Length(CAPTION_MAX),
    asks=frozenset({Wanted.LOCATION}),
    asks_body=Length(BODY_MAX),
    place=True,
    contact=True,
    preview=True,
    window_hours=WINDOW_HOURS,
)

# 80 messages a second for a number at first; one every 6 seconds to one person, with a burst of 45
# (error 131056, "pair rate").
LIMITS = Limits(
    channel_interval=1 / 80,
    channel_burst=80,
    chat_interval=6.0,
    chat_burst=45,
    group_interval=6.0,
    group_burst=45,
)
