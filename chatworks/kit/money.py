"""Money: whole minor units with their currency. Never a float.

How many decimals a currency has, and how an amount is written in a language, comes from CLDR
through Babel.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from babel.numbers import format_currency, get_currency_precision

from chatworks.kit.errors import Invalid

MINOR_MAX = 2**53 - 1  # the largest whole number that every JSON reader keeps exactly
DIGITS_MAX = 30  # of a written amount, leading zeros included

_AMOUNT = re.compile(r"(?P<sign>[-+]?)(?P<whole>\d{1,3}(?:[, ]\d{3})+|\d+)(?:\.(?P<decimals>\d+))?")


@dataclass(frozen=True, slots=True, order=True)
class Money:
    """An amount of one currency, in minor units (cents)."""

    minor: int
    currency: str

    def __add__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same(other)
        return Money(self.minor - other.minor, self.currency)

    def __mul__(self, count: int) -> Money:
        return Money(self.minor * count, self.currency)

    def _same(self, other: Money) -> None:
        if self.currency != other.currency:
            raise ValueError(f"{self.currency} and {other.currency} cannot be mixed")

    def show(self, language: str) -> str:
        """Return the amount as people of ``language`` write it, whole units without decimals."""
        return _show(self.minor, self.currency, language)

    def plain(self) -> str:
        """Return the amount as a field shows it: ``1200`` or ``260.50``, no currency."""
        precision = get_currency_precision(self.currency)
        amount = Decimal(self.minor).scaleb(-precision)
        return f"{amount:.{0 if amount == amount.to_integral_value() else precision}f}"

    @classmethod
    def read(cls, text: str, currency: str) -> Money:
        """Return the amount that ``text`` writes (``1,200.50``); ``Invalid`` says why not.

        A comma or a space parts thousands only: “250,50” is refused, and never read as 25,050.
        """
        precision = get_currency_precision(currency)
        written = _AMOUNT.fullmatch(text.replace(currency, "").strip())
        if written is None:
            raise Invalid("amount", f"is not an amount of {currency}")
        sign, whole, decimals = written["sign"], written["whole"], written["decimals"] or ""
        if len(decimals) > precision:
            raise Invalid("amount", f"has more than {precision} decimals")
        digits = re.sub(r"[, ]", "", whole) + decimals.ljust(precision, "0")
        minor = int(sign + digits) if len(digits) <= DIGITS_MAX else MINOR_MAX + 1
        if not 0 <= minor <= MINOR_MAX:
            raise Invalid("amount", f"must be between 0 and {MINOR_MAX} minor units")
        return cls(minor, currency)


@lru_cache(maxsize=4096)  # CLDR formatting takes 50 µs, and a replay writes its labels again
def _show(minor: int, currency: str, language: str) -> str:
    precision = get_currency_precision(currency)
    amount = Decimal(minor).scaleb(-precision)
    whole = amount == amount.to_integral_value()
    pattern = "¤ #,##0" if whole else "¤ #,##0." + "0" * precision
    return format_currency(amount, currency, format=pattern, locale=language, currency_digits=False)
