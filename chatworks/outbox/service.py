"""What other features and operators may do with the outbox."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from prometheus_client import Gauge

from chatworks.channels.models import Consequence
from chatworks.commands.models import Call
from chatworks.kit.errors import Refusal
from chatworks.kit.work import Work
from chatworks.outbox import core, store
from chatworks.outbox.models import (
    Alert,
    ChannelBroken,
    ContactUnreachable,
    NotInTrouble,
    PartFailed,
    Reported,
    Requeued,
    Status,
    TemplateRefused,
    Told,
    WindowClosed,
)
from chatworks.outbox.store import hold_back as hold_back
from chatworks.outbox.store import queue as queue
from chatworks.outbox.store import release as release
from chatworks.outbox.store import send_anew as send_anew
from chatworks.outbox.store import templated as templated
from chatworks.outbox.store import trouble as trouble
from chatworks.outbox.store import waiting as waiting

open_parts = Gauge("chatworks_outbox_open", "Parts that are queued or in a sender's hands")
oldest_part = Gauge("chatworks_outbox_oldest_seconds", "Age of the oldest open part")


async def resend_parts(work: Work, calls: Sequence[Call[Any]]) -> list[Requeued | Refusal]:
    """Handle ``ResendPart``."""
    answers: list[Requeued | Refusal] = []
    for call in calls:
        part_id = call.request.part_id
        done = await store.resend(work, call.outlet_id, part_id)
        answers.append(Requeued(part_id) if done else NotInTrouble())
        work.notify([f"outlet {call.outlet_id.hex}"])
    return answers


async def report(work: Work, reports: Sequence[Reported]) -> None:
    """Take what vendors say later about messages that were sent.

    Statuses merge by rank, in any order. A report about a message whose send is not settled yet is
    kept until it is. What follows for a person, a template or a channel follows from every report,
    so that it does not depend on their order; the message itself follows the report that stands.
    """
    await store.lock_reports(work, reports)
    await _merge(work, reports)


async def merge_kept(work: Work, settled: Sequence[tuple[UUID, UUID, str]]) -> None:
    """Take the reports that came before these sends, (outlet, channel, vendor's id), settled."""
    kept = await store.take_reports(work, settled)
    if kept:
        await _merge(work, kept)


async def _merge(work: Work, reports: Sequence[Reported]) -> None:
    standing = core.latest(reports)
    told = await store.report(work, standing)
    known = {
        (told[n].channel_id, item.report.vendor_id): told[n]
        for n, item in enumerate(standing)
        if n in told
    }
    early = [r for r in reports if (r.channel_id, r.report.vendor_id) not in known]
    if early:
        await store.keep_reports(work, early)
    for item in reports:
        about = known.get((item.channel_id, item.report.vendor_id))
        if about is not None:
            stands = item in standing and about.changed
            await follow(work, about, item.report.consequence, item.report.error, stands=stands)
            if stands and item.report.status == Status.FAILED:
                key = (about.outlet_id, about.conversation_id)
                work.publish(PartFailed(*key, about.message_seq))
    work.notify(f"outlet {about.outlet_id.hex}" for about in known.values())


async def follow(
    work: Work, about: Told, consequence: Consequence, reason: str, *, stands: bool = True
) -> None:
    """Carry a vendor's no further than its own part. ``stands`` is false where the message did
    arrive, or was given up before: then it is not planned anew.
    """
    match consequence:
        case Consequence.STOP_CONTACT:
            await store.fail_rest(work, about.outlet_id, about.conversation_id, reason)
            work.publish(ContactUnreachable(about.outlet_id, about.conversation_id, reason))
        case Consequence.CLOSE_WINDOW if stands and not about.template:
            key = (about.outlet_id, about.conversation_id)
            work.publish(WindowClosed(*key, about.part_id, about.message_seq, about.at))
        case Consequence.DISABLE_TEMPLATE if about.template:
            key = (about.outlet_id, about.channel_id)
            work.publish(TemplateRefused(*key, about.template, reason))
        case Consequence.ALERT:
            key = (about.outlet_id, about.channel_id)
            work.publish(Alert(*key, about.conversation_id, reason))
        case Consequence.DISABLE_CHANNEL:
            work.publish(ChannelBroken(about.outlet_id, about.channel_id, reason))


async def measure(work: Work) -> None:
    """Set the gauges of what waits to be sent."""
    count, age_seconds = await store.depth(work)
    open_parts.set(count)
    oldest_part.set(age_seconds)
