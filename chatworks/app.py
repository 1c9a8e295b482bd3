"""The composition root: the one place that knows every part, and the tasks of a process.

It wires a *house*, seeds an outlet from its file, and applies a changed one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

import msgspec
import structlog

from chatworks.api.feature import feature as api
from chatworks.applets import INSTALLED
from chatworks.audit import store as audit
from chatworks.audit.archive import Archive
from chatworks.audit.models import Leaf
from chatworks.audit.sequencer import LogKey, Sequencer
from chatworks.bots import feature as bots
from chatworks.bots.adoption import Adopter
from chatworks.bots.holder import Bots
from chatworks.broadcasts.broadcaster import Broadcaster
from chatworks.broadcasts.feature import feature as broadcasts
from chatworks.broadcasts.service import Planner
from chatworks.catalog import feature as catalog
from chatworks.catalog import store as catalog_store
from chatworks.catalog.core import changes as product_changes
from chatworks.catalog.models import ApplyProducts
from chatworks.catalog.service import seed as seed_products
from chatworks.channels.models import Channel, ChannelKind
from chatworks.channels.telegram import feature as telegram_feature
from chatworks.channels.telegram.files import Files
from chatworks.channels.telegram.manifest import telegram
from chatworks.channels.telegram.send import BotApi
from chatworks.channels.twilio.api import TwilioApi
from chatworks.channels.twilio.connect import template_problem
from chatworks.channels.twilio.manifest import twilio
from chatworks.channels.twilio.send import WHATSAPP_KIND
from chatworks.channels.webchat.adapter import TERMINAL, WEBCHAT
from chatworks.channels.whatsapp.manifest import whatsapp
from chatworks.channels.whatsapp.send import CloudApi
from chatworks.commands.dispatch import Dispatcher, Spend
from chatworks.commands.models import Actor, ActorKind, Call, Registration
from chatworks.contacts.core import ways
from chatworks.contacts.feature import feature as contacts
from chatworks.contacts.jobs import Router
from chatworks.contacts.service import Linker
from chatworks.conversations.batch import Parts
from chatworks.conversations.feature import feature as conversations
from chatworks.conversations.models import Installed, OutletView
from chatworks.conversations.service import Scribe
from chatworks.conversations.watchdog import Watchdog
from chatworks.conversations.worker import Worker
from chatworks.couriers import Couriers
from chatworks.factors.feature import feature as factors
from chatworks.factors.proving import Prover
from chatworks.factors.recoverer import Recoverer
from chatworks.factors.service import has_second
from chatworks.federation import feature as federated
from chatworks.federation.feature import Ground, federation
from chatworks.house import House
from chatworks.identity.feature import feature as identity
from chatworks.identity.models import IssueSignInLink, OneTime
from chatworks.identity.service import add_first_operator
from chatworks.inbox import feature as inbox
from chatworks.inbox.committer import Committer
from chatworks.kit.clock import Clock
from chatworks.kit.crypto import Vault
from chatworks.kit.db import Database
from chatworks.kit.errors import Invalid
from chatworks.kit.feature import Feature
from chatworks.kit.http import HttpClient
from chatworks.kit.listen import Listener
from chatworks.kit.migrate import ENGINE, WEB, login_url
from chatworks.kit.texts import Texts
from chatworks.kit.work import Work
from chatworks.mail.carriers import Carrier, carrier
from chatworks.mail.feature import feature as mail
from chatworks.mail.postman import Postman
from chatworks.mail.service import Desk as MailDesk
from chatworks.media import feature as media
from chatworks.media.fetcher import Fetcher
from chatworks.media.service import Bounds, Shelf
from chatworks.memberships.feature import feature as memberships
from chatworks.memberships.service import Inviter
from chatworks.oauth import feature as oauth
from chatworks.orders import feature as orders
from chatworks.outbox import feature as outbox
from chatworks.outbox.sender import Sender
from chatworks.outlets import store as outlets_store
from chatworks.outlets.core import changes
from chatworks.outlets.feature import feature as outlets
from chatworks.outlets.models import AppletSpec, ApplyFile, Change, Install, Outlet, OutletFile
from chatworks.outlets.service import Directory, connectable, seed
from chatworks.passwords import feature as passwords
from chatworks.passwords.breached import Breached
from chatworks.passwords.hasher import Hasher
from chatworks.passwords.service import Passwords
from chatworks.privacy.core import notice
from chatworks.sdk.applet import Applets, load
from chatworks.senders import Senders
from chatworks.settings import Settings, secret_of
from chatworks.support import feature as support

log = structlog.get_logger()
PRIVACY = Texts.load("chatworks.privacy")


def compose(settings: Settings, owner_url: str, clock: Clock) -> House:
    """Wire a house for the database at ``owner_url``; nothing is opened yet."""
    engine_url, web_url = _logins(settings, owner_url)
    db = Database.connect(engine_url, web_url, clock)
    committer = Committer(db)
    http = HttpClient()
    bot_api = BotApi(http, settings.telegram_api_base)
    vault = Vault(settings.derive("sealed tokens"), clock)
    directory = Directory(db, secret_of, settings.derive, vault)
    shelf = Shelf(db, Bounds(settings.media_bytes_max, settings.media_outlet_bytes_max))
    twilio_api = TwilioApi(http, settings.twilio_api_base)
    senders = Senders(db, engine_url, directory, twilio_api, settings.address)
    kinds = _kinds(settings, http, _telegram(settings, bot_api, db, shelf), senders)
    applets = Applets(load(package) for package in INSTALLED)
    scribe = Scribe(kinds, directory.channel, settings.address)
    router = Router(kinds, directory.channel, directory.outlet)
    mail_desk = MailDesk(vault)
    couriers = Couriers(directory, kinds, settings.address)
    passwords = _passwords(settings, db, couriers)
    recovery = (settings.derive("cancelling recoveries"), settings.recovery_wait_hours)
    prover = Prover.wired(db, vault, couriers, passwords, recovery)
    told = (mail(mail_desk), factors(prover.ways))
    others = _features(settings, applets, scribe, directory, router)
    dispatcher, features = _dispatcher((*told, *others), prover.spend)
    applets.check(dispatcher.names())
    db.subscribers = _subscribers(features)
    listener = Listener(engine_url)
    watchdog = Watchdog(clock)
    parts = _parts(settings, dispatcher, applets, directory, scribe, watchdog, kinds)
    return House(
        settings=settings,
        clock=clock,
        db=db,
        listener=listener,
        directory=directory,
        dispatcher=dispatcher,
        applets=applets,
        kinds=kinds,
        features=features,
        committer=committer,
        worker=Worker(db, parts, listener, settings.batch_size),
        sender=Sender(db, kinds, directory.channel, listener, settings.in_flight),
        shelf=shelf,
        fetcher=Fetcher(db, shelf, kinds, directory.channel, listener),
        broadcaster=Broadcaster(db, router, kinds, directory.outlet, listener),
        sequencer=Sequencer(db, log_key(settings), archive(settings)),
        postman=Postman(db, mail_desk, _carrier(settings), listener),
        passwords=passwords,
        federation=federation(settings, Ground(db, http, vault, passwords, couriers)),
        recoverer=Recoverer(db, prover.recoveries, listener),
        prover=prover,
        http=http,
        bots=Bots(
            db=db,
            conninfo=engine_url,
            directory=directory,
            committer=committer,
            api=bot_api,
            adopter=Adopter(db, directory, bot_api, vault),
            kind=kinds["telegram"],
            applets=applets,
            public_url=settings.public_url.rstrip("/"),
        ),
        senders=senders,
        watchdog=watchdog,
        couriers=couriers,
    )


def log_key(settings: Settings) -> LogKey:
    """Return the audit log's key. A log that begins here is named by its address."""
    return LogKey(settings.derive("audit log key"), f"{settings.address.partition('://')[2]}/audit")


