"""From Twilio's webhooks to our words: split and read. Pure.

A request is one message or one status of a message that we sent; both come to the same address.
A message with several files becomes one event for each file, so that none is lost. What is stored
is the form as JSON, and which file of it an event is about.

The thread is the business-scoped id where Twilio tells it and the number where it does not: since
2026 WhatsApp may leave the number out, and a person who changes their number keeps neither. The
other one is an alias, under which the person may be known from before (messaging.md §4.5).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from chatworks.channels.models import (
    Arrival,
    Channel,
    Consequence,
    Lane,
    RawRequest,
    Rejected,
    Report,
)
from chatworks.channels.twilio import errors
from chatworks.channels.twilio.limits import HELP_WORDS, START_WORDS, STOP_WORDS
from chatworks.channels.twilio.signature import FORM, form_of
from chatworks.kit.digits import natural
from chatworks.sdk.inbound import File, Inbound, InboundKind, Sender, command_in
from chatworks.sdk.messages import Place

SID = re.compile(r"(SM|MM)[0-9a-fA-F]{32}")
MEDIA_MAX = 10  # of one message
PREFIX = "whatsapp:"
# Twilio's statuses in the outbox's words. What comes before "sent" tells us nothing new.
STATUSES = {
    "sent": "sent",
    "delivered": "delivered",
    "read": "read",
    "undelivered": "failed",
    "failed": "failed",
    "canceled": "failed",
}
EARLIER = frozenset({"accepted", "scheduled", "queued", "sending", "receiving", "received"})
UNSAID = frozenset({"reaction", "system"})  # message types that nobody said to us
FAMILIES = {"image": "photo", "audio": "audio", "video": "video"}
OPT_OUT = {
    "STOP": InboundKind.STOP,
    "START": InboundKind.START,
    "HELP": InboundKind.NOTED,
}


class Stored(msgspec.Struct, frozen=True, omit_defaults=True):
    """One event as the inbox keeps it: the request's fields, and which file of it this is."""

    fields: dict[str, str]
    file: int = 0


_stored = msgspec.json.Decoder(Stored)


# -- at the door -----------------------------------------------------------------------------


def split(request: RawRequest, channel: Channel, _now: datetime) -> Sequence[Arrival]:
    """Return the events of a request: a message, one for each further file of it, or a status."""
    fields = _fields(request)
    sid = fields.get("MessageSid") or fields.get("SmsSid", "")
    if not SID.fullmatch(sid):
        raise Rejected(400, "MessageSid is missing or none")
    if fields.get("AccountSid") != channel.account:
        raise Rejected(403, "this is another account's")
    status = fields.get("MessageStatus", "")
    if status:
        return (_status(sid, status, fields),)
    if not fields.get("From"):
        raise Rejected(400, "From is missing")
    tapped = "ButtonPayload" in fields or "ListId" in fields
    lane = Lane.TAP if tapped else Lane.MESSAGE
    return [
        Arrival(
            f"{sid}.{index}" if index else sid, _thread(fields), lane, 0, _payload(fields, index)
        )
        for index in range(max(1, _count(fields)))
    ]


def _status(sid: str, status: str, fields: dict[str, str]) -> Arrival:
    if status not in STATUSES and status not in EARLIER:
        raise Rejected(400, f"MessageStatus {status[:40]} is unknown")
    if not fields.get("To"):
        raise Rejected(400, "To is missing")
    return Arrival(f"{sid}.{status}", fields["To"], Lane.REST, 0, _payload(fields, 0))


def _fields(request: RawRequest) -> dict[str, str]:
    """Return the fields of a form or of a JSON object; of a repeated one the first."""
    media_type = request.headers.get("content-type", FORM).partition(";")[0].strip().lower()
    if media_type == FORM:
        return {name: values[0] for name, values in form_of(request).items()}
    try:
        fields = msgspec.json.decode(request.body, type=dict[str, str])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Rejected(400, "the body is no JSON object of texts") from None
    if any("\x00" in name or "\x00" in value for name, value in fields.items()):
        raise Rejected(400, "the text holds a NUL")
    return fields


def _payload(fields: dict[str, str], file: int) -> bytes:
    return msgspec.json.encode(Stored(fields, file))


def _count(fields: Mapping[str, str]) -> int:
    count = natural(fields.get("NumMedia", "0"))
    if count is None or count > MEDIA_MAX:
        raise Rejected(400, f"NumMedia is no number up to {MEDIA_MAX}")
    if any(f"MediaUrl{index}" not in fields for index in range(count)):
        raise Rejected(400, "NumMedia counts more files than there are")
    return count


def _thread(fields: Mapping[str, str]) -> str:
    """Return where answers go."""
    scoped = fields.get("ExternalUserId", "").removeprefix(PREFIX)
    return f"{PREFIX}{scoped}" if scoped else fields["From"]


# -- in a turn -------------------------------------------------------------------------------


