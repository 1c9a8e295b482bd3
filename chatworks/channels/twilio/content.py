"""The small pool of Content resources that every menu of a session is drawn with. Pure.

Twilio takes buttons and lists only as a Content resource made before. So there is one for each
number of buttons and rows, and all that is read or tapped is a variable of it: 1 to 3 quick
replies, with a picture above them or without, and lists of 1 to 10 rows, with descriptions or
without. They need no approval: a session takes them as they are.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chatworks.channels.twilio.limits import BUTTONS_MAX, ROWS_MAX

VERSION = 1  # in the names at Twilio: another shape gets another name and leaves the old ones be
LANGUAGE = "en"  # of the resource's own few words, which nobody sees
SPOT = re.compile(r"\{\{(\d+)\}\}")  # where a variable stands
NO_DESCRIPTION = "·"  # a variable must not be empty


@dataclass(frozen=True, slots=True)
class Content:
    """One resource of the pool: how we call it, and what Twilio makes of it.

    ``friendly_name`` is how it is found again at Twilio; ``address`` is this installation's.
    """

    name: str
    types: dict[str, Any]
    samples: dict[str, str]
    address: str = ""

    @property
    def friendly_name(self) -> str:
        """Its name at Twilio: pictures stand at one installation's address, the rest anywhere."""
        where = hashlib.sha256(self.address.encode()).hexdigest()[:8] if self.address else ""
        return "-".join(filter(None, ("chatworks", self.name, where, f"v{VERSION}")))

    def request(self) -> dict[str, Any]:
        """Return the body of ``POST /v1/Content``."""
        return {
            "friendly_name": self.friendly_name,
            "language": LANGUAGE,
            "variables": self.samples,
            "types": self.types,
        }


def buttons(count: int) -> Content:
    """Return the resource of ``count`` quick replies: body, then title and id of each."""
    value = {"body": "{{1}}", "actions": _actions(count, 2)}
    return Content(f"buttons-{count}", {"twilio/quick-reply": value}, _samples(1 + 2 * count))


def card(count: int, address: str) -> Content:
    """Return the resource of a picture with ``count`` quick replies: body, path, the replies."""
    value = {
        "title": "{{1}}",
        "media": [f"{address}/{{{{2}}}}"],
        "actions": _actions(count, 3),
    }
    samples = _samples(2 + 2 * count) | {"2": "static/outlets/majipro/logo.svg"}
    return Content(f"card-{count}", {"twilio/card": value}, samples, address)


def rows(count: int, *, described: bool) -> Content:
    """Return the resource of a list: body, opener, then title, id and description of each row."""
    width = 3 if described else 2
    items = []
    for index in range(count):
        first = 3 + width * index
        item = {"item": f"{{{{{first}}}}}", "id": f"{{{{{first + 1}}}}}"}
        if described:
            item["description"] = f"{{{{{first + 2}}}}}"
        items.append(item)
    value = {"body": "{{1}}", "button": "{{2}}", "items": items}
    name = f"rows-{count}-described" if described else f"rows-{count}"
    return Content(name, {"twilio/list-picker": value}, _samples(2 + width * count))


def pool(address: str) -> dict[str, Content]:
    """Return every resource by its name; cards only where files can be fetched from us."""
    made = [buttons(count) for count in range(1, BUTTONS_MAX + 1)]
    if address.startswith("https://"):
        made += [card(count, address) for count in range(1, BUTTONS_MAX + 1)]
    for count in range(1, ROWS_MAX + 1):
        made += [rows(count, described=False), rows(count, described=True)]
    return {content.name: content for content in made}


def numbered(values: Sequence[str]) -> dict[str, str]:
    """Return values as variables, from 1 on."""
    return {str(number): value for number, value in enumerate(values, 1)}


def _actions(count: int, first: int) -> list[dict[str, str]]:
    return [
        {
            "type": "QUICK_REPLY",
            "title": f"{{{{{first + 2 * index}}}}}",
            "id": f"{{{{{first + 2 * index + 1}}}}}",
        }
        for index in range(count)
    ]


def _samples(count: int) -> dict[str, str]:
    return numbered([f"sample {number}" for number in range(1, count + 1)])
