"""What people type, in the one form that is compared: codes, addresses, networks. Pure.

Whatever looks the same must be the same, once: full-width letters, stray spaces and joiners are
taken away before anything is hashed or looked up (NFKC, Unicode Technical Report 15).
"""

from __future__ import annotations

import unicodedata
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import phonenumbers

from chatworks.kit.errors import Invalid

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # no I, L, O, U: nothing is misread
_MISREAD = str.maketrans("ILO", "110")
EMAIL_LENGTH_MAX = 254  # RFC 5321, 4.5.3.1.3, less the two brackets
EMAIL_LOCAL_MAX = 64  # RFC 5321, 4.5.3.1.1
PREFIX_V4, PREFIX_V6 = 24, 64  # what one subscriber's network usually holds


def _visible(text: str) -> str:
    """Return ``text`` in NFKC without spaces, controls and what has no width."""
    kept = (
        c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c)[0] not in "ZC"
    )
    return "".join(kept)


def normal_code(text: str) -> str:
    """Return a typed code as it was issued: big letters, what is misread put right."""
    return _visible(text).replace("-", "").upper().translate(_MISREAD)


def spell_code(code: str) -> str:
    """Return a code as people are shown it: ``7QKM-3XTD``."""
    half = len(code) // 2
    return f"{code[:half]}-{code[half:]}"


def letters(drawn: bytes) -> str:
    """Return one letter for each byte: 32 divides 256, so none is likelier."""
    return "".join(CROCKFORD[byte % len(CROCKFORD)] for byte in drawn)


def normal_address(kind: str, text: str) -> str:
    """Return an e-mail address or a phone number in the form that is kept; ``Invalid`` otherwise.

    Both parts of an e-mail address are compared without case: no mail provider that people use
    tells them apart, and two accounts that differ by case would be a trap. Phones are E.164.
    """
    return _email(_visible(text)) if kind == "email" else _phone(_visible(text))


def _email(text: str) -> str:
    local, at, domain = text.rpartition("@")
    try:
        # Python's codec is IDNA 2003; it is applied to both sides of every comparison.
        host = domain.lower().encode("idna").decode()
    except UnicodeError:
        host = ""
    plain = local.isascii() and not set(local) & set('"(),:;<>@[\\]')
    whole = f"{local.lower()}@{host}"
    if not (at and local and plain and "." in host.strip(".")) or len(whole) > EMAIL_LENGTH_MAX:
        raise Invalid("email", "is no e-mail address")
    if len(local) > EMAIL_LOCAL_MAX or ".." in host or host[0] == "." or host[-1] == ".":
        raise Invalid("email", "is no e-mail address")
    return whole


def _phone(text: str) -> str:
    try:
        number = phonenumbers.parse(text, None)
    except phonenumbers.NumberParseException:
        raise Invalid("phone", "must start with + and the country's code") from None
    if not phonenumbers.is_valid_number(number):
        raise Invalid("phone", "is no phone number")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


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
