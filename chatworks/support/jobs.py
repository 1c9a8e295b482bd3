"""What the inbox for people hears: who waits, who was answered, and when the bot goes on."""

from __future__ import annotations

from chatworks.conversations.models import BotSpeaks, PersonAnswered, PersonWaits
from chatworks.kit.work import Work
from chatworks.support import store

FORGOTTEN = "Nobody wrote for half an hour: the bot answers again."


async def begin_waits(work: Work, facts: list[PersonWaits]) -> None:
    """Begin to count; written at the end, with the conversations themselves."""
    for fact in facts:
        work.defer(store.wait, (fact.outlet_id, fact.conversation_id))


async def keep_answers(work: Work, facts: list[PersonAnswered]) -> None:
    """Keep how long each answer took; who was answered waits no longer."""
    for fact in facts:
        key = (fact.outlet_id, fact.conversation_id)
        await store.answer(work, key, fact.operator_id)
        await store.settle(work, [key])


async def end_waits(work: Work, facts: list[BotSpeaks]) -> None:
    """Whom the bot answers waits for no person; a lease that ran out is noted in the thread.

    This is written at once, and what begins to wait at the end: who asks for a person in the same
    turn that the bot came back in waits.
    """
    await store.settle(work, [(fact.outlet_id, fact.conversation_id) for fact in facts])
    for fact in facts:
        if fact.forgot is not None:
            work.defer(_note_forgotten, (fact.outlet_id, fact.conversation_id))


async def _note_forgotten(work: Work, keys: list[store.Key]) -> None:
    for key in keys:
        await store.add_note(work, key, None, FORGOTTEN)
