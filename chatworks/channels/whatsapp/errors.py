"""What the Cloud API's error codes mean, for answers and for statuses alike.

Sources: developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes and
reference/messaging.md §4.4. A code that is not listed is a permanent no for an operator's eyes.
"""

from __future__ import annotations

import msgspec

from chatworks.channels.models import Consequence


class Meaning(msgspec.Struct, frozen=True):
    """What follows. ``wait_seconds`` is how long to wait (0: by back-off; None: for ever), for the
    ``scope`` 'chat' or 'channel'.
    """

    consequence: Consequence = Consequence.NONE
    wait_seconds: float | None = None
    scope: str = "chat"


HOUR = 3600.0
NO = Meaning()
AGAIN = Meaning(wait_seconds=0)
SLOWER = Meaning(wait_seconds=5.0, scope="channel")
NO_CHANNEL = Meaning(Consequence.DISABLE_CHANNEL)
NO_TEMPLATE = Meaning(Consequence.DISABLE_TEMPLATE)

MEANINGS = {
    0: NO_CHANNEL,  # the token cannot be checked
    1: AGAIN,  # an unknown error of the API
    2: AGAIN,  # the service is away
    3: NO_CHANNEL,  # the app may not do this
    4: SLOWER,  # the app calls too often
    10: NO_CHANNEL,  # no permission
    100: Meaning(Consequence.ALERT),  # a parameter is wrong: our fault
    190: NO_CHANNEL,  # the token is wrong or ran out
    200: NO_CHANNEL,  # no permission
    368: NO_CHANNEL,  # the account is blocked for a breach of policy
    80007: SLOWER,  # the business account calls too often
    130429: SLOWER,  # more messages a second than the number has
    130472: NO,  # the person is in an experiment of Meta's
    131000: AGAIN,
    131005: NO_CHANNEL,
    131008: Meaning(Consequence.ALERT),
    131009: Meaning(Consequence.ALERT),
    131016: AGAIN,  # the service is overloaded
    131021: NO,  # sender and recipient are one
    131026: NO,  # undeliverable: no WhatsApp, an old one, or they block us
    131031: NO_CHANNEL,  # the account is locked
    131042: NO_CHANNEL,  # the business does not pay
    131045: NO_CHANNEL,  # the number is not registered
    131047: Meaning(Consequence.CLOSE_WINDOW),
    131048: Meaning(Consequence.ALERT, HOUR, "channel"),  # too much of it was reported as spam
    131049: NO,  # enough marketing for this person
    131050: NO,  # the person wants no marketing; consent is the router's business
    131051: NO,
    131052: NO,
    131053: NO,  # the file is not one that it takes
    131056: Meaning(wait_seconds=6.0),  # too many to this person: one in six seconds
    131057: Meaning(wait_seconds=60.0, scope="channel"),  # the account is in maintenance
    131062: NO,  # this kind of message does not go to a scoped id
    131064: Meaning(Consequence.ALERT, HOUR, "channel"),  # the tier's limit of the day
    132000: NO_TEMPLATE,
    132001: NO_TEMPLATE,
    132005: NO_TEMPLATE,
    132007: NO_TEMPLATE,
    132012: NO_TEMPLATE,
    132015: NO_TEMPLATE,
    132016: NO_TEMPLATE,
    133010: NO_CHANNEL,
}


def meaning(code: int) -> Meaning:
    """Return what an error code means."""
    return MEANINGS.get(code, Meaning(Consequence.ALERT))
