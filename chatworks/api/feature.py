"""What the API offers: its keys."""

from __future__ import annotations

from typing import Any

from chatworks.api.models import DATA_MAP, IssueKey, ListKeys, RevokeKey
from chatworks.api.service import Issuer, Offered, list_keys, revoke_keys
from chatworks.commands.models import Call, Registration, Trace
from chatworks.kit.feature import Feature


def _trace_issued(call: Call[Any], result: Any) -> Trace:
    details = {"scopes": " ".join(sorted(call.request.scopes)), "days": call.request.days}
    return Trace("api_key", result.key_id.hex, details)


def _trace_revoked(call: Call[Any], _result: object) -> Trace:
    return Trace("api_key", call.request.key_id.hex, {})


def feature(offered: Offered) -> Feature:
    """Return the manifest; ``offered`` gives everything that a key may name."""
    operator = frozenset({"operator"})
    return Feature(
        name="api",
        registrations=(
            Registration(
                IssueKey,
                Issuer(offered),
                operator,
                _trace_issued,
                needs="keys.write",
                personal=True,
                fresh=True,
                asks="Let the program {name} act for the outlet",
            ),
            Registration(
                RevokeKey, revoke_keys, operator, _trace_revoked, needs="keys.write", personal=True
            ),
            Registration(ListKeys, list_keys, operator, needs="keys.read", personal=True),
        ),
        data_map=DATA_MAP,
    )
