"""How often somebody may try to sign in, and to have a code sent: budgets as data, drawn by GCRA.

A try is drawn in a transaction of its own *before* the secret is looked at, so that it counts
whatever happens then, and parallel tries cannot pass together. A browser that the account knows by
its cookie spends a budget of its own and no other: strangers can neither use it nor exhaust it. All
others spend those of the account, of their address, of their network, and of the installation.
Tries of passwords and of codes are counted apart. Where the database cannot answer, nobody tries.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import structlog

from chatworks.identity import store
from chatworks.identity.core import network
from chatworks.identity.models import Browser, Closed
from chatworks.identity.service import device_hashes
from chatworks.kit.db import Database
from chatworks.kit.errors import ChatWorksError, TooMany

log = structlog.get_logger()
NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Budget:
    """``burst`` tries at once, then one in ``seconds``."""

    burst: int
    seconds: float


# What Warehouse allows (config.py, 516-545): 10 in 5 minutes for an account and an address, 1000 in
# 5 minutes for the installation; of second factors 5 in 5 minutes. An address here may be shared
# by a mobile network's subscribers, so that it and its network have more than an account.
PASSWORD = {
    "account": Budget(10, 30),
    "device": Budget(10, 30),
    "address": Budget(30, 10),
    "network": Budget(100, 3),
    "installation": Budget(1000, 0.3),
}
CODE = {
    "account": Budget(5, 60),
    "device": Budget(5, 60),
    "address": Budget(30, 10),
    "network": Budget(100, 3),
    "installation": Budget(1000, 0.3),
}
# Having a code sent costs money and disturbs: three at once, then one in two minutes.
SEND = {
    "account": Budget(3, 120),
    "device": Budget(5, 120),
    "address": Budget(10, 60),
    "network": Budget(50, 10),
    "installation": Budget(500, 1),
}
SIGN_UP = {
    "account": Budget(3, 120),
    "device": Budget(5, 120),
    "address": Budget(10, 120),
    "network": Budget(50, 30),
    "installation": Budget(500, 1),
}
# Nobody guesses a signature; what is limited is how many challenges are made for whoever comes by.
PASSKEY = {
    "account": Budget(1000, 0.3),
    "device": Budget(30, 10),
    "address": Budget(30, 10),
    "network": Budget(100, 3),
    "installation": Budget(1000, 0.3),
}
BUDGETS: Mapping[str, Mapping[str, Budget]] = {
    "password": PASSWORD,
    "code": CODE,
    "send": SEND,
    "sign-up": SIGN_UP,
    "service": PASSWORD,  # ways to another service that are begun
    "passkey": PASSKEY,
}


def _scope(what: str, whose: str, value: str) -> str:
    hidden = hashlib.sha256(f"{whose} {value}".encode()).hexdigest()[:32]
    return f"{what}:{whose}:{hidden}"


def scopes(
    what: str, account: UUID | str | None, browser: Browser, device: UUID | None
) -> dict[str, tuple[timedelta, int]]:
    """Return what a try draws from: scope -> (interval, burst).

    ``account`` is an account's id or, where there is none, the address that was typed: an unknown
    one is limited as a known one is. None names nobody: the other budgets remain.
    """
    named = account.hex if isinstance(account, UUID) else account
    spends = (
        {"device": device.hex}
        if device is not None
        else {
            **({} if named is None else {"account": named}),
            "address": browser.address,
            "network": network(browser.address),
            "installation": "",
        }
    )
    budgets = BUDGETS[what]
    return {
        _scope(what, whose, value): (
            timedelta(seconds=budgets[whose].seconds),
            budgets[whose].burst,
        )
        for whose, value in spends.items()
    }


async def draw(db: Database, what: str, account: UUID | str | None, browser: Browser) -> None:
    """Spend one try; raises ``TooMany`` where there is none, ``Closed`` where nobody can tell."""
    try:
        async with db.engine() as work:
            whose = account if isinstance(account, UUID) else NOBODY  # the same work for both
            device = await store.knows_device(work, whose, device_hashes(browser))
            allowed = await store.may_try_all(work, scopes(what, account, browser, device))
    except ChatWorksError:
        raise
    except Exception as error:
        log.warning("limits cannot be asked", error=type(error).__name__)
        raise Closed("please try again in a minute") from error
    if not allowed:
        raise TooMany(f"tries ({what})", int(max(b.seconds for b in BUDGETS[what].values())))
