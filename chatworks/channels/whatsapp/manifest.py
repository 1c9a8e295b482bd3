"""What the folder of WhatsApp's own API offers."""

from __future__ import annotations

from chatworks.channels.models import ChannelKind
from chatworks.channels.whatsapp import adapter, plan
from chatworks.channels.whatsapp.limits import CAPABILITIES, LIMITS
from chatworks.channels.whatsapp.send import CloudApi


def whatsapp(api: CloudApi) -> ChannelKind:
    """Return the manifest with its ports."""
    return ChannelKind(
        kind="whatsapp",
        title="WhatsApp",
        capabilities=CAPABILITIES,
        verify=adapter.verify,
        split=adapter.split,
        read=adapter.read,
        plan=plan.plan,
        settle=plan.settle,
        limits=LIMITS,
        send=api.send,
        fetch=api.fetch,
        greet=adapter.greet,
        repeatable=frozenset({plan.READ}),
    )
