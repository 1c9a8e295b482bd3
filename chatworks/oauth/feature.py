"""What OAuth offers to an outlet: registering the programs of others."""

from __future__ import annotations

from typing import Any

from chatworks.commands.models import Call, Registration, Trace
from chatworks.inbox.models import Tick
from chatworks.kit.feature import Feature
from chatworks.oauth import jobs, service
from chatworks.oauth.models import DATA_MAP, ListClients, RegisterClient, RemoveClient


def _trace_registered(call: Call[Any], result: Any) -> Trace:
    details: dict[str, str | int | None] = {
        "addresses": len(call.request.redirects),
        "secret": int(call.request.confidential),
    }
    return Trace("oauth_client", result.client_id.hex, details)


def _trace_removed(call: Call[Any], _result: object) -> Trace:
    return Trace("oauth_client", call.request.client_id.hex, {})


_OPERATOR = frozenset({"operator"})

FEATURE = Feature(
    name="oauth",
    registrations=(
        Registration(
            RegisterClient,
            service.register,
            _OPERATOR,
            _trace_registered,
            needs="keys.write",
            personal=True,
            fresh=True,
            asks="Register the app {name}",
        ),
        Registration(
            RemoveClient,
            service.remove,
            _OPERATOR,
            _trace_removed,
            needs="keys.write",
            personal=True,
        ),
        Registration(
            ListClients, service.list_clients, _OPERATOR, needs="keys.read", personal=True
        ),
    ),
    subscribers={Tick: (jobs.tidy,)},
    data_map=DATA_MAP,
)
