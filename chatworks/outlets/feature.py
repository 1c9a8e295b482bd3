"""What outlets offer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from chatworks.commands.models import Call, Registration, Trace
from chatworks.kit.crypto import Vault
from chatworks.kit.feature import Feature
from chatworks.outbox.models import ChannelBroken, TemplateRefused
from chatworks.outlets import jobs
from chatworks.outlets.models import (
    DATA_MAP,
    AppletSpec,
    ApplyFile,
    CheckChannel,
    ConnectChannel,
    Install,
    RemoveTemplate,
    SaveAppletSettings,
    SaveHours,
    SaveTemplate,
    SaveWidgetSites,
)
from chatworks.outlets.service import (
    ChannelConnector,
    FileApplier,
    SettingsSaver,
    TemplateSaver,
    check_channels,
    remove_templates,
    save_hours,
    save_widget_sites,
)


def _trace(call: Call[Any], result: Any) -> Trace:
    return Trace("outlet", call.outlet_id.hex, {"what": result.what})


def _trace_file(call: Call[Any], result: Any) -> Trace:
    return Trace("outlet", call.outlet_id.hex, {"fields": " ".join(result.fields)})


def _trace_channel(call: Call[Any], result: Any) -> Trace:
    return Trace("channel", call.request.channel_id.hex, {"what": result.what})


def _trace_template(call: Call[Any], _result: Any) -> Trace:
    named = {"template": call.request.name, "language": call.request.language}
    return Trace("channel", call.request.channel_id.hex, named)


def feature(
    check_settings: Callable[[str, bytes], object],
    install_of: Callable[[AppletSpec], Install],
    secret_of: Callable[[str], str],
    template_problems: Mapping[str, Callable[[str, str, str, str], str]],
    vault: Vault,
) -> Feature:
    """Return the manifest.

    ``check_settings`` decodes an applet's settings or raises, ``install_of`` does so for a file,
    ``secret_of`` gives a channel's token by the name of its variable, ``template_problems`` what a
    kind of channel that has templates would refuse of one; ``vault`` seals tokens.
    """
    allow = frozenset({"operator"})
    platform = frozenset({"platform"})
    return Feature(
        name="outlets",
        registrations=(
            Registration(SaveHours, save_hours, allow, _trace, needs="settings.write"),
            Registration(SaveWidgetSites, save_widget_sites, allow, _trace, needs="settings.write"),
            Registration(
                ConnectChannel,
                ChannelConnector(vault),
                allow,
                _trace,
                needs="channels.write",
                engine=True,
            ),
            Registration(
                CheckChannel,
                check_channels,
                allow,
                _trace_channel,
                needs="channels.write",
                engine=True,
            ),
            Registration(
                SaveTemplate,
                TemplateSaver(template_problems),
                allow,
                _trace_template,
                needs="channels.write",
                engine=True,
            ),
            Registration(
                RemoveTemplate,
                remove_templates,
                allow,
                _trace_template,
                needs="channels.write",
                engine=True,
            ),
            Registration(ApplyFile, FileApplier(install_of, secret_of), platform, _trace_file),
            Registration(
                SaveAppletSettings,
                SettingsSaver(check_settings),
                allow,
                _trace,
                needs="settings.write",
            ),
        ),
        subscribers={
            ChannelBroken: (jobs.stop_channels,),
            TemplateRefused: (jobs.stop_templates,),
        },
        data_map=DATA_MAP,
    )
