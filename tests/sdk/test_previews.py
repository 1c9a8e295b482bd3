"""A preview shows what each channel makes of an applet, and what it loses."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from chatworks.authoring import applet
from chatworks.channels.planning.pieces import Words
from chatworks.previews import CHANNELS, previews, text_of
from chatworks.sdk.applet import load


@pytest.mark.parametrize("name", CHANNELS)
def test_every_channel_shows_every_message(name: str) -> None:
    shown = list(previews(load("chatworks.applets.water"), CHANNELS[name]))

    assert {preview.command for preview in shown} >= {"order", "where"}
    assert all(text_of(preview.drawn, CHANNELS[name]) for preview in shown)
    assert all(isinstance(preview.drawn.pieces[-1], Words) for preview in shown)


def test_the_command_draws_a_list_where_there_are_too_many_buttons() -> None:
    ran = CliRunner().invoke(
        applet, ["preview", "chatworks.applets.water", "--channel", "whatsapp"]
    )

    assert ran.exit_code == 0, ran.output
    assert "  Which bottle would you like?\n  [Choose ▾]\n    ◦ Sample 1 · KES 200\n" in ran.output
    assert "  ⚠ a link" not in ran.output


def test_an_unknown_applet_is_refused() -> None:
    ran = CliRunner().invoke(applet, ["preview", "chatworks.applets.nothing"])

    assert ran.exit_code == 1
    assert "chatworks.applets.nothing" in ran.output
