"""What we read of the Cloud API's webhooks, as types: whoever decodes one has checked it.

A request holds entries of changes; a change's value holds messages with their contacts, and
statuses: all four levels may hold many. Only the fields that are used stand here. Names are those
of developers.facebook.com/docs/whatsapp/cloud-api/webhooks.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta, field

Text = Annotated[str, Meta(max_length=65_536)]
Id = Annotated[str, Meta(max_length=1024)]


class Words(msgspec.Struct, frozen=True):
    """A text."""

    body: Text = ""


class Attachment(msgspec.Struct, frozen=True):
    """A file: its id at Meta; ``filename`` is a document's."""

    id: Id
    mime_type: str = ""
    caption: Text = ""
    filename: str = ""


class Location(msgspec.Struct, frozen=True):
    """Degrees of WGS 84."""

    latitude: Annotated[float, Meta(ge=-90, le=90)]
    longitude: Annotated[float, Meta(ge=-180, le=180)]
    name: Text = ""
    address: Text = ""


class Phone(msgspec.Struct, frozen=True):
    """A number of a contact card; ``wa_id`` is its account, if it has one."""

    phone: str = ""
    wa_id: str = ""


class ContactCard(msgspec.Struct, frozen=True):
    """A contact card that was sent."""

    phones: list[Phone] = []


class Reply(msgspec.Struct, frozen=True):
    """A tapped button or row."""

    id: Id = ""
    title: Text = ""


class FlowReply(msgspec.Struct, frozen=True):
    """A form that was filled in: ``response_json`` holds its answers."""

    response_json: Text = ""


class Interactive(msgspec.Struct, frozen=True):
    """What was answered to an interactive message."""

    type: str = ""
    button_reply: Reply | None = None
    list_reply: Reply | None = None
    nfm_reply: FlowReply | None = None


class TemplateButton(msgspec.Struct, frozen=True):
    """A tapped button of a template."""

    payload: Text = ""
    text: Text = ""


class System(msgspec.Struct, frozen=True):
    """Something about the person: another number, another scoped id."""

    type: str = ""
    wa_id: str = ""
    user_id: str = ""


class Context(msgspec.Struct, frozen=True):
    """The message that was answered."""

    id: Id = ""


class Referral(msgspec.Struct, frozen=True):
    """The advertisement or post that they came from."""

    source_url: Text = ""
    headline: Text = ""


class Message(msgspec.Struct, frozen=True):
    """One message of a person: known by number, by scoped id, or by both."""

    id: Annotated[str, Meta(min_length=1, max_length=1024)]
    type: str = ""
    sender: str = field(name="from", default="")
    from_user_id: str = ""
    timestamp: str = ""
    text: Words | None = None
    image: Attachment | None = None
    audio: Attachment | None = None
    video: Attachment | None = None
    document: Attachment | None = None
    sticker: Attachment | None = None
    location: Location | None = None
    contacts: list[ContactCard] = []
    interactive: Interactive | None = None
    button: TemplateButton | None = None
    system: System | None = None
    context: Context | None = None
    referral: Referral | None = None

    @property
    def person(self) -> str:
        """The channel's own id of the person: the scoped one where there is one."""
        return self.from_user_id or self.sender


class Profile(msgspec.Struct, frozen=True):
    """What a person calls themselves."""

    name: Text = ""
    username: Text = ""


class Contact(msgspec.Struct, frozen=True):
    """The person of a message beside it."""

    profile: Profile = Profile()
    wa_id: str = ""
    user_id: str = ""


class ErrorData(msgspec.Struct, frozen=True):
    """More about an error."""

    details: Text = ""


class Error(msgspec.Struct, frozen=True):
    """Why a message was not delivered."""

    code: int = 0
    title: Text = ""
    error_data: ErrorData | None = None


class Status(msgspec.Struct, frozen=True):
    """What became of a message of ours."""

    id: Annotated[str, Meta(min_length=1, max_length=1024)]
    status: str
    recipient_id: str = ""
    recipient_user_id: str = ""
    errors: list[Error] = []


class Metadata(msgspec.Struct, frozen=True):
    """Whose number this is about."""

    phone_number_id: str = ""


class Value(msgspec.Struct, frozen=True):
    """The content of one change; messages and statuses stay raw until each is stored alone."""

    metadata: Metadata = Metadata()
    contacts: list[Contact] = []
    messages: list[msgspec.Raw] = []
    statuses: list[msgspec.Raw] = []


class Change(msgspec.Struct, frozen=True):
    """One change; ``field`` says of what."""

    value: msgspec.Raw = msgspec.Raw(b"{}")
    field: str = ""


class Entry(msgspec.Struct, frozen=True):
    """The changes of one business account."""

    changes: list[Change] = []


class Request(msgspec.Struct, frozen=True):
    """A webhook's body."""

    entry: list[Entry]


NOTHING = msgspec.Raw(b"null")


class Stored(msgspec.Struct, frozen=True):
    """One event as the inbox keeps it: a message with its contact, or a status, as it came."""

    message: msgspec.Raw = NOTHING
    contact: Contact | None = None
    status: msgspec.Raw = NOTHING


Answers = dict[str, Any]
