"""A part whose fate is unknown: the vendor is asked, a few times, and order is kept meanwhile."""

from __future__ import annotations

import asyncio

import pytest
from vendor import Sending, Vendor

from chatworks.channels.models import Accepted, Ambiguous, Outcome, Permanent, RetryAfter
from chatworks.outbox.leasing import Room, lease
from chatworks.outbox.models import LOOK_SECONDS

LOST = Ambiguous("no answer")


async def ended(vendor: Vendor, sending: Sending, wanted: list[tuple[str, str | None]]) -> None:
    """Send, with every look due at once, until the parts stand as ``wanted``."""
    async with sending():
        for _ in range(200):
            if vendor.rows("status, vendor_id") == wanted:
                return
            vendor.run("UPDATE outbox_part SET look_at = now() WHERE look_at > now()"
                       " AND look_at < now() + interval '45 seconds'")  # fmt: skip
            vendor.house.listener.wake("outbox")
            await asyncio.sleep(0.03)
    assert vendor.rows("status, vendor_id") == wanted


@pytest.mark.parametrize(
    ("fates", "stands", "received"),
    [
        ([Accepted("found")], ("sent", "found"), ["next"]),
        ([None, LOST, Accepted("found")], ("sent", "found"), ["next"]),
        ([RetryAfter(0.01, "chat", "not there")], ("sent", "id of maybe"), ["maybe", "next"]),
        ([Permanent("refused")], ("failed", None), ["next"]),
        ([None] * len(LOOK_SECONDS), ("unknown", None), ["next"]),
    ],
)
async def test_the_vendor_is_asked_and_its_word_counts(
    vendor: Vendor,
    sending: Sending,
    fates: list[Outcome | None],
    stands: tuple[str, str | None],
    received: list[str],
) -> None:
    vendor.install(None, asks=True)
    vendor.answers["maybe"] = [LOST]
    vendor.fates = list(fates)
    await vendor.say(1, "maybe")
    await vendor.say(1, "next")

    await ended(vendor, sending, [stands, ("sent", "id of next")])

    assert vendor.received == received
    assert vendor.fates == []
    assert vendor.rows("look_at") == [(None,), (None,)]


async def test_a_dead_senders_part_is_asked_about_too(vendor: Vendor, sending: Sending) -> None:
    vendor.install(None, asks=True)
    vendor.fates = [Accepted("found")]
    await vendor.say(1, "held")
    async with vendor.house.db.engine() as work:
        assert len((await lease(work, vendor.house.kinds, Room(9, 9))).parts) == 1
    vendor.run("UPDATE outbox_part SET lease_until = now() - interval '1 second'")

    await ended(vendor, sending, [("sent", "found")])

    assert vendor.received == []


async def test_a_vendor_that_cannot_be_asked_leaves_it_unknown(
    vendor: Vendor, sending: Sending
) -> None:
    vendor.answers["maybe"] = [LOST]
    await vendor.say(1, "maybe")
    await vendor.say(1, "next")

    await ended(vendor, sending, [("unknown", None), ("sent", "id of next")])

    assert vendor.received == ["next"]
