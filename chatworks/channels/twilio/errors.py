"""What Twilio's codes mean for what we do next: the same for an answer and for a status.

Source of the list: messaging.md §4.2 and §4.3; the words are Twilio's. Codes that are not in the
table refuse the one message and nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass

from chatworks.channels.models import Consequence, Outcome, Permanent, RetryAfter

MINUTE, HOUR = 60.0, 3600.0


@dataclass(frozen=True, slots=True)
class Meaning:
    """``wait_seconds``: try again so much later (of ``scope``); 0: it will never work."""

    reason: str
    consequence: Consequence = Consequence.NONE
    wait_seconds: float = 0
    scope: str = "channel"


def _stop(reason: str) -> Meaning:
    return Meaning(reason, Consequence.STOP_CONTACT)


def _template(reason: str) -> Meaning:
    return Meaning(reason, Consequence.DISABLE_TEMPLATE)


def _channel(reason: str) -> Meaning:
    return Meaning(reason, Consequence.DISABLE_CHANNEL)


def _alert(reason: str) -> Meaning:
    return Meaning(reason, Consequence.ALERT)


MEANINGS = {
    # the account and the sender
    20003: _channel("Twilio refuses the account or its token"),
    20005: _channel("the account is not active"),
    20404: _alert("Twilio does not know what was named"),
    21606: _channel("this number cannot send messages"),
    63007: _channel("Twilio has no such WhatsApp sender"),
    30034: _channel("this number is not registered (10DLC)"),
    30002: _channel("the account is suspended"),
    # the person
    21211: Meaning("this is no phone number"),
    21610: _stop("the person opted out of messages from this number"),
    21614: Meaning("this number takes no SMS"),
    30003: Meaning("the phone cannot be reached"),
    30004: _stop("the person blocks messages"),
    30005: Meaning("nobody has this number"),
    30006: Meaning("a landline, or a carrier that takes none"),
    63024: Meaning("this person is not on WhatsApp"),
    63032: Meaning("WhatsApp holds messages to this person back"),
    63033: _stop("the person blocked us on WhatsApp"),
    # the window and templates
    63016: Meaning("outside the 24 hours", Consequence.CLOSE_WINDOW),
    63027: _template("the template does not exist in this language"),
    63028: _template("the template has other variables"),
    63040: _template("WhatsApp rejected the template"),
    63041: _template("WhatsApp paused the template"),
    # the message
    21617: _alert("the text is longer than 1,600 characters"),
    21656: _alert("the variables do not fit their content"),
    30007: _alert("a carrier filtered it as spam"),
    30008: Meaning("the carrier does not say why"),
    63019: Meaning("WhatsApp could not fetch the file"),
    63021: _alert("WhatsApp refuses the content"),
    # too much
    20429: Meaning("too many requests", wait_seconds=1.0),
    21611: Meaning("the number's queue is full", wait_seconds=MINUTE),
    30001: Meaning("the queue was full", wait_seconds=MINUTE),
    63017: Meaning("the account sends too fast", wait_seconds=10.0),
    63018: Meaning("the sender sends too fast", wait_seconds=10.0),
    63038: Meaning("the day's messages are used up", wait_seconds=HOUR),
}


def meaning(code: int) -> Meaning:
    """Return what ``code`` means."""
    known = MEANINGS.get(code)
    return known or Meaning("Twilio refuses it")


def words(code: int, told: str = "") -> str:
    """Return the reason for people: our words or else Twilio's, with the code to look up."""
    if not code:
        return told or "Twilio did not send it"
    known = MEANINGS.get(code)
    return f"{known.reason if known else told or 'Twilio refuses it'} ({code})"


def outcome(code: int, told: str = "", wait_seconds: float = 0) -> Outcome:
    """Return what an answer with ``code`` does to its part; a wait that Twilio names is obeyed."""
    found, reason = meaning(code), words(code, told)
    if found.wait_seconds:
        return RetryAfter(wait_seconds or found.wait_seconds, found.scope, reason)
    return Permanent(reason, found.consequence)
