"""Addresses of people in their one form: two that mean the same are equal, however written.

Nothing is asked of the network: whether somebody reads there, only a code shows.
"""

from __future__ import annotations

import phonenumbers
from email_validator import EmailNotValidError, validate_email

from chatworks.kit.errors import Invalid

EMAIL_LENGTH_MAX = 254  # RFC 5321 4.5.3.1.3, less its angle brackets
TYPED_LENGTH_MAX = 320  # of what is looked at: longer text is no address in any script


class NotGivenOut(Invalid):
    """It reads as a phone number, and no such number is given out."""


def email_of(text: str) -> str:
    """Return an e-mail address in its one form: lower case, its domain in A-labels.

    Raises ``Invalid``. What stands before the @ is ASCII: letters that look alike or fold into each
    other would make two people's addresses one, and few servers take others.
    """
    typed = text.strip()
    if not typed or len(typed) > TYPED_LENGTH_MAX:
        raise Invalid("email", "is no e-mail address")
    try:
        found = validate_email(typed, check_deliverability=False, allow_smtputf8=False, strict=True)
    except EmailNotValidError:
        raise Invalid("email", "is no e-mail address") from None
    address = (found.ascii_email or "").lower()
    if not address or len(address) > EMAIL_LENGTH_MAX:
        raise Invalid("email", "is no e-mail address")
    return address


def phone_of(text: str, region: str = "") -> str:
    """Return a phone number as E.164; ``region`` (``KE``) reads numbers without a country's code.

    Raises ``Invalid``, or its ``NotGivenOut``.
    """
    try:
        number = phonenumbers.parse(text, region or None)
    except phonenumbers.NumberParseException:
        raise Invalid("phone", "is no phone number") from None
    if not phonenumbers.is_valid_number(number):
        raise NotGivenOut("phone", "is a number that does not exist")
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
