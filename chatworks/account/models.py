"""What plugs into the pages: ways of signing in, and checks after the first proof."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID

from chatworks.identity.models import Browser
from chatworks.kit.work import Work


@dataclass(frozen=True, slots=True)
class Way:
    """A way of signing in: ``template`` is its fragment on the page, in the order of the list.

    The fragment is given ``lang``, ``next`` and ``_``; its form posts to handlers of its feature.
    """

    name: str
    template: str


@dataclass(frozen=True, slots=True)
class Proved:
    """A first proof: whose account, by which methods, in which browser, and where to go then."""

    account_id: UUID
    methods: frozenset[str]
    browser: Browser
    next: str


Check = Callable[[Work, Proved], Awaitable[str]]
"""Asked within the transaction of the proof. Returns "" where that is enough to sign in, or the
path of the page that asks for more; whoever returns a path remembers the proof and signs in then.
"""