def archive(settings: Settings) -> Archive:
    """Return where this installation keeps what its audit log published."""
    return Archive(settings.home / "audit")


def _logins(settings: Settings, owner_url: str) -> tuple[str, str]:
    """Return the addresses of the engine's and the web's logins."""
    secret = settings.secret.get_secret_value().encode()
    return login_url(owner_url, ENGINE, secret), login_url(owner_url, WEB, secret)


def _views(
    directory: Directory, texts: Texts, address: str
) -> Callable[[UUID], Awaitable[OutletView]]:
    """Return what gives the engine its view of an outlet."""

    async def outlet_of(outlet_id: UUID) -> OutletView:
        outlet = await directory.outlet(outlet_id)
        return view(outlet, texts, address, await directory.channels(outlet_id))

    return outlet_of


def _features(
    settings: Settings,
    applets: Applets,
    scribe: Scribe,
    directory: Directory,
    router: Router,
) -> tuple[Feature, ...]:
    """Return every feature of the product: what is not in this list does not exist."""

    async def page_of(outlet_id: UUID) -> str:
        return _page(await directory.outlet(outlet_id), settings.address)

    return (
        inbox.FEATURE,
        outbox.FEATURE,
        telegram_feature.FEATURE,
        media.FEATURE,
        identity(settings.address),
        passwords.FEATURE,
        federated.FEATURE,
        outlets(
            lambda applet, data: _check_settings(applets, applet, data),
            lambda spec: _install(applets, spec),
            secret_of,
            {WHATSAPP_KIND: template_problem},
            directory.vault,
        ),
        contacts(Linker(directory.channels, page_of), router),
        conversations(scribe),
        bots.FEATURE,
        catalog.FEATURE,
        orders.FEATURE,
        support.FEATURE,
        memberships(Inviter(settings.address, directory.outlet)),
        broadcasts(Planner(router, directory.outlet, directory.channels)),
    )


