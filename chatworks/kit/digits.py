"""Whole numbers that strangers write: in headers, forms and JSON. Pure.

Python's own tests let through what its ``int`` then refuses (``"²".isdigit()`` holds) or what takes
it long (thousands of digits); other programs read neither as a number.
"""

from __future__ import annotations

DIGITS_MAX = 18  # within 64 bits, with their sign


def natural(text: str) -> int | None:
    """Return the number that ``text`` writes in 1 to 18 ASCII digits; None where it is none."""
    if 0 < len(text) <= DIGITS_MAX and text.isascii() and text.isdecimal():
        return int(text)
    return None
