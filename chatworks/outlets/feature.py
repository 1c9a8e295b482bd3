"""What outlets offer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chatworks.commands.models import Call, Registration, Trace
from chatworks.kit.feature import Feature
from chatworks.outbox.models import ChannelBroken
from chatworks.outlets import jobs
from chatworks.outlets.models import (
    DATA_MAP,
    AppletSpec,
    ApplyFile,
    Install,
    SaveAppletSettings,
    SaveHours,
    SaveWidgetSites,
)
from chatworks.outlets.service import FileApplier, SettingsSaver, save_hours, save_widget_sites


def _trace(call: Call[Any], result: Any) -> Trace:
    return Trace("outlet", call.outlet_id.hex, {"what": result.what})


def _trace_file(call: Call[Any], result: Any) -> Trace:
    return Trace("outlet", call.outlet_id.hex, {"fields": " ".join(result.fields)})


def feature(
    check_settings: Callable[[str, bytes], object],
    install_of: Callable[[AppletSpec], Install],
    secret_of: Callable[[str], str],
) -> Feature:
    """Return the manifest.

    ``check_settings`` decodes an applet's settings or raises, ``install_of`` does so for a file,
    ``secret_of`` gives a channel's token by the name of its variable.
    """
    allow = frozenset({"operator"})
    platform = frozenset({"platform"})
    return Feature(
        name="outlets",
        registrations=(
            Registration(SaveHours, save_hours, allow, _trace),
            Registration(SaveWidgetSites, save_widget_sites, allow, _trace),
            Registration(ApplyFile, FileApplier(install_of, secret_of), platform, _trace_file),
            Registration(SaveAppletSettings, SettingsSaver(check_settings), allow, _trace),
        ),
        subscribers={ChannelBroken: (jobs.stop_channels,)},
        data_map=DATA_MAP,
    )
