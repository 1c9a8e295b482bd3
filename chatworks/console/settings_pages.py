"""The settings area: opening hours, each applet's own settings, and the widget."""

from __future__ import annotations

from typing import Any

from litestar import Response, get, post
from litestar.params import FromPath
from litestar.response import Redirect

from chatworks.console import settings_forms as forms
from chatworks.console.forms import given, text
from chatworks.console.pages import Asked, Desk, saved
from chatworks.identity.models import Session
from chatworks.kit.errors import NotFound
from chatworks.outlets.models import Install, SaveAppletSettings, SaveHours, SaveWidgetSites
from chatworks.sdk.applet import LoadedApplet

WRONG = 422


def settings_pages(desk: Desk) -> list[Any]:
    """Return the handlers of the settings area; staff alerts stand with signing in."""

    @get("/settings", needs="own.write")
    async def overview(request: Asked) -> Response[str]:
        """Show what can be set."""
        session: Session = request.state.session
        outlet = await desk.directory.outlet(session.outlet_id)
        services = [
            (loaded, install)
            for install in outlet.installed
            if (loaded := desk.applets.latest(install.applet)) is not None
        ]
        channels = await desk.directory.channels(session.outlet_id)
        return await desk.show("settings", session, services=services, channels=channels)

    return [overview, *_hours(desk), *_service(desk), *_widget(desk)]


def _hours(desk: Desk) -> list[Any]:
    @get("/settings/hours", needs="settings.read")
    async def hours_page(request: Asked) -> Response[str]:
        """Show when the outlet serves."""
        session: Session = request.state.session
        outlet = await desk.directory.outlet(session.outlet_id)
        form = forms.draw_hours(outlet.hours)
        return await desk.show("hours", session, form=form, problem="", saved=saved(request))

    @post("/settings/hours", status_code=200, needs="settings.write")
    async def save_hours(request: Asked) -> Response[Any]:
        """Save the hours, or show the form again as it was typed."""
        session: Session = request.state.session
        sent = await request.form()
        form = forms.read_hours({name: list(map(str, sent.getall(name))) for name in sent})
        problem = ""
        if not form.wrong:
            command = SaveHours({k: list(v) for k, v in form.hours().items()}, form.closed)
            problem = await desk.submit(session, command)
        if form.wrong or problem:
            return await desk.show("hours", session, status=WRONG, form=form, problem=problem)
        desk.directory.forget()
        return Redirect("/console/settings/hours?saved=hours", status_code=303)

    return [hours_page, save_hours]


def _service(desk: Desk) -> list[Any]:
    async def find(session: Session, name: str) -> tuple[LoadedApplet, Install, str]:
        outlet = await desk.directory.outlet(session.outlet_id)
        install = next((i for i in outlet.installed if i.applet == name), None)
        loaded = desk.applets.latest(name)
        if install is None or loaded is None or loaded.settings_type is None:
            raise NotFound("there is nothing to set")
        return loaded, install, outlet.currency

    @get("/settings/services/{name:str}", needs="settings.read")
    async def service_page(name: FromPath[str], request: Asked) -> Response[str]:
        """Show an applet's settings as its ``Config`` describes them."""
        session: Session = request.state.session
        loaded, install, currency = await find(session, name)
        assert loaded.settings_type is not None  # noqa: S101 - ``find`` has looked
        fields = forms.draw(loaded.settings_type, install.settings, currency)
        return await desk.show(
            "service",
            session,
            manifest=loaded.manifest,
            fields=fields,
            problem="",
            saved=saved(request),
        )

    @post("/settings/services/{name:str}", status_code=200, needs="settings.write")
    async def save_service(name: FromPath[str], request: Asked) -> Response[Any]:
        """Save an applet's settings, or show the form again as it was typed."""
        session: Session = request.state.session
        loaded, install, currency = await find(session, name)
        assert loaded.settings_type is not None  # noqa: S101 - ``find`` has looked
        sent = await request.form()
        values, fields = forms.read(loaded.settings_type, sent, install.settings, currency)
        wrong = any(field.problem for field in fields)
        problem = ""
        if not wrong:
            problem = await desk.submit(session, SaveAppletSettings(name, values.decode()))
        if wrong or problem:
            return await desk.show(
                "service",
                session,
                status=WRONG,
                manifest=loaded.manifest,
                fields=fields,
                problem=problem,
            )
        desk.directory.forget()
        return Redirect(f"/console/settings/services/{name}?saved=service", status_code=303)

    return [service_page, save_service]


def _widget(desk: Desk) -> list[Any]:
    @get("/settings/widget", needs="settings.read")
    async def widget_page(request: Asked) -> Response[str]:
        """Show the line for other sites, and which sites may show the chat."""
        session: Session = request.state.session
        outlet = await desk.directory.outlet(session.outlet_id)
        sites = "\n".join(outlet.widget_origins)
        return await desk.show(
            "widget",
            session,
            sites=sites,
            address=desk.address,
            problem="",
            saved=saved(request),
        )

    @post("/settings/widget", status_code=200, needs="settings.write")
    async def save_widget(request: Asked) -> Response[Any]:
        """Save which sites may show the chat."""
        session: Session = request.state.session
        sent = await request.form()
        given(sent, "sites")
        sites = text(sent, "sites")
        problem = await desk.submit(session, SaveWidgetSites(tuple(sites.split())))
        if problem:
            return await desk.show(
                "widget",
                session,
                status=WRONG,
                sites=sites,
                address=desk.address,
                problem=problem,
            )
        desk.directory.forget()
        return Redirect("/console/settings/widget?saved=widget", status_code=303)

    return [widget_page, save_widget]
