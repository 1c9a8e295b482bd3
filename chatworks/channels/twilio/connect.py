"""What an account needs before it works, done for the operator; and its templates.

Nothing here is skipped in silence: a call that fails raises, or is told as ``trouble``.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from chatworks.channels.models import Channel, Template
from chatworks.channels.twilio import content
from chatworks.channels.twilio.api import NotDone, Refused, TwilioApi
from chatworks.channels.twilio.limits import CONTENT_BODY_MAX
from chatworks.channels.twilio.send import SERVICE, WHATSAPP_KIND, webhook

PAGE_SIZE = 500
NAME = re.compile(r"[a-z0-9_]{1,512}")  # WhatsApp's name of a template
LANGUAGE = re.compile(r"[a-z]{2,3}([_-][A-Z]{2})?")
CATEGORIES = {"utility": "UTILITY", "marketing": "MARKETING", "authentication": "AUTHENTICATION"}
# What WhatsApp says of a template, in our words; what it has not decided is pending.
STATUSES = {
    "approved": "approved",
    "rejected": "rejected",
    "paused": "paused",
    "disabled": "paused",
}


@dataclass(frozen=True, slots=True)
class Connected:
    """An account that works. ``webhook`` is what must stand at Twilio; ``webhook_set`` whether it
    does, None where Twilio does not tell (a WhatsApp sender). ``trouble`` is what is not as it
    should be.
    """

    name: str
    webhook: str
    webhook_set: bool | None
    trouble: str = ""


async def connect(api: TwilioApi, channel: Channel, address: str) -> Connected:
    """Check an account and set its webhook where Twilio lets us; raises ``Refused`` or ``NotDone``.

    ``address`` is this installation's public one.
    """
    account = await api.need(
        channel, "the account", api.read(channel, api.of_account(channel, ".json"))
    )
    status = account.get("status")
    if status != "active":
        raise Refused(f"the account is {status} at Twilio")
    wanted = webhook(address, channel)
    if not address.startswith("https://"):
        trouble = f"CHATWORKS_PUBLIC_URL must be https: Twilio cannot reach {address}"
        return Connected(channel.address, wanted, None, trouble)
    if channel.address.startswith(SERVICE):
        return await _service(api, channel, wanted)
    if channel.kind == WHATSAPP_KIND:
        return Connected(channel.address, wanted, None)
    return await _number(api, channel, wanted)


async def _number(api: TwilioApi, channel: Channel, wanted: str) -> Connected:
    url = api.of_account(channel, "/IncomingPhoneNumbers.json")
    query = {"PhoneNumber": channel.address}
    listed = await api.need(channel, "the number", api.read(channel, url, query))
    numbers = listed.get("incoming_phone_numbers") or []
    if not numbers:
        raise NotDone(f"the account has no number {channel.address}")
    number = numbers[0]
    if number.get("sms_application_sid"):
        trouble = "an application at Twilio takes this number's messages: remove it there"
        return Connected(channel.address, wanted, webhook_set=False, trouble=trouble)
    if number.get("sms_url") != wanted or number.get("sms_method") != "POST":
        one = api.of_account(channel, f"/IncomingPhoneNumbers/{number['sid']}.json")
        fields = [("SmsUrl", wanted), ("SmsMethod", "POST")]
        number = await api.need(channel, "the webhook", api.form(channel, one, fields))
    return Connected(channel.address, wanted, number.get("sms_url") == wanted)


async def _service(api: TwilioApi, channel: Channel, wanted: str) -> Connected:
    url = f"{api.messaging}/v1/Services/{channel.address}"
    service = await api.need(channel, "the service", api.read(channel, url))
    if service.get("inbound_request_url") != wanted or service.get("use_inbound_webhook_on_number"):
        fields = [
            ("InboundRequestUrl", wanted),
            ("InboundMethod", "POST"),
            ("UseInboundWebhookOnNumber", "false"),
        ]
        service = await api.need(channel, "the webhook", api.form(channel, url, fields))
    name = str(service.get("friendly_name") or channel.address)
    return Connected(name, wanted, service.get("inbound_request_url") == wanted)


# -- Content ---------------------------------------------------------------------------------


async def made(api: TwilioApi, channel: Channel) -> dict[str, str]:
    """Return the sids of the account's Content resources by their friendly names."""
    return {str(row.get("friendly_name")): str(row["sid"]) async for row in _contents(api, channel)}