def _dispatcher(features: Sequence[Feature], spend: Spend) -> tuple[Dispatcher, Sequence[Feature]]:
    """Return what knows every request, and the features with the API's, which is made of theirs."""

    def offered() -> list[Registration]:
        return dispatcher.offered()

    whole = (*features, api(offered), oauth.FEATURE)
    dispatcher = Dispatcher((r for feature in whole for r in feature.registrations), spend)
    return dispatcher, whole


def _parts(  # noqa: PLR0913, PLR0917 - the parts of the engine
    settings: Settings,
    dispatcher: Dispatcher,
    applets: Applets,
    directory: Directory,
    scribe: Scribe,
    watchdog: Watchdog,
    kinds: dict[str, ChannelKind],
) -> Parts:
    return Parts(
        applets=applets,
        dispatcher=dispatcher,
        kinds=kinds,
        channel_of=directory.channel,
        outlet_of=_views(directory, PRIVACY, settings.address),
        texts=Texts.load("chatworks.conversations"),
        scribe=scribe,
        watchdog=watchdog,
    )


def _passwords(settings: Settings, db: Database, couriers: Couriers) -> Passwords:
    hasher = Hasher(settings.derive("passwords"), db.clock)
    return Passwords(db, hasher, Breached.shipped(), couriers, has_second)


def _telegram(settings: Settings, api: BotApi, db: Database, shelf: Shelf) -> ChannelKind:
    return telegram(api, Files(db, shelf.upload, settings.public_url.rstrip("/")))


def _kinds(
    settings: Settings, http: HttpClient, by_telegram: ChannelKind, senders: Senders
) -> dict[str, ChannelKind]:
    """Return every kind of channel that there is."""
    by_twilio = twilio(senders.messenger, settings.address)
    by_meta = whatsapp(CloudApi(http, settings.whatsapp_api_base))
    messengers = (by_telegram, *by_twilio, by_meta)
    return {kind.kind: kind for kind in (*messengers, WEBCHAT, TERMINAL)}


def _carrier(settings: Settings) -> Carrier:
    url = "" if settings.mail_url is None else settings.mail_url.get_secret_value()
    return carrier(url, settings.mail_from, settings.home / "mail")


def _page(outlet: Outlet, address: str) -> str:
    return f"{address}/o/{outlet.slug}"


