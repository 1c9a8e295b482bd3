"""What people type, in the one form that is compared: codes, addresses, networks. Pure.

Whatever looks the same must be the same, once: full-width letters, stray spaces and joiners are
taken away before anything is hashed or looked up (NFKC, Unicode Technical Report 15).
"""

from __future__ import annotations

import unicodedata
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from zoneinfo import available_timezones

from chatworks.identity.models import NAME_LENGTH_MAX, Details
from chatworks.kit.addresses import email_of, phone_of
from chatworks.kit.errors import Invalid

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # no I, L, O, U: nothing is misread
_MISREAD = str.maketrans("ILO", "110")
LANGUAGES = {"en": "English", "sw": "Kiswahili"}  # those in which the account pages speak
PREFIX_V4, PREFIX_V6 = 24, 64  # what one subscriber's network usually holds


def _visible(text: str) -> str:
    """Return ``text`` in NFKC without spaces, controls and what has no width."""
    kept = (
        c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c)[0] not in "ZC"
    )
    return "".join(kept)


def normal_code(text: str) -> str:
    """Return a typed code as it was issued: no dashes, big letters, what is misread put right."""
    letters = (c for c in _visible(text) if unicodedata.category(c) != "Pd")
    return "".join(letters).upper().translate(_MISREAD)


def spell_code(code: str) -> str:
    """Return a code as people are shown it: ``7QKM-3XTD``."""
    half = len(code) // 2
    return f"{code[:half]}-{code[half:]}"


def letters(drawn: bytes) -> str:
    """Return one letter for each byte: 32 divides 256, so none is likelier."""
    return "".join(CROCKFORD[byte % len(CROCKFORD)] for byte in drawn)


def kind_of(text: str) -> str:
    """Return whether what was typed is meant as an e-mail address or as a phone number."""
    return "email" if "@" in _visible(text) else "phone"


def normal_address(kind: str, text: str, region: str = "") -> str:
    """Return an e-mail address or a phone number in the form that is kept; ``Invalid`` otherwise.

    ``region`` (``KE``) reads phone numbers without a country's code.
    """
    return email_of(_visible(text)) if kind == "email" else phone_of(_visible(text), region)


def checked(details: Details) -> Details:
    """Return details as they are kept; ``Invalid`` names the field that cannot be."""
    organisation = details.kind == "organisation"
    if details.kind not in {"person", "organisation"}:
        raise Invalid("kind", "must be person or organisation")
    if details.language not in LANGUAGES:
        raise Invalid("language", "is none that we speak")
    if details.time_zone not in _zones():
        raise Invalid("time_zone", "is no time zone")
    called = _line("organisation_name", details.organisation_name) if organisation else ""
    name = _line("name", details.name)
    return Details(details.kind, name, called, details.language, details.time_zone)


def _line(field: str, text: str) -> str:
    line = " ".join(unicodedata.normalize("NFC", text).split())
    if not line or len(line) > NAME_LENGTH_MAX:
        raise Invalid(field, f"must have 1 to {NAME_LENGTH_MAX} characters")
    if any(unicodedata.category(c)[0] == "C" for c in line):
        raise Invalid(field, "must be plain text")
    return line


def network(address: str) -> str:
    """Return the /24 or /64 that an address is in; what is no address is a network of its own."""
    try:
        read = ip_address(address)
    except ValueError:
        return "none"
    if isinstance(read, IPv6Address):
        read = read.ipv4_mapped or read
    length = PREFIX_V4 if isinstance(read, IPv4Address) else PREFIX_V6
    return str(ip_network(f"{read}/{length}", strict=False))


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())  # it walks the folders of the zones each time
