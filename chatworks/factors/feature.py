"""What factors offer."""

from __future__ import annotations

from typing import Any

from chatworks.commands.models import Call, Registration, Trace
from chatworks.factors import jobs, service
from chatworks.factors.models import DATA_MAP, DemandSecondFactor, Tell
from chatworks.factors.ways import Ways
from chatworks.identity.models import SignedIn
from chatworks.kit.feature import Feature


def _trace_demand(call: Call[Any], _result: object) -> Trace:
    return Trace("outlet", call.outlet_id.hex, {"demanded": int(call.request.demanded)})


def feature(ways: Ways) -> Feature:
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
        ),
        subscribers={SignedIn: (jobs.Devices(ways).hear_sign_ins,), Tell: (ways.hear_tells,)},
        data_map=DATA_MAP,
    )
