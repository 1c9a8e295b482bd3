"""What programs may do, in the words that people read: by area of the outlet. Pure.

An area is one or more features; every feature that programs may use stands in one of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from chatworks.api.core import READ, known
from chatworks.commands.models import Registration

SEE = "See"


@dataclass(frozen=True, slots=True)
class Area:
    """An area: its title, what may be done in it besides seeing, and its features."""

    title: str
    change: str
    features: tuple[str, ...]


AREAS = {
    "orders": Area("Orders", "See and move on", ("orders",)),
    "products": Area("Products and prices", "See and change", ("catalog",)),
    "messages": Area("Messages", "See and answer", ("conversations", "support")),
    "broadcasts": Area("Broadcasts", "Write and send", ("broadcasts",)),
    "settings": Area("Settings and channels", "Change", ("outlets",)),
    "trouble": Area("Trouble", "Try again or give up", ("inbox", "outbox")),
}


def in_words(named: Sequence[str], offered: Iterable[Registration]) -> list[tuple[str, str]]:
    """Return scopes as (area's title, what may be done there); a request that is named by itself is
    told by its own first sentence.
    """
    registrations = list(offered)
    everything, left = known(registrations), set(named)
    words = []
    for area in AREAS.values():
        reads = {f"{feature}{READ}" for feature in area.features} & everything
        if left >= set(area.features):
            words.append((area.title, area.change))
            left -= set(area.features) | reads
        elif reads and left >= reads:
            words.append((area.title, SEE))
            left -= reads
    return words + [_alone(scope, registrations) for scope in sorted(left)]


def _alone(scope: str, offered: Sequence[Registration]) -> tuple[str, str]:
    feature = scope.partition(".")[0].partition(":")[0]
    title = next((area.title for area in AREAS.values() if feature in area.features), feature)
    told = {r.request.request_name: " ".join((r.request.__doc__ or "").split()) for r in offered}
    return title, told.get(scope, scope).partition(". ")[0].rstrip(".")
