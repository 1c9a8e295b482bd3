"""What factors offer."""

from __future__ import annotations

from typing import Any

from chatworks.commands.models import Call, Registration, Trace
from chatworks.factors import jobs, service
from chatworks.factors.from_chat import FromChat
from chatworks.factors.models import DATA_MAP, ConfirmFromChat, DemandSecondFactor
from chatworks.factors.recoveries import Recoveries
from chatworks.identity.models import SignedIn
from chatworks.kit.feature import Feature


def _trace_demand(call: Call[Any], _result: object) -> Trace:
    return Trace("outlet", call.outlet_id.hex, {"demanded": int(call.request.demanded)})


def _trace_confirmed(call: Call[Any], result: Any) -> Trace:
    conversation = call.origin.conversation_id.hex if call.origin else ""
    return Trace("conversation", conversation, {"what": result.what})


def feature(recoveries: Recoveries) -> Feature:
    """Return the manifest."""
    return Feature(
        name="factors",
        registrations=(
            Registration(
                DemandSecondFactor,
                service.demand_second_factor,
                frozenset({"operator"}),
                _trace_demand,
                needs="people.write",
                fresh=True,
                asks="Change whether everybody who works here needs a second factor",
            ),
            Registration(
                ConfirmFromChat,
                FromChat(recoveries).confirm,
                frozenset({"customer"}),
                _trace_confirmed,
            ),
        ),
        subscribers={SignedIn: (jobs.hear_sign_ins,)},
        data_map=DATA_MAP,
    )
