"""What a role is."""

from __future__ import annotations

from dataclasses import dataclass

OWNER = "owner"


@dataclass(frozen=True, slots=True)
class Role:
    """A set of permissions under a name; ``about`` says in a sentence what it is for."""

    name: str
    title: str
    about: str
    may: frozenset[str]
