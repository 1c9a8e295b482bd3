"""What Twilio refuses of a message, and with which code; the stand-in asks here first.

Codes below 30000 refuse the request itself; the others come later, as the status ``failed`` or
``undelivered`` with ``ErrorCode``: Twilio has said 201 by then. Sources: reference/messaging.md
§4.2 and §4.3, Twilio's error pages.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

BODY_CHARACTERS_MAX = 1600
MEDIA_MAX = 10
VARIABLES_MAX, KEY_CHARACTERS_MAX, VALUE_CHARACTERS_MAX = 100, 16, 1600
VALIDITY_SECONDS_MAX = 36_000
WHATSAPP_QUEUE_SECONDS, SMS_QUEUE_SECONDS = 4 * 3600, 10 * 3600
WHATSAPP_PER_SECOND, SMS_SEGMENTS_PER_SECOND = 80, 1
SANDBOX_SECONDS = 3
WINDOW_SECONDS = 24 * 3600
STATUS_CODES_FROM = 30_000

# Media: 16 MB on WhatsApp, 5 MB for an image there and for an MMS as a whole.
WHATSAPP_BYTES_MAX, IMAGE_BYTES_MAX, MMS_BYTES_MAX = 16_000_000, 5_000_000, 5_000_000
WHATSAPP_TYPES = {
    "image/jpeg", "image/png", "image/webp", "audio/ogg", "audio/amr", "audio/3gpp", "audio/aac",
    "audio/mpeg", "audio/mp4", "video/mp4", "video/3gpp", "application/pdf", "text/vcard",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
}  # fmt: skip
MMS_TYPES = {"image/jpeg", "image/png", "image/gif", "video/mp4", "audio/mpeg", "text/vcard"}

# CreateMessage of the specification. Twilio ignores what it does not know; a test kit says it.
PARAMETERS = {
    "To", "From", "FallbackFrom", "MessagingServiceSid", "Body", "MediaUrl", "ContentSid",
    "ContentVariables", "StatusCallback", "ApplicationSid", "MaxPrice", "ProvideFeedback",
    "Attempt", "ValidityPeriod", "ForceDelivery", "ContentRetention", "AddressRetention",
    "SmartEncoded", "PersistentAction", "TrafficType", "ShortenUrls", "ScheduleType", "SendAt",
    "SendAsMms", "RiskCheck",
}  # fmt: skip

ERRORS = {
    20001: "Unknown parameters in your request",
    20003: "Authenticate",
    20404: "The requested resource was not found",
    20422: "Invalid Parameter",
    20429: "Too Many Requests",
    20500: "Internal Server Error",
    21211: "Invalid 'To' Phone Number",
    21602: "Message body is required.",
    21603: "A 'From' phone number is required.",
    21604: "A 'To' phone number is required.",
    21606: "The 'From' phone number provided is not a valid message-capable Twilio phone number",
    21609: "The 'StatusCallback' URL is not a valid URL.",
    21610: "Attempt to send to unsubscribed recipient",
    21611: "This 'From' number has exceeded the maximum number of queued messages",
    21617: "The concatenated message body exceeds the 1600 character limit",
    21620: "Invalid media URL(s)",
    21623: "Number of media files exceeds allowed limit",
    21655: "The ContentSid is Invalid",
    21656: "The Content Variables parameter is invalid.",
    21910: "Invalid 'From' and 'To' pair. 'From' and 'To' should be of the same channel",
    30001: "Queue overflow",
    30003: "Unreachable destination handset",
    30005: "Unknown destination handset",
    30007: "Message filtered",
    30034: "Message from an Unregistered Number",
    30036: "Validity Period Expired",
    11751: "Media Message - Media exceeds mobile operator size limit",
    12300: "Invalid Content-Type",
    63007: "Twilio could not find a Channel with the specified From address",
    63016: "Failed to send freeform message because you are outside the allowed window",
    63017: "Rate limit exceeded for Channel account",
    63018: "Rate limit exceeded for Channel",
    63019: "Media failed to download",
    63021: "Channel invalid content error",
    63024: "Invalid message recipient",
    63027: "Template does not exist for a language and locale",
    63028: "Number of parameters provided does not match the expected number of parameters",
    63032: "User-based limitation",
    63033: "Recipient blocked to receive message",
    63038: "Account exceeded the daily messages limit",
    63040: "Template rejected",
    63041: "Template paused",
}
HTTP = {20003: 401, 20404: 404, 20429: 429, 20500: 500}
# These two speak of what was fetched, so they too come late; 63007 is said at once.
LATE = {11751, 12300}
AT_ONCE = {63007}

PHONE = re.compile(r"\+[1-9][0-9]{7,14}")
BSUID = re.compile(r"[A-Z]{2}\.(ENT\.)?[A-Za-z0-9]{1,128}")  # §4.5
SENDER = re.compile(r"\+[1-9][0-9]{2,14}|[0-9]{3,8}|[A-Za-z0-9 ]{1,11}")
PLACE = re.compile(r"geo:-?\d+(\.\d+)?,-?\d+(\.\d+)?(\|.*)?")  # the one persistent action
URL = re.compile(r"https?://[^/\s_]+(/\S*)?")

# §4.3: what Twilio itself acts on and answers, before the bot hears of it.
STOP_WORDS = {"STOP", "UNSUBSCRIBE", "END", "QUIT", "STOPALL", "REVOKE", "OPTOUT", "CANCEL"}
START_WORDS = {"START", "YES", "UNSTOP"}
HELP_WORDS = {"HELP", "INFO"}
OWN_ANSWERS = {
    "STOP": (
        "You have successfully been unsubscribed. You will not receive any more messages from "
        "this number. Reply START to resubscribe."
    ),
    "START": (
        "You have successfully been re-subscribed to messages from this number. "
        "Reply HELP for help. Reply STOP to unsubscribe. Msg&Data Rates May Apply."
    ),
    "HELP": "Reply STOP to unsubscribe. Msg&Data Rates May Apply.",
}

# GSM 03.38, the default alphabet and its extension table.
GSM = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM_EXTENSION = set("^{}[]~|\\€\f")
GSM_SEPTETS, GSM_PART_SEPTETS, UCS2_UNITS, UCS2_PART_UNITS = 160, 153, 70, 67


def is_late(code: int) -> bool:
    """Return whether a code comes as a status, after the request was taken."""
    return (code >= STATUS_CODES_FROM or code in LATE) and code not in AT_ONCE


def error(code: int, detail: str = "") -> tuple[int, dict[str, Any]]:
    """Return the HTTP status and the body of a refusal, as Twilio gives them."""
    status = HTTP.get(code, 400)
    message = f"{ERRORS[code]}: {detail}" if detail else ERRORS[code]
    more = f"https://www.twilio.com/docs/errors/{code}"
    return status, {"code": code, "message": message, "more_info": more, "status": status}


def is_whatsapp(address: str) -> bool:
    """Return whether an address is one of WhatsApp."""
    return address.startswith("whatsapp:")


def check(params: Mapping[str, Any]) -> tuple[int, str]:
    """Return what is wrong with the fields of a message: a code and a detail, or (0, "")."""
    strange = sorted(set(params) - PARAMETERS)
    if strange:
        return 20001, ", ".join(strange)
    return _addresses(params) or _content(params) or (0, "")


def _addresses(params: Mapping[str, Any]) -> tuple[int, str] | None:
    to, sender = params.get("To", ""), params.get("From", "")
    if not to:
        return 21604, ""
    if not sender and not params.get("MessagingServiceSid"):
        return 21603, ""
    if sender and is_whatsapp(to) != is_whatsapp(sender):
        return 21910, ""
    bare = to.removeprefix("whatsapp:")
    if not (PHONE.fullmatch(bare) or (is_whatsapp(to) and BSUID.fullmatch(bare))):
        return 21211, to
    if not SENDER.fullmatch(sender.removeprefix("whatsapp:") or "000"):
        return 21606, sender
    return None


def _content(params: Mapping[str, Any]) -> tuple[int, str] | None:
    media, seconds = params.get("MediaUrl", []), params.get("ValidityPeriod", "1")
    faults = (
        (not any(params.get(name) for name in ("Body", "MediaUrl", "ContentSid")), 21602, ""),
        (len(params.get("Body", "")) > BODY_CHARACTERS_MAX, 21617, ""),
        (len(media) > MEDIA_MAX, 21623, ""),
        (not all(URL.fullmatch(url) for url in media), 21620, ""),
        (not URL.fullmatch(params.get("StatusCallback", "https://x")), 21609, ""),
        (not (seconds.isdigit() and 1 <= int(seconds) <= VALIDITY_SECONDS_MAX), 20422, "validity"),
        (not all(PLACE.fullmatch(one) for one in params.get("PersistentAction", [])), 20422, "geo"),
    )
    return next(((code, detail) for fault, code, detail in faults if fault), None)


def variables(text: str) -> dict[str, str] | None:
    """Return the variables of ``ContentVariables``, or None for what meets 21656: not an object of
    texts, too many, too long, or an empty value.
    """
    try:
        read = json.loads(text or "{}")
    except ValueError:
        return None
    if not isinstance(read, dict) or len(read) > VARIABLES_MAX:
        return None
    fits = all(
        len(key) <= KEY_CHARACTERS_MAX
        and isinstance(value, str)
        and 0 < len(value) <= VALUE_CHARACTERS_MAX
        for key, value in read.items()
    )
    return read if fits else None


def segments(text: str) -> int:
    """Return how many SMS a text makes: septets of GSM-7 where it fits, else UTF-16 units."""
    if set(text) <= GSM | GSM_EXTENSION:
        count, one, part = (
            len(text) + sum(c in GSM_EXTENSION for c in text), GSM_SEPTETS, GSM_PART_SEPTETS,
        )  # fmt: skip
    else:
        count, one, part = len(text.encode("utf-16-le")) // 2, UCS2_UNITS, UCS2_PART_UNITS
    return 1 if count <= one else -(-count // part)


def keyword(text: str) -> str:
    """Return STOP, START or HELP where a whole SMS is such a word, else nothing."""
    word = text.strip().upper()
    families = {"STOP": STOP_WORDS, "START": START_WORDS, "HELP": HELP_WORDS}
    return next((name for name, words in families.items() if word in words), "")


def media_problem(address: str, content_type: str, size: int) -> int:
    """Return the code that a file of a message meets later, or 0."""
    kind = content_type.partition(";")[0].strip().lower()
    if size == 0:
        return 63019
    if is_whatsapp(address):
        most = IMAGE_BYTES_MAX if kind.startswith("image/") else WHATSAPP_BYTES_MAX
        return 63021 if kind not in WHATSAPP_TYPES or size > most else 0
    if kind not in MMS_TYPES:
        return 12300
    return 11751 if size > MMS_BYTES_MAX else 0
