"""Seeding from a file, applying one, the directory of what is connected, and the commands."""

from __future__ import annotations

import hmac
import tomllib
from base64 import urlsafe_b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
import structlog

from chatworks.channels import topics
from chatworks.channels.models import Channel
from chatworks.commands.models import Call
from chatworks.kit.crypto import CannotOpen, Vault
from chatworks.kit.db import Database
from chatworks.kit.errors import Invalid, Refusal
from chatworks.kit.work import Work
from chatworks.outlets import store
from chatworks.outlets.core import changes, connection_problem, origin_of
from chatworks.outlets.models import (
    AppletSpec,
    Applied,
    CannotChange,
    ChannelRow,
    ChannelSpec,
    ConnectChannel,
    Hours,
    Install,
    NoSuchApplet,
    NoSuchChannel,
    NoSuchTemplate,
    NotValid,
    Outlet,
    OutletFile,
    Saved,
    SaveTemplate,
    TemplateRow,
)

log = structlog.get_logger()

POLLED = frozenset({"telegram"})  # what asks its messenger where there is no public address
PATH_BYTES = 24  # 192 random bits: the address is not the secret, and not guessable either
SITES_MAX = 20
DIRECTORY_SECONDS = 2.0  # how long another process may not see a change of outlets and channels


def read_file(path: Path) -> OutletFile:
    """Return the outlet file at ``path``; ``Invalid`` names the field that is wrong."""
    try:
        file = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), OutletFile)
        ZoneInfo(file.timezone)
    except OSError as error:
        raise Invalid(str(path), f"cannot be read: {str(error.strerror).lower()}") from error
    except UnicodeDecodeError as error:
        raise Invalid(str(path.name), "is not UTF-8") from error
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise Invalid(str(path.name), str(error)) from error
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise Invalid("timezone", f"{error} is unknown") from error
    for spec in file.channels:
        if spec.kind.startswith("twilio_") and not (spec.account and spec.number):
            raise Invalid("channels", f"{spec.kind} needs account (AC…) and number (+… or MG…)")
        if spec.kind == "whatsapp" and not spec.account.isdecimal():
            raise Invalid("channels", "whatsapp needs account: the phone number's id at Meta")
    for language in file.brand.tagline:
        if language not in file.languages:
            raise Invalid("brand.tagline", f"has {language}, which is not among languages")
    return file


def connectable(spec: ChannelSpec, secret_of: Callable[[str], str]) -> bool:
    """Return whether a channel can be added: one with ``token_env``, once that variable is set."""
    return not spec.token_env or bool(secret_of(spec.token_env))


async def seed(
    work: Work, file: OutletFile, secret_of: Callable[[str], str], outlet_id: UUID | None = None
) -> Outlet:
    """Insert what is missing of ``file``; what exists stays as it was edited.

    ``outlet_id`` is for an outlet that is not there yet.
    """
    await store.add(work, outlet_id or work.new_id(), file)
    outlet = (await store.find(work, slug=file.slug))[0]
    for spec in file.channels:
        if not connectable(spec, secret_of):
            continue
        row = new_channel(work, outlet.id, work.new_id(), spec.kind)
        await store.add_channel(
            work,
            replace(
                row,
                name=spec.name,
                secret_env=spec.token_env or None,
                account=spec.account,
                address=spec.number,
            ),
        )
    return outlet


def new_channel(work: Work, outlet_id: UUID, channel_id: UUID, kind: str) -> ChannelRow:
    """Return a channel that nobody has connected yet, at a random address; it has no token."""
    return ChannelRow(
        outlet_id=outlet_id,
        id=channel_id,
        kind=kind,
        path=urlsafe_b64encode(work.clock.random_bytes(PATH_BYTES)).decode(),
        name="",
        secret_env=None,
        mode="polling" if kind in POLLED else "webhook",
        status="active",
        trouble="",
        cursor=0,
    )