def read(payload: bytes, _channel: Channel) -> Inbound | Report:
    """Return a stored event in our words: what somebody said, or what became of our message."""
    stored = _stored.decode(payload)
    fields = stored.fields
    if fields.get("MessageStatus"):
        return report(fields)
    base: dict[str, Any] = {
        "sender": _sender(fields),
        "message_ref": fields.get("MessageSid") or fields.get("SmsSid", ""),
        "referral": _referral(fields),
    }
    if stored.file:  # the text came with the first
        return Inbound(InboundKind.FILE, file=_file(fields, stored.file), **base)
    if fields["From"].startswith(PREFIX):
        # WhatsApp shows that we read it and are writing, until the answer is there.
        return _whatsapp(fields, {**base, "reply_ref": base["message_ref"]})
    return _sms(fields, base)


def report(fields: Mapping[str, str]) -> Report:
    """Return what a status says of our message."""
    status = STATUSES.get(fields["MessageStatus"], "")
    code = fields.get("ErrorCode", "")
    failed = status == "failed"
    number = natural(code) or 0
    return Report(
        vendor_id=fields.get("MessageSid") or fields.get("SmsSid", ""),
        status=status,
        recipient=fields["To"],
        error=errors.words(number, fields.get("ErrorMessage", "")) if failed else "",
        consequence=errors.meaning(number).consequence if failed else Consequence.NONE,
    )


def _sender(fields: Mapping[str, str]) -> Sender:
    """Return who wrote. WhatsApp and the carrier vouch for the number that they tell."""
    thread = _thread(fields)
    number = fields["From"].removeprefix(PREFIX)
    if not number.startswith("+"):
        number = f"+{fields['WaId']}" if fields.get("WaId", "").isdecimal() else ""
    whatsapp = fields["From"].startswith(PREFIX)
    alias = f"{PREFIX}{number}" if whatsapp and number else ""
    return Sender(
        vendor_id=thread,
        name=fields.get("ProfileName", "").strip(),
        phone=number,
        aliases=(alias,) if alias and alias != thread else (),
    )


def _referral(fields: Mapping[str, str]) -> str:
    """Return what the person came from: the advertisement's id, else its address."""
    return fields.get("ReferralSourceId") or fields.get("ReferralSourceUrl", "")


def _whatsapp(fields: Mapping[str, str], base: dict[str, Any]) -> Inbound:
    body, kind = fields.get("Body", ""), fields.get("MessageType", "text")
    # §7 of messaging.md: a row may come as a list's or as a button's answer. Both are a tap.
    for ident, title in (("ListId", "ListTitle"), ("ButtonPayload", "ButtonText")):
        if fields.get(ident):
            text = fields.get(title) or body
            return Inbound(InboundKind.TAP, text=text, tap=fields[ident], **base)
    if fields.get("Latitude") and fields.get("Longitude"):
        place = _place(fields)
        return Inbound(InboundKind.PLACE, place=place, **base) if place else _unknown(kind, base)
    if _has_file(fields):
        return Inbound(InboundKind.FILE, text=body, file=_file(fields, 0), **base)
    if kind in UNSAID:
        return Inbound(InboundKind.OTHER, text=kind, **{**base, "reply_ref": ""})
    if not body.strip():
        return _unknown(kind, base)
    return _text(body, base)


def _sms(fields: Mapping[str, str], base: dict[str, Any]) -> Inbound:
    """Read an SMS; Twilio has acted on an opt-out word already, so it is no answer to us.

    ``OptOutType`` tells of the words that were set at Twilio (Advanced Opt-Out); without it they
    are Twilio's own.
    """
    body = fields.get("Body", "")
    if _has_file(fields):
        return Inbound(InboundKind.FILE, text=body, file=_file(fields, 0), **base)
    opted = OPT_OUT.get(fields.get("OptOutType", "").upper()) or _keyword(body)
    if opted is not None:
        return Inbound(opted, text=body.strip(), **base)
    if not body.strip():
        return _unknown("text", base)
    return _text(body, base)


def _keyword(body: str) -> InboundKind | None:
    word = body.strip().upper()
    families = (
        (STOP_WORDS, InboundKind.STOP),
        (START_WORDS, InboundKind.START),
        (HELP_WORDS, InboundKind.NOTED),
    )
    return next((kind for words, kind in families if word in words), None)


def _text(body: str, base: dict[str, Any]) -> Inbound:
    """Tell a command from text: people who come from elsewhere write ``/order`` here too."""
    command = command_in(body.strip())
    if command is not None and command[0].isidentifier():
        return Inbound(InboundKind.COMMAND, text=command[0], arguments=command[1], **base)
    return Inbound(InboundKind.TEXT, text=body, **base)


def _unknown(kind: str, base: dict[str, Any]) -> Inbound:
    return Inbound(InboundKind.UNKNOWN, text=kind, **base)


def _place(fields: Mapping[str, str]) -> Place | None:
    try:
        latitude, longitude = float(fields["Latitude"]), float(fields["Longitude"])
    except ValueError:
        return None
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):  # noqa: PLR2004 - degrees
        return None
    said = (fields.get("Label", ""), fields.get("Address", ""))
    return Place(latitude, longitude, ", ".join(part for part in said if part))


def _has_file(fields: Mapping[str, str]) -> bool:
    return bool(natural(fields.get("NumMedia", "0")))


def _file(fields: Mapping[str, str], index: int) -> File:
    media_type = fields.get(f"MediaContentType{index}", "")
    family = media_type.partition("/")[0]
    return File(
        kind=FAMILIES.get(family, "document"),
        vendor_id=fields[f"MediaUrl{index}"],
        media_type=media_type,
    )
