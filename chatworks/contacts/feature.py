"""What contacts offer."""

from __future__ import annotations

from typing import Any

from chatworks.commands.models import Call, Registration, Trace
from chatworks.contacts import service
from chatworks.contacts.jobs import Router
from chatworks.contacts.models import (
    DATA_MAP,
    GiveLink,
    OfferLink,
    SendTo,
    SetConsent,
    Unlink,
)
from chatworks.contacts.service import Linker
from chatworks.inbox.models import Tick
from chatworks.kit.feature import Feature
from chatworks.outbox.models import ContactUnreachable, PartFailed


def _trace_joined(call: Call[Any], result: Any) -> Trace:
    return Trace("contact", call.actor.id, {"with": result.contact_id.hex})


def _trace_left(call: Call[Any], _result: object) -> Trace:
    return Trace("contact", call.actor.id, {})


def feature(linker: Linker, router: Router) -> Feature:
    """Return the manifest; ``linker`` knows the outlet's channels, ``router`` their state."""
    allow = frozenset({"customer"})
    return Feature(
        name="contacts",
        registrations=(
            Registration(OfferLink, linker.offer, allow),
            Registration(GiveLink, service.give, allow, _trace_joined),
            Registration(Unlink, service.unlink, allow, _trace_left),
            Registration(SetConsent, service.set_consents, allow),
        ),
        subscribers={
            SendTo: (router.send,),
            Tick: (router.send_due,),
            PartFailed: (router.fall_back,),
            ContactUnreachable: (router.fall_back,),
        },
        data_map=DATA_MAP,
    )
