"""What Twilio's folder offers: WhatsApp and SMS, two kinds on one account."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from chatworks.channels.models import Channel, ChannelKind, DoorAnswer, Fetched
from chatworks.channels.twilio import adapter, plan, signature
from chatworks.channels.twilio.limits import SMS, SMS_LIMITS, WHATSAPP, WHATSAPP_LIMITS
from chatworks.channels.twilio.send import SMS_KIND, WHATSAPP_KIND, Messenger
from chatworks.sdk.inbound import File

# TwiML that says nothing: our answers leave by themselves.
ANSWER = DoorAnswer("text/xml", b"<Response/>")


def twilio(messenger: Messenger, address: str) -> tuple[ChannelKind, ChannelKind]:
    """Return the manifests. ``address`` is the public one, over which Twilio signs."""
    verify = partial(signature.verify, address)

    async def fetch(channel: Channel, file: File, most_bytes: int) -> Fetched:
        return await messenger.fetch(channel, file.vendor_id, most_bytes)

    whatsapp = ChannelKind(
        kind=WHATSAPP_KIND,
        title="WhatsApp (Twilio)",
        capabilities=WHATSAPP,
        verify=verify,
        split=adapter.split,
        read=adapter.read,
        plan=plan.plan_whatsapp,
        settle=plan.settle_whatsapp,
        limits=WHATSAPP_LIMITS,
        send=messenger.send,
        fetch=fetch,
        reconcile=messenger.reconcile,
        answer=ANSWER,
        repeatable=frozenset({plan.TYPING}),
    )
    sms = replace(
        whatsapp,
        kind=SMS_KIND,
        title="SMS (Twilio)",
        capabilities=SMS,
        plan=plan.plan_sms,
        settle=plan.settle_sms,
        limits=SMS_LIMITS,
        repeatable=frozenset(),
    )
    return whatsapp, sms
