"""What an applet's messages look like on each channel, and what each of them loses there.

``chatworks applet preview`` walks through an applet with made-up answers and draws every message
with the planner that sends; the console shows the same as a picture. A loss is no error: nothing is
cut silently, and every choice stays within reach; it tells an author what people will see.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import click

from chatworks.channels.capabilities import Capabilities
from chatworks.channels.models import Prompt
from chatworks.channels.planning.drawing import draw
from chatworks.channels.planning.pieces import Carousel, Drawn, Offer, Sheet, Shown, Words
from chatworks.channels.planning.rich import Rich, written
from chatworks.channels.telegram.limits import CAPABILITIES as TELEGRAM
from chatworks.channels.twilio.limits import SMS
from chatworks.channels.twilio.limits import WHATSAPP as TWILIO_WHATSAPP
from chatworks.channels.webchat.adapter import CAPABILITIES as WEBCHAT
from chatworks.channels.whatsapp.limits import CAPABILITIES as WHATSAPP
from chatworks.kit.errors import Invalid
from chatworks.sdk.applet import LoadedApplet, load
from chatworks.sdk.messages import Message
from chatworks.sdk.walk import walk

CHANNELS: Mapping[str, Capabilities] = {
    "telegram": TELEGRAM,
    "twilio_sms": SMS,
    "twilio_whatsapp": TWILIO_WHATSAPP,
    "webchat": WEBCHAT,
    "whatsapp": WHATSAPP,
}


@dataclass(frozen=True, slots=True)
class Preview:
    """One message of a command as one channel draws it; ``step`` counts its messages from 1."""

    command: str
    step: int
    message: Message
    drawn: Drawn


def previews(
    loaded: LoadedApplet, capable: Capabilities, settings: bytes = b"{}", language: str = "en"
) -> Iterator[Preview]:
    """Yield every message of a walk through each command that is offered."""
    for command in loaded.manifest.command:
        if command.hidden:
            continue
        for step, message in enumerate(walk(loaded, command.name, settings, language), 1):
            prompt = Prompt("preview", step, message, language=language)
            yield Preview(command.name, step, message, draw(prompt, capable))


def text_of(drawn: Drawn, capable: Capabilities) -> list[str]:
    """Return a drawing as lines of text: what is read, and what can be tapped in brackets."""
    lines: list[str] = []
    for piece in drawn.pieces:
        match piece:
            case Words(body, offer):
                lines += [*_said(body, capable), *_offered(offer)]
            case Shown(media, caption, offer):
                lines += [f"🖼 {file.name or file.path}" for file in media]
                lines += [*_said(caption, capable), *_offered(offer)]
            case Carousel(body, cards):
                lines += _said(body, capable)
                labels = (" ".join(f"[{b.label}]" for b in card.buttons) for card in cards)
                lines += [f"▭ {c.title} {tap}" for c, tap in zip(cards, labels, strict=True)]
            case Sheet(body, form, _):
                lines += _said(body, capable)
                lines += [f"{field.label}: ________" for field in form.fields]
                lines.append(f"[{form.submit}]")
            case _:
                lines.append(f"‹{type(piece).__name__.lower()}›")
    return lines


def _said(body: Rich, capable: Capabilities) -> Sequence[str]:
    return written(body, capable.markup).splitlines()


def _offered(offer: Offer | None) -> Iterator[str]:
    if offer is None:
        return
    if offer.opener:
        yield f"[{offer.opener} ▾]"
    for section in offer.sections:
        if section.title:
            yield f"  — {section.title} —"
        for row in section.buttons:
            yield f"  ◦ {row.label}" + (f" ({row.description})" if row.description else "")
    for button in offer.buttons:
        yield f"[{button.label}]"


@click.command(name="preview")
@click.argument("package", type=str)
@click.option("--channel", type=click.Choice(sorted(CHANNELS)), help="One channel alone.")
@click.option("--language", default="en", show_default=True)
def preview_command(package: str, channel: str | None, language: str) -> None:
    """Show what people will see of the applet in PACKAGE (chatworks.applets.water), and its losses.

    Its business is made up: nothing is ordered, and no database is needed.
    """
    try:
        loaded = load(package)
    except (Invalid, ImportError) as error:
        raise click.ClickException(str(error)) from error
    for name in [channel] if channel else sorted(CHANNELS):
        click.secho(f"\n{name}", bold=True)
        for shown in previews(loaded, CHANNELS[name], language=language):
            click.secho(f"\n/{shown.command}, message {shown.step}", dim=True)
            for line in text_of(shown.drawn, CHANNELS[name]):
                click.echo(f"  {line}")
            for loss in shown.drawn.losses:
                click.secho(f"  ⚠ {loss.what}: {loss.instead}", fg="yellow")