def seal_place(channel_id: UUID) -> str:
    """Return what a channel's sealed token is bound to."""
    return f"channel.secret_sealed {channel_id.hex}"


class Directory:
    """Which outlets and channels there are, cached for a moment in each process.

    Tokens come from the environment by the channel's variable, or are sealed; the webhook secret
    is derived.
    """

    def __init__(
        self,
        db: Database,
        secret_of: Callable[[str], str],
        derive: Callable[[str], bytes],
        vault: Vault,
    ) -> None:
        self.vault = vault
        self._db = db
        self._secret_of = secret_of
        self._derive = derive
        self._read_at = float("-inf")
        self._outlets: dict[UUID, Outlet] = {}
        self._channels: dict[UUID, Channel] = {}
        self._paths: dict[tuple[str, str], Channel] = {}
        self._resources: Mapping[UUID, Mapping[str, str]] = {}
        self._templates: Sequence[TemplateRow] = ()

    def forget(self) -> None:
        """Read anew at the next question."""
        self._read_at = float("-inf")

    async def outlet(self, outlet_id: UUID) -> Outlet:
        """Return an outlet by id; ``KeyError`` where there is none."""
        await self._refresh()
        return self._outlets[outlet_id]

    async def outlets(self) -> list[Outlet]:
        """Return all outlets of this installation."""
        await self._refresh()
        return list(self._outlets.values())

    async def by_slug(self, slug: str) -> Outlet | None:
        """Return an outlet by its slug, or None."""
        return next((o for o in await self.outlets() if o.slug == slug), None)

    async def channel(self, channel_id: UUID) -> Channel | None:
        """Return a channel that is switched on, or None."""
        await self._refresh()
        return self._channels.get(channel_id)

    async def resolve(self, kind: str, path: str) -> Channel | None:
        """Return the channel behind a webhook's path, or None."""
        await self._refresh()
        return self._paths.get((kind, path))

    async def channels(self, outlet_id: UUID | None = None, kind: str = "") -> list[Channel]:
        """Return the channels that are switched on, of one outlet and kind if given."""
        await self._refresh()
        return [
            channel
            for channel in self._channels.values()
            if outlet_id in {None, channel.outlet_id} and kind in {"", channel.kind}
        ]

    async def _refresh(self) -> None:
        now = self._db.clock.monotonic()
        if now - self._read_at < DIRECTORY_SECONDS:
            return
        async with self._db.engine() as work:
            outlets = await store.find(work)
            rows = await store.channels(work)
            self._resources = await store.resources(work)
            self._templates = await store.templates(work)
        self._read_at = now
        self._outlets = {outlet.id: outlet for outlet in outlets}
        self._channels = {row.id: self._channel(row) for row in rows if row.status != "off"}
        self._paths = {(c.kind, c.path): c for c in self._channels.values()}

    def _channel(self, row: ChannelRow) -> Channel:
        derived = self._derive(f"webhook {row.kind} {row.id.hex}")
        return Channel(
            outlet_id=row.outlet_id,
            id=row.id,
            kind=row.kind,
            path=row.path,
            name=row.name,
            mode=row.mode,
            broken=row.status == "broken",
            trouble=row.trouble,
            secret_env=row.secret_env or "",
            secret=self._secret(row),
            webhook_secret=derived.hex(),
            signing_secret=self._secret_of(f"{row.secret_env}_SIGNING") if row.secret_env else "",
            account=row.account,
            address=row.address,
            resources=self._resources.get(row.id, {}),
            templates=tuple(t.template for t in self._templates if t.channel_id == row.id),
        )

    def _secret(self, row: ChannelRow) -> str:
        """Return a channel's token; "" where there is none, or its seal is another key's."""
        if row.secret_sealed is None:
            return self._secret_of(row.secret_env) if row.secret_env else ""
        try:
            return self.vault.open(row.secret_sealed, seal_place(row.id))
        except CannotOpen:
            log.warning("a sealed token cannot be opened", channel=row.name)
            return ""


