"""Pure decisions of mail: what may be queued, how a message reads on the wire, what a try means."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit
from uuid import UUID

from chatworks.kit.addresses import email_of
from chatworks.kit.errors import Invalid
from chatworks.mail.models import (
    HTML_LENGTH_MAX,
    PAUSE_SECONDS_MAX,
    PAUSE_SECONDS_MIN,
    SUBJECT_LENGTH_MAX,
    TEXT_LENGTH_MAX,
    Change,
    Content,
    Doubt,
    Fate,
    Later,
    Leased,
    Mail,
    Never,
    Server,
    Status,
    Taken,
)

DATA = "data"  # the step after which a mail may have been taken
TRANSIENT, PERMANENT = 400, 500
PORTS = {"smtp": 587, "smtps": 465}  # RFC 8314 and RFC 6409: submission
OPTIONAL_TLS = "tls=optional"
_WIRE = SMTP.clone(cte_type="7bit")  # every server takes it, and a signature survives the way
_SURROGATE = re.compile("[\ud800-\udfff]")
_BREAKS = ("\u2028", "\u2029")  # lines end here too, for some readers


def one_line(text: str) -> bool:
    """Return whether ``text`` may stand in a header: it has no control characters or line ends."""
    return not any(unicodedata.category(c) in {"Cc", "Cs"} or c in _BREAKS for c in text)


def checked(mail: Mail) -> Mail:
    """Return ``mail`` with its address in the one form; ``Invalid`` where it may not be sent."""
    if not mail.subject.strip() or len(mail.subject) > SUBJECT_LENGTH_MAX:
        raise Invalid("subject", f"must have 1 to {SUBJECT_LENGTH_MAX} characters")
    if not one_line(mail.subject):
        raise Invalid("subject", "must be one line of text")
    if not mail.text.strip() or len(mail.text) > TEXT_LENGTH_MAX:
        raise Invalid("text", f"must have 1 to {TEXT_LENGTH_MAX:,} characters")
    if _SURROGATE.search(mail.text + mail.html):
        raise Invalid("text", "has half a character, which no encoding has")
    if len(mail.html) > HTML_LENGTH_MAX:
        raise Invalid("html", f"must have at most {HTML_LENGTH_MAX:,} characters")
    if mail.good_for <= timedelta(0):
        raise Invalid("good_for", "must be some time")
    return Mail(email_of(mail.to), mail.subject, mail.text, mail.html, mail.good_for)


def sender_of(text: str) -> Address:
    """Read ``MajiPro <no-reply@majipro.example>``, or the address alone; raises ``Invalid``."""
    name, bracket, rest = text.strip().rpartition("<")
    if bracket and not rest.endswith(">"):
        raise Invalid("sender", "must be a name with an address in angle brackets, or an address")
    name = name.strip().strip('"')
    if not one_line(name):
        raise Invalid("sender", "must be one line of text")
    return Address(display_name=name, addr_spec=email_of(rest.removesuffix(">")))


def server_of(url: str) -> Server:
    """Read ``smtp://user:password@host:587`` or ``smtps://…``; raises ``Invalid`` without quoting.

    ``?tls=optional`` lets an ``smtp`` server without TLS have mails, never a password. On this
    machine itself nobody listens in between.
    """
    wrong = Invalid("url", "must be like smtp://user:password@mail.example:587, or smtps://")
    try:
        parts = urlsplit(url.strip())
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise wrong from None
    if parts.scheme not in PORTS or not host or parts.path not in {"", "/"} or parts.fragment:
        raise wrong
    if parts.query not in {"", OPTIONAL_TLS} or not one_line(unquote(parts.netloc)):
        raise wrong
    if bool(parts.username) != bool(parts.password):
        raise Invalid("url", "must have a user and a password, or neither")
    at_once = parts.scheme == "smtps"
    free = _is_here(host) or (parts.query == OPTIONAL_TLS and not parts.password)
    return Server(
        host=host,
        port=port or PORTS[parts.scheme],
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        tls_at_once=at_once,
        must_hide=not (at_once or free),
    )


def _is_here(host: str) -> bool:
    """Return whether ``host`` is this machine's own loopback."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def compose(leased: Leased, content: Content, sender: Address) -> bytes:
    """Return the message as it goes over the wire: the same at every try."""
    message = EmailMessage(policy=_WIRE)
    message["From"] = sender
    message["To"] = Address(addr_spec=leased.recipient)
    message["Subject"] = content.subject
    message["Date"] = format_datetime(leased.created_at)
    message["Message-ID"] = message_id(leased.id, sender)
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence answers it
    message.set_content(content.text)
    if content.html:
        message.add_alternative(content.html, subtype="html")
        message.set_boundary(f"={leased.id.hex}=")
    return message.as_bytes()


def message_id(mail_id: UUID, sender: Address) -> str:
    """Return a mail's own id, which is the same at every try: a mailbox may know it again."""
    return f"<{mail_id.hex}@{sender.domain}>"


def answered(code: int, step: str) -> Later | Never | Doubt:
    """Return what a server's answer other than yes means (RFC 5321 4.2.1).

    4xx is for now, 5xx for good; but a server that refuses us, our password or our sender refuses
    no mail in particular. What is no answer at all leaves a message that it follows in doubt.
    """
    reason = f"{code} at {step}"
    if code < TRANSIENT:
        return Doubt(reason) if step == DATA else Later(reason)
    return Never(reason) if code >= PERMANENT and step in {"recipient", DATA} else Later(reason)


def pause(attempts: int, jitter: float) -> float:
    """Return the seconds to wait after ``attempts`` tries; ``jitter`` is in [0, 1)."""
    longest = min(PAUSE_SECONDS_MAX, PAUSE_SECONDS_MIN * 2 ** min(max(0, attempts - 1), 16))
    return float(longest * (0.5 + jitter / 2))


def decide(mail: Leased, fate: Fate, now: datetime, jitter: float) -> Change:
    """Return what the fate of a try, which is counted already, does to a mail."""
    doubts = mail.doubts + isinstance(fate, Doubt)
    match fate:
        case Taken():
            return Change(Status.SENT, mail.doubts)
        case Never(reason):
            return Change(Status.UNKNOWN if doubts else Status.FAILED, doubts, error=reason)
        case Later(reason) | Doubt(reason):
            ready_at = now + timedelta(seconds=pause(mail.attempts, jitter))
            if ready_at < mail.expires_at:
                return Change(Status.QUEUED, doubts, ready_at, reason)
            return Change(Status.UNKNOWN if doubts else Status.EXPIRED, doubts, error=reason)
