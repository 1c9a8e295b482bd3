"""The register of personal data: every column of every table says what it holds, and whose.

A test introspects the migrated database and fails on a column that is not registered. Export,
erasure, retention, log redaction and the published policy are to read this same register.
Categories are fideslang keys (``user.contact.phone_number``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Erasure(StrEnum):
    """What erasing its subject does to a column."""

    NULL = "null"
    DELETE_ROW = "delete_row"
    PSEUDONYM = "pseudonym"
    KEEP = "keep"  # with a reason in ``retention``


class Basis(StrEnum):
    """The legal basis of processing (GDPR Art. 6; Kenya Data Protection Act 2019 s. 30)."""

    CONTRACT = "contract"
    CONSENT = "consent"
    LEGAL_OBLIGATION = "legal_obligation"
    LEGITIMATE_INTEREST = "legitimate_interest"


@dataclass(frozen=True, slots=True)
class Personal:
    """A column that holds personal data.

    ``subject`` names the column or path that leads to the person; ``retention`` is a rule in words
    that starts with the event its clock runs from (``order closed + 7 years``); ``visible`` lists
    who may see it: ``self``, ``operator``, ``driver``, ``engine``.
    """

    category: str
    subject: str
    purpose: str
    basis: Basis
    retention: str
    visible: tuple[str, ...]
    erasure: Erasure


@dataclass(frozen=True, slots=True)
class Operational:
    """A column without personal data, and why it is there."""

    why: str


Column = Personal | Operational
DataMap = Mapping[str, Mapping[str, Column]]


def operational(why: str) -> Operational:
    """Register a column as free of personal data."""
    return Operational(why)