class FileApplier:
    """Handles ``ApplyFile``; ``install_of`` checks an applet's settings and raises ``Invalid``."""

    def __init__(
        self, install_of: Callable[[AppletSpec], Install], secret_of: Callable[[str], str]
    ) -> None:
        self._install_of = install_of
        self._secret_of = secret_of

    async def __call__(self, work: Work, calls: Sequence[Call[Any]]) -> list[Applied | Refusal]:
        """Apply each call's file: they are few, and each is another outlet's."""
        answers: list[Applied | Refusal] = []
        for call in calls:
            try:
                answers.append(await self._apply(work, call.outlet_id, call.request.file))
            except (CannotChange, NotValid) as no:
                answers.append(no.fresh())
            except Invalid as problem:
                answers.append(NotValid(problem.field, problem.problem))
        return answers

    async def _apply(self, work: Work, outlet_id: UUID, file: OutletFile) -> Applied:
        found = await store.find(work, [outlet_id])
        if not found and await store.find(work, slug=file.slug):
            raise NotValid("slug", "is another outlet's")
        rows = await store.channels(work, outlet_id)
        listed = changes(
            file, found[0] if found else None, rows, lambda s: connectable(s, self._secret_of)
        )
        installs = [self._install_of(spec) for spec in file.applets]
        await seed(work, file, self._secret_of, outlet_id)
        await store.change(work, file)
        for install in installs:
            if not await store.add_install(work, outlet_id, install):
                settings = install.settings.decode()
                await store.save_settings(work, outlet_id, install.applet, settings)
        work.notify([f"outlet {outlet_id.hex}"])
        return Applied(tuple(change.field for change in listed if not change.kept))


async def save_hours(work: Work, calls: Sequence[Call[Any]]) -> list[Saved | Refusal]:
    """Handle ``SaveHours``."""
    answers: list[Saved | Refusal] = []
    for call in calls:
        given = {**call.request.hours, "closed": list(call.request.closed)}
        try:
            hours = msgspec.convert(given, Hours)
        except msgspec.ValidationError as error:
            answers.append(NotValid("hours", str(error)))
            continue
        await store.save_hours(work, call.outlet_id, hours)
        answers.append(Saved("hours"))
    return answers


async def save_widget_sites(work: Work, calls: Sequence[Call[Any]]) -> list[Saved | Refusal]:
    """Handle ``SaveWidgetSites``."""
    answers: list[Saved | Refusal] = []
    for call in calls:
        if len(call.request.origins) > SITES_MAX:
            answers.append(NotValid("sites", f"are more than {SITES_MAX}"))
            continue
        try:
            origins = list(dict.fromkeys(origin_of(text) for text in call.request.origins))
        except Invalid as problem:
            answers.append(NotValid(problem.field, problem.problem))
            continue
        await store.save_widget_sites(work, call.outlet_id, origins)
        answers.append(Saved("widget sites"))
    return answers


class SettingsSaver:
    """Handles ``SaveAppletSettings``; ``check`` decodes settings and raises ``Invalid``."""

    def __init__(self, check: Callable[[str, bytes], object]) -> None:
        self._check = check

    async def __call__(self, work: Work, calls: Sequence[Call[Any]]) -> list[Saved | Refusal]:
        """Check and store each call's settings."""
        answers: list[Saved | Refusal] = []
        for call in calls:
            request = call.request
            try:
                self._check(request.applet, request.settings.encode())
            except Invalid as problem:
                answers.append(NotValid(problem.field, problem.problem))
                continue
            known = await store.save_settings(
                work, call.outlet_id, request.applet, request.settings
            )
            answers.append(Saved(request.applet) if known else NoSuchApplet(request.applet))
        return answers


