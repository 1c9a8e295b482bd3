"""From a message to what a channel draws: within every limit, and with every loss told. Pure.

Sending, preview and lint call the same ``draw``. What a message shows (files, a place, a card side
by side) comes first, its text after it, and what can be chosen beneath the last text.
"""

from __future__ import annotations

from mimetypes import guess_type

from msgspec.structs import replace

from chatworks.channels.capabilities import Capabilities, Length
from chatworks.channels.models import Loss, Prompt
from chatworks.channels.planning.choices import NONE, choices
from chatworks.channels.planning.lengths import fits, size
from chatworks.channels.planning.pieces import (
    Bill,
    Carousel,
    Drawn,
    Offer,
    OfferKind,
    Person,
    Piece,
    Sheet,
    Shown,
    Spot,
    Words,
    Writing,
)
from chatworks.channels.planning.rich import Rich, bold, join, written
from chatworks.sdk.commerce import Invoice
from chatworks.sdk.inputs import SDK_TEXTS
from chatworks.sdk.messages import (
    Button,
    Card,
    ContactCard,
    Form,
    Link,
    Media,
    MediaKind,
    Place,
)
from chatworks.sdk.sheets import card_of

FORM_ID = "form"  # what a form's answer is tapped as


def draw(prompt: Prompt, capable: Capabilities) -> Drawn:
    """Return what ``prompt.message`` becomes within ``capable``."""
    return _Drawing(prompt, capable).drawn()


