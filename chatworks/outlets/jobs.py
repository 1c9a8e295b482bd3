"""What outlets hear: which channels and templates their messenger refuses."""

from __future__ import annotations

from chatworks.kit.work import Work
from chatworks.outbox.models import ChannelBroken, TemplateRefused
from chatworks.outlets import store


async def stop_channels(work: Work, facts: list[ChannelBroken]) -> None:
    """Stop sending on refused channels; what waits for them leaves once they are connected."""
    for fact in sorted(set(facts), key=lambda fact: fact.channel_id):
        await store.break_channel(work, fact.outlet_id, fact.channel_id, fact.reason)
        work.notify([f"outlet {fact.outlet_id.hex}"])


async def stop_templates(work: Work, facts: list[TemplateRefused]) -> None:
    """Use refused templates no more; whoever looks after the channel asks when they are back."""
    for fact in sorted(set(facts), key=lambda fact: (fact.channel_id, fact.name)):
        await store.disable_template(work, fact.outlet_id, fact.channel_id, fact.name, fact.reason)
        work.notify([f"outlet {fact.outlet_id.hex}"])
