"""What a channel can show, as data: one ``Capabilities`` for each channel and provider.

The planner draws within it; lint and preview read the same. Every length has its unit. Where two
sources of a figure disagree the stricter one is coded, and its constant says so.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from chatworks.sdk.messages import MediaKind, Style, Wanted


class Unit(StrEnum):
    """What a length counts."""

    UTF16 = "UTF-16 code units"
    CODE_POINTS = "code points"
    BYTES = "bytes of UTF-8"


@dataclass(frozen=True, slots=True)
class Length:
    """At most ``most`` of ``unit``."""

    most: int
    unit: Unit = Unit.CODE_POINTS


@dataclass(frozen=True, slots=True)
class ButtonRules:
    """Buttons beneath a message: how many, and what a label, an id and the text above may hold."""

    most: int
    label: Length
    id_bytes: int
    body: Length
    unique: bool = True  # two buttons must not have the same label
    on_media: bool = True  # they may stand beneath a picture
    shorten: bool = False  # a long label may be cut where the whole of it stands in the text above


@dataclass(frozen=True, slots=True)
class RowRules:
    """A list that opens from one button (``opener``): rows with descriptions, in sections."""

    most: int
    label: Length
    description: Length
    id_bytes: int
    body: Length
    opener: Length
    sections: int
    section: Length


@dataclass(frozen=True, slots=True)
class MediaRule:
    """What may be sent as one kind of media."""

    bytes_most: int
    types: frozenset[str]  # IANA media types; empty: any


@dataclass(frozen=True, slots=True)
class CarouselRules:
    """Cards side by side. Every card must have a photo where ``photo_needed``."""

    least: int
    most: int
    body: Length
    buttons: int
    label: Length
    photo_needed: bool


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What one channel can show and take.

    ``markup`` gives the signs around a styled run where formatting is written into the text; empty
    where it stands beside the text. ``asks`` are the messenger's own sharing buttons. ``reserved``
    are words that never reach us as an answer. ``window_hours`` is how long after the person's last
    message free text is taken; None where always.
    """

    text: Length
    styles: frozenset[Style] = frozenset()
    markup: Mapping[Style, str] = field(default_factory=dict)
    buttons: ButtonRules | None = None
    rows: RowRules | None = None
    media: Mapping[MediaKind, MediaRule] = field(default_factory=dict)
    caption: Length | None = None
    album: int = 0
    carousel: CarouselRules | None = None
    asks: frozenset[Wanted] = frozenset()
    asks_in_groups: bool = False
    asks_body: Length | None = None  # of the text above such a button, which stands alone then
    place: bool = False
    contact: bool = False
    invoices: frozenset[str] = frozenset()  # currencies that are paid in the messenger itself
    form: bool = False
    preview: bool = False  # a link in the text shows what is behind it
    typing: bool = False
    reserved: frozenset[str] = frozenset()
    window_hours: int | None = None


TEXT_ALONE = Capabilities(text=Length(1000))  # what every channel can