class _Drawing:
    """One message being drawn: its blocks of text, its pieces, and what was lost so far."""

    def __init__(self, prompt: Prompt, capable: Capabilities) -> None:
        self.prompt = prompt
        self.message = prompt.message
        self.capable = capable
        self.losses: list[Loss] = []
        self.before: list[Piece] = []

    def drawn(self) -> Drawn:
        """Return the pieces in their order."""
        if self.message.typing:
            return self._typing()
        blocks = self._blocks()
        carousel = bool(self.message.cards) and self._carousel_fits()
        offered = NONE if carousel else choices(self.prompt, self.capable, self.losses)
        body = self._styled(join([*blocks, offered.listed], "\n\n"))
        pieces = self._media(self._all_media(), body, offered.offer)
        if carousel:
            cards = tuple(_wired(self.prompt.seq, card) for card in self.message.cards)
            pieces.append(Carousel(body, cards))
        elif self.message.form is not None and self.capable.form:
            ident = f"{self.prompt.seq}.{FORM_ID}"
            pieces.append(Sheet(body, self.message.form, ident))
        elif not self._captioned(pieces, body, offered.offer):
            pieces.extend(self._words(body, offered.offer))
        return Drawn((*self.before, *pieces), tuple(self.losses), offered.numbered)

    def _typing(self) -> Drawn:
        if self.capable.typing:
            return Drawn((Writing(),))
        return Drawn((), (Loss("typing", "not shown"),))

    # -- text --------------------------------------------------------------------------------

    def _blocks(self) -> list[Rich]:
        """Return the message's text in blocks; what has a form of its own becomes a piece."""
        message = self.message
        blocks = []
        if message.card is not None:
            blocks.append(_card(message.card))
        if message.shows is not None:
            blocks.append(self._commerce())
        if message.text:
            blocks.append(Rich(message.text, message.marks))
        if message.cards and not self._carousel_fits():
            self.losses.append(Loss("cards side by side", "a list"))
            blocks += [_card(card) for card in message.cards]
        if message.link is not None:
            blocks.append(self._link(message.link))
        if message.place is not None:
            blocks.append(self._place(message.place))
        if message.contact is not None:
            blocks.append(self._contact(message.contact))
        if message.form is not None and not self.capable.form:
            blocks.append(self._form(message.form))
        return blocks

    def _commerce(self) -> Rich:
        shown = self.message.shows
        assert shown is not None  # noqa: S101 - the caller has looked
        if isinstance(shown, Invoice) and shown.total.currency in self.capable.invoices:
            self.before.append(Bill(shown))
            return Rich()
        return _card(card_of(shown, self.prompt.language))

    def _link(self, link: Link) -> Rich:
        if not self.capable.preview and (link.title or link.text):
            self.losses.append(Loss("a link's preview", "its title and address"))
        return join([bold(link.title), Rich(link.text), Rich(link.url)], "\n")

    def _place(self, place: Place) -> Rich:
        if place.latitude is None or place.longitude is None:
            return Rich(place.address)
        if self.capable.place:
            self.before.append(Spot(place))
            return Rich(place.address)
        self.losses.append(Loss("a map", "the address and its coordinates"))
        coordinates = f"{place.latitude:.6f}, {place.longitude:.6f}"
        return join([Rich(place.address), Rich(coordinates)], "\n")

    def _contact(self, contact: ContactCard) -> Rich:
        if self.capable.contact and contact.phone:
            self.before.append(Person(contact))
            return Rich()
        self.losses.append(Loss("a contact card", "text"))
        rest = (contact.organisation, contact.phone, contact.email)
        return join([bold(contact.name), *(Rich(line) for line in rest)], "\n")

    def _form(self, form: Form) -> Rich:
        self.losses.append(Loss("a form", "its questions, one by one"))
        return Rich("\n".join(f"• {field.label}" for field in form.fields))

    def _styled(self, body: Rich) -> Rich:
        """Drop the styles that the channel has not."""
        styles = self.capable.styles
        lost = {mark.style for mark in body.marks if mark.style not in styles}
        if not lost:
            return body
        self.losses.extend(Loss(f"{style} text", "plain text") for style in sorted(lost))
        return Rich(body.text, tuple(mark for mark in body.marks if mark.style in styles))

    def _room(self, body: Rich, length: Length) -> Length:
        """Return ``length`` less what the signs of inline formatting may take."""
        signs = self.capable.markup
        if not signs or not body.marks:
            return length
        extra = size(written(body, signs), length.unit) - size(body.text, length.unit)
        return Length(max(1, length.most - extra), length.unit)

    def _words(self, body: Rich, offer: Offer | None) -> list[Piece]:
        """Return the text in pieces; the last one carries the offer and keeps to its own limit."""
        pieces = body.pieces(self._room(body, self.capable.text))
        if offer is not None and pieces:
            last = pieces.pop()
            pieces += last.pieces(self._room(last, self._under(offer)))
        if not pieces:
            silent = (
                "…" if offer is None else SDK_TEXTS.text(self.prompt.language, "Please choose:")
            )
            pieces = [Rich(silent)]
        if len(pieces) > 1:
            self.losses.append(Loss("one message", f"{len(pieces)} messages"))
        words = [Words(piece) for piece in pieces[:-1]]
        return [*words, Words(pieces[-1], offer)]

    def _under(self, offer: Offer) -> Length:
        """Return how long the text above an offer may be."""
        if offer.kind is OfferKind.BUTTONS and self.capable.buttons is not None:
            return self.capable.buttons.body
        if offer.kind is OfferKind.ROWS and self.capable.rows is not None:
            return self.capable.rows.body
        return self.capable.asks_body or self.capable.text

    # -- what is shown -------------------------------------------------------------------------

    def _all_media(self) -> list[Media]:
        """Return the files of the message, and its card's picture, that the channel can show."""
        message = self.message
        files = list(message.media)
        photo = message.card.photo if message.card is not None else ""
        if not photo and message.shows is not None:
            photo = getattr(message.shows, "photo", "")
        if photo:
            if photo.startswith("/static/") and photo.endswith(".svg"):
                photo = photo.removesuffix(".svg") + ".png"  # a drawing of ours has a raster twin
            picture = Media(MediaKind.IMAGE, photo, guess_type(photo)[0] or "", 0)
            if self._takes(picture, MediaKind.IMAGE):  # a card without its picture is whole
                files.insert(0, picture)
            else:
                self.losses.append(Loss("a card's picture", "left out"))
        return files

    def _takes(self, media: Media, kind: MediaKind) -> bool:
        """Whether the channel takes the file as ``kind``."""
        rule = self.capable.media.get(kind)
        if rule is None or media.size_bytes > rule.bytes_most:
            return False
        return not rule.types or media.media_type in rule.types

    def _shown_as(self, media: Media) -> Media | None:
        """Return the file as the channel takes it: as itself, else as a document, else None."""
        for kind in (media.kind, MediaKind.DOCUMENT):
            if self._takes(media, kind):
                if kind is not media.kind:
                    self.losses.append(Loss(f"an {media.kind}", "a document"))
                return replace(media, kind=kind)
        return None

    def _media(self, files: list[Media], body: Rich, offer: Offer | None) -> list[Piece]:
        if not files:
            return []
        taken: list[Media] = []
        for media in files:
            shown = self._shown_as(media)
            if shown is not None:
                taken.append(shown)
            elif media.path.startswith("/media/") and self.prompt.address:
                self.losses.append(Loss(f"the {media.kind} {media.name}".rstrip(), "a link"))
                address = f"{self.prompt.address}{media.path}"
                self.before.append(Words(join([Rich(media.name), Rich(address)], "\n")))
            else:
                self.losses.append(Loss(f"the {media.kind} {media.name}".rstrip(), "left out"))
        groups = self._albums(taken)
        pieces: list[Piece] = [Shown(group) for group in groups]
        if pieces and self._fits_caption(groups[-1], body, offer):
            pieces[-1] = Shown(groups[-1], body, offer)
        return pieces

    def _albums(self, files: list[Media]) -> list[tuple[Media, ...]]:
        """Return the files in groups that stand together: pictures and films, or one kind."""
        most = max(1, self.capable.album)
        groups: list[list[Media]] = []
        for media in files:
            if groups and len(groups[-1]) < most and _together(groups[-1][-1], media):
                groups[-1].append(media)
            else:
                groups.append([media])
        if len(groups) > 1:
            self.losses.append(Loss("one message", f"{len(groups)} messages"))
        return [tuple(group) for group in groups]

    def _fits_caption(self, group: tuple[Media, ...], body: Rich, offer: Offer | None) -> bool:
        caption = self.capable.caption
        if caption is None or not body.text or self.message.form is not None:
            return False
        if group[0].kind is MediaKind.AUDIO:
            return False
        if offer is not None:
            rules = self.capable.buttons
            beneath = offer.kind is OfferKind.BUTTONS and rules is not None and rules.on_media
            if not beneath or len(group) > 1:
                return False
        return fits(body.text, self._room(body, caption))

    def _captioned(self, pieces: list[Piece], body: Rich, offer: Offer | None) -> bool:
        """Whether the text stands under a picture already, or there is none to say."""
        last = pieces[-1] if pieces else None
        if isinstance(last, Shown) and last.caption.text:
            return True
        return not body.text and offer is None and bool(pieces or self.before)

    def _carousel_fits(self) -> bool:
        """Whether the channel can show the cards side by side."""
        cards, rules = self.message.cards, self.capable.carousel
        if rules is None or not rules.least <= len(cards) <= rules.most:
            return False
        return all(
            len(card.buttons) <= rules.buttons
            and all(fits(button.label, rules.label) for button in card.buttons)
            and fits(_card(card).text, rules.body)
            and (bool(card.photo) or not rules.photo_needed)
            for card in cards
        )


def _wired(seq: int, card: Card) -> Card:
    buttons = tuple(Button(f"{seq}.{b.id}", b.label, b.photo) for b in card.buttons)
    return replace(card, buttons=buttons)


def _together(one: Media, other: Media) -> bool:
    seen = {MediaKind.IMAGE, MediaKind.VIDEO}
    return one.kind is other.kind or {one.kind, other.kind} <= seen


def _card(card: Card) -> Rich:
    rows = "\n".join(f"{line.label}: {line.value}" for line in card.lines)
    head = join([bold(card.title.strip()), Rich(card.subtitle)], "\n")
    return join([head, Rich(rows), Rich(card.footer)], "\n\n")