def view(
    outlet: Outlet, texts: Texts, address: str, channels: Sequence[Channel] = ()
) -> OutletView:
    """Return what the engine must know of an outlet; the web chat's menu offers to go on in
    another of its ``channels``, where there is one.
    """
    page = _page(outlet, address)
    webchats = (c.id for c in channels if c.kind == "webchat")
    return OutletView(
        id=outlet.id,
        name=outlet.name,
        languages=outlet.languages,
        notices=notice(outlet, texts, address),
        installed=tuple(Installed(i.applet, i.version, i.settings) for i in outlet.installed),
        continues=frozenset(here for here in webchats if ways(channels, here, page, "")),
    )


def _check_settings(applets: Applets, applet: str, data: bytes) -> object:
    loaded = applets.latest(applet)
    if loaded is None:
        raise Invalid("applet", f"{applet} is not installed")
    return loaded.settings(data)


def _subscribers(features: Sequence[Feature]) -> dict[type, list[Any]]:
    heard: dict[type, list[Any]] = defaultdict(list)
    for feature in features:
        for fact, writers in feature.subscribers.items():
            heard[fact].extend(writers)
    return heard


async def seed_outlet(house: House, file: OutletFile) -> Outlet:
    """Insert what is missing of an outlet's file: outlet, owner, channels, applets, products."""
    async with house.db.engine() as work:
        outlet = await seed(work, file, secret_of)
        await _seed_applets(house, work, outlet, file)
        await seed_products(work, outlet, file.products)
        if await audit.wrote(work):
            seeded = ("platform", "chatworks", "outlets.SeedFile", "outlet", outlet.id.hex)
            work.defer(audit.append, Leaf(outlet.id, *seeded, {"slug": file.slug}))
        await add_first_operator(work, outlet.id, file.owner)  # locks, and leaves its own leaf
    house.directory.forget()
    return outlet


async def _seed_applets(house: House, work: Work, outlet: Outlet, file: OutletFile) -> None:
    for spec in file.applets:
        await outlets_store.add_install(work, outlet.id, _install(house.applets, spec))


def _install(applets: Applets, spec: AppletSpec) -> Install:
    """Return what switching an applet of a file on stores; ``Invalid`` where it does not fit."""
    loaded = applets.latest(spec.applet)
    if loaded is None:
        raise Invalid("applets", f"{spec.applet} is not installed")
    settings = msgspec.json.encode(spec.settings)
    loaded.settings(settings)
    return Install(spec.applet, loaded.manifest.version, settings)


async def compare_outlet(house: House, file: OutletFile) -> list[Change]:
    """Return how an outlet differs from its file, or what a new one would bring."""
    async with house.db.engine() as work:
        found = await outlets_store.find(work, slug=file.slug)
        ids = [outlet.id for outlet in found]
        rows = [row for i in ids for row in await outlets_store.channels(work, i)]
        products = await catalog_store.products(work, ids)
    for spec in file.applets:
        _install(house.applets, spec)
    outlet = found[0] if found else None
    listed = changes(file, outlet, rows, lambda spec: connectable(spec, secret_of))
    return listed + product_changes(file.products, products[outlet.id] if outlet else [])


async def apply_outlet(house: House, file: OutletFile) -> None:
    """Make an outlet what its file says: two commands of the platform, in one transaction."""
    actor = Actor(ActorKind.PLATFORM, "chatworks outlet apply")
    async with house.db.engine() as work:
        found = await outlets_store.find(work, slug=file.slug)
        outlet_id = found[0].id if found else work.new_id()
        await house.dispatcher.one(work, Call(outlet_id, actor, ApplyFile(file)))
        await add_first_operator(work, outlet_id, file.owner)
        products = ApplyProducts(tuple(file.products))
        await house.dispatcher.one(work, Call(outlet_id, actor, products))
    house.directory.forget()


async def sign_in_link(house: House, outlet_id: UUID) -> str:
    """Return the address that signs an outlet's owner in to the console, once."""
    actor = Actor(ActorKind.PLATFORM, "chatworks operator link")
    call: Call[OneTime] = Call(outlet_id, actor, IssueSignInLink())
    async with house.db.engine([outlet_id]) as work:
        issued = await house.dispatcher.one(work, call)
    return f"{house.settings.address}/console/sign-in?key={issued.secret}"