class ChannelConnector:
    """Handles ``ConnectChannel``: the token is sealed, and whoever looks after channels of this
    kind connects it within seconds. Nothing here speaks to the vendor.
    """

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    async def __call__(self, work: Work, calls: Sequence[Call[Any]]) -> list[Saved | Refusal]:
        """Check and store each call's channel."""
        answers: list[Saved | Refusal] = []
        for call in calls:
            asked: ConnectChannel = call.request
            known = await store.channels(work, call.outlet_id)
            fault = connection_problem(asked)
            if not fault and any(self._same(row, asked) for row in known):
                fault = NotValid("channel", "is connected already")
            if fault:
                answers.append(fault)
                continue
            await store.add_channel(work, self._row(work, call.outlet_id, asked))
            work.notify([f"outlet {call.outlet_id.hex}"])
            answers.append(Saved(asked.kind))
        return answers

    def _same(self, row: ChannelRow, asked: ConnectChannel) -> bool:
        """Whether this very account is connected: an account may have many numbers."""
        if row.kind != asked.kind:
            return False
        if asked.number or row.secret_sealed is None:
            return bool(asked.number) and (row.account, row.address) == (
                asked.account,
                asked.number,
            )
        try:
            kept = self._vault.open(row.secret_sealed, seal_place(row.id))
            return hmac.compare_digest(kept.encode(), asked.token.encode())
        except CannotOpen:
            return False

    def _row(self, work: Work, outlet_id: UUID, asked: ConnectChannel) -> ChannelRow:
        channel_id = work.new_id()
        return replace(
            new_channel(work, outlet_id, channel_id, asked.kind),
            secret_sealed=self._vault.seal(asked.token, seal_place(channel_id)),
            account=asked.account,
            address=asked.number,
        )


async def check_channels(work: Work, calls: Sequence[Call[Any]]) -> list[Saved | Refusal]:
    """Handle ``CheckChannel``: whoever looks after the channel looks again within seconds."""
    answers: list[Saved | Refusal] = []
    for call in calls:
        known = await store.check_again(work, call.outlet_id, call.request.channel_id)
        answers.append(Saved("channel") if known else NoSuchChannel())
    return answers


class TemplateSaver:
    """Handles ``SaveTemplate``; ``problem`` says what the vendor would refuse, by kind of channel.

    It is submitted by whoever looks after the channel: nothing here speaks to the vendor.
    """

    def __init__(self, problems: Mapping[str, Callable[[str, str, str, str], str]]) -> None:
        self._problems = problems

    async def __call__(self, work: Work, calls: Sequence[Call[Any]]) -> list[Saved | Refusal]:
        """Check and store each call's template."""
        answers: list[Saved | Refusal] = []
        for call in calls:
            asked: SaveTemplate = call.request
            rows = await store.channels(work, call.outlet_id)
            kind = next((row.kind for row in rows if row.id == asked.channel_id), "")
            problem = self._problems.get(kind)
            if problem is None:
                answers.append(NoSuchChannel())
                continue
            fault = problem(asked.name, asked.language, asked.body, asked.category)
            if not fault and not asked.topic.strip():
                fault = "a topic says what it is about"
            fault = fault or topics.problem(asked.topic.strip(), asked.body)
            if not fault and not await store.save_template(work, call.outlet_id, asked):
                fault = "there is one of this name and language: remove it, or take another name"
            answers.append(NotValid("template", fault) if fault else Saved("template"))
            work.notify([f"outlet {call.outlet_id.hex}"])
        return answers


async def remove_templates(work: Work, calls: Sequence[Call[Any]]) -> list[Saved | Refusal]:
    """Handle ``RemoveTemplate``."""
    answers: list[Saved | Refusal] = []
    for call in calls:
        done = await store.remove_template(work, call.outlet_id, call.request)
        answers.append(Saved("template") if done else NoSuchTemplate())
        work.notify([f"outlet {call.outlet_id.hex}"])
    return answers
