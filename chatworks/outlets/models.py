"""An outlet and its parts, the format of its file, and its commands."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from chatworks.channels.models import Template
from chatworks.commands.models import Command
from chatworks.kit.datamap import DataMap, operational
from chatworks.kit.errors import Refusal

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Colour = Annotated[str, Meta(pattern=r"^#[0-9a-fA-F]{6}$")]
Time = Annotated[str, Meta(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
Slug = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{1,39}$")]
ByLanguage = dict[str, str]


class Brand(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How an outlet looks. Colours are #rrggbb."""

    primary: Colour
    accent: Colour
    tagline: ByLanguage
    logo: str = ""


class Hours(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When an outlet serves, in its own time zone: spans of [from, to] for each weekday."""

    mon: list[tuple[Time, Time]] = []
    tue: list[tuple[Time, Time]] = []
    wed: list[tuple[Time, Time]] = []
    thu: list[tuple[Time, Time]] = []
    fri: list[tuple[Time, Time]] = []
    sat: list[tuple[Time, Time]] = []
    sun: list[tuple[Time, Time]] = []
    closed: list[str] = []  # dates, 2026-12-25


class Area(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A circle that is delivered to."""

    name: str
    latitude: Annotated[float, Meta(ge=-90, le=90)]
    longitude: Annotated[float, Meta(ge=-180, le=180)]
    radius_m: Annotated[int, Meta(ge=100, le=100_000)]
    fee_minor: Annotated[int, Meta(ge=0)]


class Delivery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where an outlet delivers."""

    areas: list[Area] = []


class Quiet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When people are left alone: from one time to another, by the clock where they live.

    Offers wait for the end of it, always; notices about orders only if ``transactional``.
    """

    hours: tuple[Time, Time] | None = None
    transactional: bool = False


class Routing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which kinds of channels a message to a person takes first, and what one costs there."""

    prefer: list[str] = []
    prices: dict[str, Annotated[int, Meta(ge=0)]] = {}


class PrivacyNotice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who keeps the data, and whom to ask."""

    controller: str
    contact: str


TWILIO_ACCOUNT = r"AC[0-9a-f]{32}"
TWILIO_SENDER = r"\+[1-9][0-9]{6,14}|[0-9]{3,8}|MG[0-9a-f]{32}"  # a number, or a service


class ChannelSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A channel of an outlet file. ``token_env`` names the variable that holds its token.

    ``account`` is the vendor's id of the account, ``number`` what messages leave from there: a
    number (+254…) or a Messaging Service (MG…).
    """

    kind: str
    name: str = ""
    token_env: str = ""
    account: Annotated[str, Meta(pattern=rf"^(|{TWILIO_ACCOUNT}|[0-9]{{5,20}})$")] = ""
    number: Annotated[str, Meta(pattern=rf"^(|{TWILIO_SENDER})$")] = ""


class Sms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one segment of an SMS costs, in the outlet's currency, by the number's beginning."""

    prices: dict[
        Annotated[str, Meta(pattern=r"^\+[0-9]{0,10}$")],
        Annotated[str, Meta(pattern=r"^[0-9]{1,6}(\.[0-9]{1,6})?$")],
    ] = {}


class AppletSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An applet that is switched on."""

    applet: str
    settings: dict[str, Any] = {}


class ProductSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A product of an outlet file; the catalogue seeds it."""

    sku: Annotated[str, Meta(min_length=1, max_length=40)]
    name: ByLanguage
    price_minor: Annotated[int, Meta(ge=0)]
    description: ByLanguage = {}
    stock: Annotated[int, Meta(ge=0)] | None = None
    photo: str = ""
    tags: list[str] = []


class OutletFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``outlets/<slug>.toml``."""

    slug: Slug
    name: Annotated[str, Meta(min_length=1, max_length=80)]
    languages: Annotated[list[str], Meta(min_length=1)]
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}$")]
    timezone: str
    owner: str
    brand: Brand
    hours: Hours
    delivery: Delivery
    privacy: PrivacyNotice
    quiet: Quiet = Quiet()
    routing: Routing = Routing()
    sms: Sms = Sms()
    widget_origins: list[str] = []
    channels: list[ChannelSpec] = []
    applets: list[AppletSpec] = []
    products: list[ProductSpec] = []


@dataclass(frozen=True, slots=True)
class Install:
    """An applet that an outlet switched on; ``settings`` is JSON."""

    applet: str
    version: str
    settings: bytes


@dataclass(frozen=True, slots=True)
class Outlet:
    """A tenant."""

    id: UUID
    slug: str
    name: str
    brand: Brand
    languages: tuple[str, ...]
    currency: str
    timezone: str
    hours: Hours
    delivery: Delivery
    privacy: PrivacyNotice
    widget_origins: tuple[str, ...]
    sms: Sms
    installed: tuple[Install, ...] = ()
    quiet: Quiet = field(default_factory=Quiet)
    routing: Routing = field(default_factory=Routing)


@dataclass(frozen=True, slots=True)
class ChannelRow:
    """A channel as stored: without its secrets."""

    outlet_id: UUID
    id: UUID
    kind: str
    path: str
    name: str
    secret_env: str | None
    mode: str
    status: str
    trouble: str
    cursor: int
    secret_sealed: bytes | None = None
    account: str = ""
    address: str = ""
    webhook: str = ""
    webhook_set: bool | None = None


@dataclass(frozen=True, slots=True)
class TemplateRow:
    """A template as stored; ``reason`` says why it was rejected or paused."""

    channel_id: UUID
    template: Template
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Opening:
    """Whether an outlet is open, and if not, when it opens (None: not within two weeks)."""

    open: bool
    opens_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One difference between an outlet and its file; None where one of them lacks it.

    ``kept`` says why applying the file leaves it as it is; "" where it does not.
    """

    field: str
    now: str | None
    then: str | None
    kept: str = ""

    def show(self) -> str:
        """Return it as lines for a terminal."""
        lines = [f"{self.field} (kept: {self.kept})" if self.kept else self.field]
        lines += [
            f"  {sign} {v}" for sign, v in (("-", self.now), ("+", self.then)) if v is not None
        ]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Saved:
    """What was saved."""

    what: str


@dataclass(frozen=True, slots=True)
class SaveHours(Command[Saved]):
    """Change when an outlet serves: spans by weekday, as in its file."""

    hours: dict[str, list[tuple[str, str]]]
    closed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SaveAppletSettings(Command[Saved]):
    """Change an applet's settings; running dialogues keep theirs. ``settings`` is JSON."""

    applet: str
    settings: str


@dataclass(frozen=True, slots=True)
class SaveWidgetSites(Command[Saved]):
    """Change which sites may show the chat: origins, ``https://shop.example``."""

    origins: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ConnectChannel(Command[Saved]):
    """Connect a channel with what its vendor gives. ``token`` is sealed before it is stored, and
    stands in no log; ``number`` is what messages leave from, where the token does not say it.
    """

    kind: str
    token: str = field(repr=False)
    account: str = ""
    number: str = ""


@dataclass(frozen=True, slots=True)
class CheckChannel(Command[Saved]):
    """Look again at a channel's account: its token, its number, its webhook."""

    channel_id: UUID


@dataclass(frozen=True, slots=True)
class SaveTemplate(Command[Saved]):
    """Write a template and submit it for approval; one that was decided upon is written anew."""

    channel_id: UUID
    name: str
    language: str
    topic: str
    body: str
    category: str = "utility"


@dataclass(frozen=True, slots=True)
class RemoveTemplate(Command[Saved]):
    """Use a template no more; it stays at the vendor."""

    channel_id: UUID
    name: str
    language: str


@dataclass(frozen=True, slots=True)
class Applied:
    """What a file changed: the fields by name."""

    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ApplyFile(Command[Applied]):
    """Make the outlet what its file says, edits of the console included; nothing is removed."""

    file: OutletFile


FOR_GOOD = {
    "currency": "prices and orders are in {}",
    "slug": "links and chats lead to {}",
}


class CannotChange(Refusal):
    """What stays for good: the arguments are the field, what it is, and what was asked for."""

    def __str__(self) -> str:
        """Return a sentence for a terminal."""
        field, now, then = self.args
        return f"{field} cannot change from {now} to {then}: {FOR_GOOD[field].format(now)}"


class NoSuchChannel(Refusal):
    """There is no such channel in this outlet, or it has no templates."""


class NoSuchTemplate(Refusal):
    """The channel has no such template."""


class NoSuchApplet(Refusal):
    """The outlet has not switched this applet on."""


class NotValid(Refusal):
    """The value does not fit: the arguments name the field and the problem."""


DATA_MAP: DataMap = {
    "outlet": {
        "outlet_id": operational("tenant"),
        "slug": operational("its address"),
        "name": operational("the business's name"),
        "brand": operational("colours, logo, tagline"),
        "languages": operational("which it speaks"),
        "currency": operational("which it sells in"),
        "timezone": operational("its clock"),
        "hours": operational("when it serves"),
        "delivery": operational("where it delivers"),
        "sms": operational("what a segment costs"),
        "privacy": operational("the controller's name and its address for enquiries"),
        "widget_origins": operational("sites that may embed it"),
        "quiet": operational("when people are left alone"),
        "routing": operational("which channels a message takes first"),
        "created_at": operational("when"),
        "updated_at": operational("when"),
    },
    "channel": {
        "outlet_id": operational("tenant"),
        "id": operational("identifier"),
        "kind": operational("which messenger"),
        "path": operational("random part of its webhook's address"),
        "name": operational("the bot's public name"),
        "secret_env": operational("name of the variable with its token"),
        "secret_sealed": operational("its token, sealed with the installation's key"),
        "manages_bots": operational("whether its bot may manage others"),
        "mode": operational("webhook or polling"),
        "status": operational("active, broken or off"),
        "trouble": operational("what is wrong with it: the messenger's own words"),
        "cursor": operational("next update to ask for"),
        "account": operational("the vendor's id of the account"),
        "address": operational("the outlet's own number or service"),
        "webhook": operational("what must stand at the vendor"),
        "webhook_set": operational("whether it does"),
        "checked_at": operational("when it was last looked after"),
        "created_at": operational("when"),
    },
    "channel_resource": {
        "outlet_id": operational("tenant"),
        "channel_id": operational("channel"),
        "name": operational("what it is"),
        "vendor_id": operational("its id at the vendor"),
    },
    "channel_template": {
        "outlet_id": operational("tenant"),
        "channel_id": operational("channel"),
        "name": operational("its name at the vendor"),
        "language": operational("in which language"),
        "topic": operational("what it is about"),
        "body": operational("its text, with places for what differs"),
        "category": operational("utility, marketing or authentication"),
        "vendor_id": operational("its id at the vendor"),
        "status": operational("draft, pending, approved, paused or rejected"),
        "reason": operational("why it was rejected or paused"),
        "updated_at": operational("when"),
    },
    "applet_install": {
        "outlet_id": operational("tenant"),
        "applet": operational("which"),
        "version": operational("which"),
        "settings": operational("the applet's own settings, checked against its class"),
        "enabled": operational("on or off"),
        "updated_at": operational("when"),
    },
}