async def _contents(api: TwilioApi, channel: Channel) -> AsyncIterator[dict[str, Any]]:
    page = 0
    while True:
        query = {"PageSize": str(PAGE_SIZE), "Page": str(page)}
        call = api.read(channel, f"{api.content}/v1/Content", query)
        listed = await api.need(channel, "the Content list", call)
        for row in listed.get("contents") or ():
            yield row
        if not (listed.get("meta") or {}).get("next_page_url"):
            return
        page += 1


async def make(api: TwilioApi, channel: Channel, resource: content.Content) -> str:
    """Make a resource of the pool; returns its sid."""
    call = api.json(channel, f"{api.content}/v1/Content", resource.request())
    return str((await api.need(channel, resource.name, call))["sid"])


# -- templates -------------------------------------------------------------------------------


def template_problem(name: str, language: str, body: str, category: str) -> str:
    """Return why WhatsApp would not take such a template, or ""."""
    faults = (
        (not NAME.fullmatch(name), "the name takes lower case letters, digits and _"),
        (not LANGUAGE.fullmatch(language), "the language is a code such as en, sw or en_GB"),
        (category not in CATEGORIES, f"the category is one of {', '.join(sorted(CATEGORIES))}"),
    )
    return next((words for fault, words in faults if fault), "") or _body_problem(body)


def _body_problem(body: str) -> str:
    spots = [match.span() for match in content.SPOT.finditer(body)]
    numbers = [int(number) for number in content.SPOT.findall(body)]
    if not 0 < len(body.strip()) <= CONTENT_BODY_MAX:
        return f"the text has 1 to {CONTENT_BODY_MAX} characters"
    if sorted(set(numbers)) != list(range(1, len(set(numbers)) + 1)):
        return "variables are {{1}}, {{2}} and so on, without a gap"
    if spots and (spots[0][0] == 0 or spots[-1][1] == len(body.strip())):
        return "a variable must not stand at the start or at the end"
    if any(a[1] == b[0] for a, b in pairwise(spots)):
        return "two variables must not stand side by side"
    return ""


async def submit(api: TwilioApi, channel: Channel, template: Template) -> str:
    """Make a template at Twilio, unless it is there, and submit it to WhatsApp; returns its sid."""
    friendly = f"chatworks-template-{template.name}-{template.language}"
    sid = (await made(api, channel)).get(friendly)
    if sid is None:
        numbers = sorted(set(content.SPOT.findall(template.body)))
        body = {
            "friendly_name": friendly,
            "language": template.language,
            "variables": {number: f"sample {number}" for number in numbers},
            "types": {"twilio/text": {"body": template.body}},
        }
        call = api.json(channel, f"{api.content}/v1/Content", body)
        sid = str((await api.need(channel, "the template", call))["sid"])
    if await decision(api, channel, sid) is None:
        body = {"name": template.name, "category": CATEGORIES[template.category]}
        url = f"{api.content}/v1/Content/{sid}/ApprovalRequests/whatsapp"
        await api.need(channel, "the template", api.json(channel, url, body))
    return sid


async def decision(api: TwilioApi, channel: Channel, sid: str) -> tuple[str, str] | None:
    """Return what WhatsApp says of a template: status and reason; None where it was not asked."""
    url = f"{api.content}/v1/Content/{sid}/ApprovalRequests"
    found = await api.need(channel, "the approval", api.read(channel, url))
    told = found.get("whatsapp") or {}
    status = str(told.get("status") or "unsubmitted")
    if status == "unsubmitted":
        return None
    return STATUSES.get(status, "pending"), str(told.get("rejection_reason") or "")
