"""What vendors say later: any order leaves the same state, and nothing of it is a turn."""

from __future__ import annotations

import asyncio
import itertools

import msgspec
import pytest
from vendor import Vendor

from chatworks.channels.models import Accepted, Consequence, Report
from chatworks.outbox import core, service, store
from chatworks.outbox.leasing import Room, lease
from chatworks.outbox.models import Part, Reported, Standing, Status

STATUSES = ("sent", "delivered", "read", "failed")


async def leased(vendor: Vendor, count: int) -> list[Part]:
    """Return parts in a sender's hands, one for each of ``count`` chats."""
    for chat in range(count):
        await vendor.say(1000 + chat, f"m{chat}")
    async with vendor.house.db.engine() as work:
        return (await lease(work, vendor.house.kinds, Room(count, count))).parts


async def settle(vendor: Vendor, part: Part, ident: str) -> None:
    async with vendor.house.db.engine([part.outlet_id]) as work:
        change = core.decide(part, Accepted(ident), work.now, 0.5)
        assert await store.finish(work, [(part, change)]) == {part.id}
        await service.merge_kept(work, [(part.outlet_id, part.channel_id, ident)])


async def report(vendor: Vendor, ident: str, *statuses: str, **more: object) -> None:
    channel = vendor.channel
    async with vendor.house.db.engine([channel.outlet_id]) as work:
        reports = [Report(ident, status, "1", **more) for status in statuses]  # type: ignore[arg-type]
        await service.report(
            work, [Reported(channel.outlet_id, channel.id, item) for item in reports]
        )


def outcomes(vendor: Vendor) -> set[tuple[str, str | None]]:
    return set(vendor.run("SELECT status, error FROM outbox_part"))


@pytest.mark.parametrize(
    ("said", "stands"),
    [
        (STATUSES, "read"),
        (("sent", "delivered", "failed"), "delivered"),
        (("sent", "failed"), "failed"),
    ],
)
async def test_every_order_of_a_send_and_its_reports_ends_the_same(
    vendor: Vendor, said: tuple[str, ...], stands: str
) -> None:
    orders = list(itertools.permutations(("settle", *said)))
    parts = await leased(vendor, len(orders))

    for number, (order, part) in enumerate(zip(orders, parts, strict=True)):
        for step in order:
            if step == "settle":
                await settle(vendor, part, f"v{number}")
            else:
                error = "undelivered" if step == "failed" else ""
                await report(vendor, f"v{number}", step, error=error)

    error = "undelivered" if stands == "failed" else None
    assert outcomes(vendor) == {(stands, error)}
    assert vendor.run("SELECT count(*) FROM outbox_report") == [(0,)]


async def test_reports_and_settling_at_the_same_moment_never_miss_each_other(
    vendor: Vendor,
) -> None:
    parts = await leased(vendor, 60)
    steps = []
    for number, part in enumerate(parts):
        steps += [
            settle(vendor, part, f"v{number}"),
            report(vendor, f"v{number}", "delivered"),
            report(vendor, f"v{number}", "sent"),
        ]

    await asyncio.gather(*steps)

    assert outcomes(vendor) == {("delivered", None)}
    assert vendor.run("SELECT count(*) FROM outbox_report") == [(0,)]


async def test_a_report_is_no_turn_and_opens_no_conversation(vendor: Vendor) -> None:
    parts = await leased(vendor, 1)
    await settle(vendor, parts[0], "v0")
    before = vendor.run("SELECT last_seq, heard_at FROM conversation")

    # Beside a message of somebody whom we do not know, whose report is about another chat.
    await vendor.tell({"vendor_id": "v0", "status": "delivered", "recipient": "1000"}, chat=1000)
    await vendor.tell({"vendor_id": "x", "status": "read", "recipient": "77"}, chat=77)

    assert outcomes(vendor) == {("delivered", None)}
    assert vendor.run("SELECT last_seq, heard_at FROM conversation") == before
    assert vendor.run("SELECT count(*) FROM inbox_pending") == [(0,)]
    assert vendor.run("SELECT vendor_id, status FROM outbox_report") == [("x", "read")]


async def test_a_report_and_a_message_of_one_person_come_in_one_batch(vendor: Vendor) -> None:
    parts = await leased(vendor, 1)
    await settle(vendor, parts[0], "v0")

    delivered = {"vendor_id": "v0", "status": "delivered", "recipient": "1000"}
    await vendor.tell(delivered, {"text": "hello"}, chat=1000)

    assert vendor.rows("status", 1000)[0] == ("delivered",)
    said = vendor.run("SELECT direction FROM message ORDER BY seq LIMIT 2")
    assert said == [("out",), ("in",)]


@pytest.mark.parametrize("early", [True, False])
async def test_what_a_report_means_for_the_person_follows(
    vendor: Vendor,
    early: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    parts = await leased(vendor, 1)
    await vendor.say(1000, "waits")
    told = {"error": "unsubscribed", "consequence": Consequence.STOP_CONTACT}

    if early:
        await report(vendor, "v0", "failed", **told)
    await settle(vendor, parts[0], "v0")
    if not early:
        await report(vendor, "v0", "failed", **told)

    assert vendor.rows("status, error", 1000) == [("failed", "unsubscribed")] * 2
    assert vendor.run("SELECT status FROM contact") == [("blocked",)]


async def test_reports_that_no_send_claims_are_forgotten(vendor: Vendor) -> None:
    await report(vendor, "nobody", "sent", "delivered")
    await report(vendor, "nobody", "sent")
    assert vendor.run("SELECT count(*) FROM outbox_report") == [(2,)]
    vendor.run("UPDATE outbox_report SET received_at = now() - interval '3 days'")

    async with vendor.house.db.engine() as work:
        await store.recover(work, vendor.house.kinds.values())

    assert vendor.run("SELECT count(*) FROM outbox_report") == [(0,)]


async def test_a_status_that_no_vendor_says_is_parked_and_changes_nothing(vendor: Vendor) -> None:
    with pytest.raises(ValueError, match="no vendor reports queued"):
        core.reported("queued")
    with pytest.raises(ValueError, match="seen"):
        core.reported("seen")


async def test_a_message_stands_where_its_slowest_part_does(vendor: Vendor) -> None:
    parts = await leased(vendor, 1)
    key = (parts[0].outlet_id, parts[0].conversation_id)

    async def standing() -> dict[int, Standing]:
        async with vendor.house.db.web(key[0]) as work:
            return await store.standing(work, *key, [1, 2])

    assert await standing() == {1: Standing(Status.LEASED)}
    await settle(vendor, parts[0], "v0")
    await report(vendor, "v0", "failed", error="no such number")
    assert await standing() == {1: Standing(Status.FAILED, "no such number")}
    assert msgspec.json.encode(core.standing([(Status.READ, ""), (Status.SENT, "")])) == (
        msgspec.json.encode(Standing(Status.SENT))
    )
