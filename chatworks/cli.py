"""The command line: ``chatworks run``, ``serve``, ``work``, ``chat``, ``outlet``, ``operator``,
``audit``, ``backup`` and ``restore``.

A process that was asked to stop (SIGINT, SIGTERM) stops and ends with 0, also while it is starting.
What is wrong with the settings is said in one line and ends with 2.
"""

from __future__ import annotations

import asyncio
import errno
import signal
import socket
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import click
import uvicorn
import uvloop
from prometheus_client import start_http_server
from pydantic import SecretStr

from chatworks.account.pages import AccountDesk
from chatworks.account.password_pages import WAY
from chatworks.account.router import account
from chatworks.account.second_pages import PASSKEY_WAY
from chatworks.account.with_pages import WAY as OTHERS_WAY
from chatworks.api.routes import Gate as ApiGate
from chatworks.api.routes import routes as api_routes
from chatworks.api.service import caller_of as caller_of_key
from chatworks.app import (
    apply_outlet,
    compare_outlet,
    compose,
    seed_outlet,
    sign_in_link,
)
from chatworks.audit.routes import routes as log_routes
from chatworks.auditing import audit_commands
from chatworks.authoring import applet
from chatworks.console.pages import Desk
from chatworks.console.router import console
from chatworks.factors.pages import Gate
from chatworks.house import House
from chatworks.inbox.door import Door
from chatworks.kit.backup import backup as write_backup
from chatworks.kit.backup import restore as read_backup
from chatworks.kit.clock import SystemClock
from chatworks.kit.embedded import Embedded
from chatworks.kit.errors import ChatWorksError, Invalid
from chatworks.kit.logs import configure
from chatworks.kit.migrate import migrate, migrations_folder
from chatworks.kit.process import settle
from chatworks.media.routes import routes as media_routes
from chatworks.oauth.routes import OAuthDesk
from chatworks.oauth.routes import routes as oauth_routes
from chatworks.oauth.service import Granting
from chatworks.oauth.service import caller_of as caller_of_token
from chatworks.outlets.models import OutletFile
from chatworks.outlets.service import read_file
from chatworks.settings import Settings, read_settings
from chatworks.storefront.miniapp import miniapp
from chatworks.storefront.models import DATA_MAP as VISITORS
from chatworks.storefront.pages import pages
from chatworks.storefront.routes import routes
from chatworks.storefront.service import ChatDesk
from chatworks.storefront.uploads import upload_routes
from chatworks.terminal import talk
from chatworks.visiting import platform_commands
from chatworks.web.security import App
from chatworks.web.server import Checks, create_app
from chatworks.web.sse import Streams
from chatworks.web.templating import Pages


def outlet_file(settings: Settings) -> Path:
    """Return the outlet file to seed: the one that is set, or MajiPro's."""
    folder = migrations_folder().parent
    packaged = folder / "_outlets" / "majipro.toml"
    found = packaged if packaged.is_file() else folder / "outlets" / "majipro.toml"
    return settings.outlet_file or found


STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
BACKLOG = 2048


@contextmanager
def noticed(tell: Callable[[], object]) -> Iterator[None]:
    """Call ``tell`` for SIGINT and SIGTERM instead of dying of them."""
    before = [signal.signal(number, lambda *_: tell()) for number in STOP_SIGNALS]
    try:
        yield
    finally:
        for number, handler in zip(STOP_SIGNALS, before, strict=True):
            signal.signal(number, handler)


@contextmanager
def owners_address(settings: Settings) -> Iterator[tuple[str, str]]:
    """Give the owner's address of the database, as it is, and what it is in words."""
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value(), "PostgreSQL {} at DATABASE_URL"
        return
    embedded = Embedded(settings.home)
    url = embedded.start()
    try:
        yield url, f"embedded PostgreSQL {{}} in {settings.home}"
    finally:
        embedded.stop()


@contextmanager
def database(settings: Settings) -> Iterator[tuple[str, str]]:
    """Give the owner's address of a migrated database, and what it is in words."""
    with owners_address(settings) as (url, what):
        yield url, what.format(migrate(url, settings.secret.get_secret_value().encode()))


def listen(settings: Settings) -> socket.socket:
    """Take the port before anything starts; ``Invalid`` where it cannot be had."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=BACKLOG)
    except OSError as error:
        problem = str(error.strerror).lower()
        if error.errno == errno.EADDRINUSE:
            problem = "is in use: is ChatWorks running already?"
        raise Invalid("CHATWORKS_PORT", f"{settings.port} of {settings.host} {problem}") from error


@asynccontextmanager
async def opened(
    settings: Settings, url: str, seeds: OutletFile | None = None
) -> AsyncIterator[House]:
    """Give an open house, with what is missing of an outlet's file added."""
    house = compose(settings, url, SystemClock())
    await house.open()
    try:
        if seeds is not None:
            await seed_outlet(house, seeds)
        yield house
    finally:
        await house.close()


def console_desk(house: House, streams: Streams, shown: Pages, gate: Gate) -> Desk:
    """Return what the console's pages of a house need."""
    return Desk(
        house.db,
        house.directory,
        house.dispatcher,
        streams,
        shown,
        house.settings.address,
        house.applets,
        house.kinds,
        house.shelf,
        gate,
    )


def web_app(house: House, streams: Streams) -> App:
    """Return the web application of a house."""
    shown = Pages()
    shown.share("kind_titles", {name: kind.title for name, kind in house.kinds.items()})
    chat = ChatDesk(house.db, house.directory, house.committer, streams, house.shelf)
    gate = Gate(house.prover, shown)
    desk = console_desk(house, streams, shown, gate)
    services = house.federation.hosted.titles()
    shown.share("providers", services)
    offered = {
        WAY: True,
        PASSKEY_WAY: bool(house.prover.passkeys.party),
        OTHERS_WAY: bool(services),
    }
    ways = [way for way, there in offered.items() if there]
    own = AccountDesk(house.db, house.directory, shown, house.couriers, gate, ways=ways)
    granting = Granting(house.dispatcher, house.settings.address)
    api_gate = ApiGate(
        house.db,
        house.dispatcher,
        house.settings.address,
        house.settings.api_per_second,
        (caller_of_key, caller_of_token),
    )
    maps = [feature.data_map for feature in house.features] + [VISITORS]

    handlers = [
        *pages(chat, shown, maps),
        *routes(chat),
        *miniapp(chat, house.settings.derive),
        *media_routes(house.shelf),
        *upload_routes(chat),
        *api_routes(api_gate),
        *log_routes(house.db, house.sequencer.key),
        *console(desk),
        *oauth_routes(OAuthDesk(house.db, granting)),
        *account(own, house.federation, granting),
    ]
    door = Door(house.kinds, house.directory.resolve, house.committer, house.clock)
    return create_app(handlers, door, shown, Checks(house.ready, house.measure))


class Server(uvicorn.Server):
    """Uvicorn, but signals are the process's own business."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield


async def run_house(
    house: House,
    stop: asyncio.Event,
    port: socket.socket | None,
    *,
    work: bool,
    greet: Callable[[House], Awaitable[None]],
) -> None:
    """Serve on ``port`` if given, and work if asked, until ``stop`` is set."""
    streams = Streams(house.listener)
    tasks: list[asyncio.Task[Any]] = []
    server: Server | None = None
    if port is not None:
        config = uvicorn.Config(
            web_app(house, streams),
            lifespan="off",
            access_log=False,
            log_config=None,
            timeout_graceful_shutdown=3,
            server_header=False,
        )
        server = Server(config)
        tasks.append(asyncio.create_task(server.serve([port])))
    if work:
        tasks.append(asyncio.create_task(house.work(stop)))
    if port is None and house.settings.metrics_port:
        start_http_server(house.settings.metrics_port, house.settings.host)
    while server is not None and not (server.started or tasks[0].done()):  # noqa: ASYNC110
        await asyncio.sleep(0.01)  # uvicorn offers a flag, no event
    settle()
    await greet(house)
    waiting = asyncio.create_task(stop.wait())
    await asyncio.wait([*tasks, waiting], return_when=asyncio.FIRST_COMPLETED)
    stop.set()
    streams.stop()
    if server is not None:
        server.should_exit = True
    await asyncio.gather(*tasks)


async def _hello(house: House, what: str) -> None:
    """Print where everything is."""
    address = house.settings.address
    for outlet in await house.directory.outlets():
        bots = [b for b in await house.directory.channels(outlet.id, "telegram") if b.secret]
        click.echo(f"\n  {outlet.name} is open for business\n")
        click.echo(f"  Outlet    {address}/o/{outlet.slug}")
        click.echo(f"  Console   {await sign_in_link(house, outlet.id)}")
        click.echo("            (one-time link; a new one: chatworks operator link)")
        if bots:
            click.echo("  Telegram  connecting with TELEGRAM_TOKEN; the log says how it went")
        else:
            click.echo("  Telegram  TELEGRAM_TOKEN=<token of @BotFather> make run")
    click.echo(f"  Mail      {house.postman.carrier.where}")
    click.echo(f"  Database  {what}\n  Stop      Ctrl-C\n")


async def _quiet(_house: House) -> None:
    return


def _serve(*, web: bool, work: bool, hello: bool) -> None:
    settings = read_settings()
    configure(settings.log_format)
    seeds = read_file(outlet_file(settings))
    port = listen(settings) if web else None
    asked = threading.Event()

    async def until_stopped(url: str, what: str) -> None:
        stop = asyncio.Event()
        for number in STOP_SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        greet = (lambda house: _hello(house, what)) if hello else _quiet
        async with opened(settings, url, seeds) as house:
            if not (asked.is_set() or stop.is_set()):
                await run_house(house, stop, port, work=work, greet=greet)

    try:
        with noticed(asked.set), database(settings) as (url, what):
            if not asked.is_set():
                uvloop.run(until_stopped(url, what))
    except ChatWorksError:
        if not asked.is_set():  # Ctrl-C reached the embedded server's own programs too
            raise
    finally:
        if port is not None:
            port.close()


@click.group()
def cli() -> None:
    """ChatWorks: sell and serve through chat."""


cli.add_command(applet)
cli.add_command(audit_commands(database))


@cli.command()
def run() -> None:
    """Start everything in one process."""
    _serve(web=True, work=True, hello=True)


@cli.command()
def serve() -> None:
    """Serve pages and webhooks; turns are taken by `work`."""
    _serve(web=True, work=False, hello=False)


@cli.command()
def work() -> None:
    """Take turns and send; any number of these may run."""
    _serve(web=False, work=True, hello=False)


@cli.command()
@click.argument("outlet")
@click.option("--record", is_flag=True, help="Print the session as a test of the applet.")
def chat(outlet: str, record: bool) -> None:  # noqa: FBT001 - click's flag
    """Talk to OUTLET in the terminal until Ctrl-D.

    A number taps a button, @lat,lon shares a location.
    """
    settings = read_settings()
    configure(settings.log_format)
    seeds = read_file(outlet_file(settings))
    with database(settings) as (url, _):
        talk(opened(settings, url, seeds), outlet, recording=record)


@cli.group()
def outlet() -> None:
    """Outlets and their files."""


@outlet.command()
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="Do not ask.")
def apply(path: Path, yes: bool) -> None:  # noqa: FBT001 - click's flag
    """Make an outlet what its file at PATH says, after showing what would change."""
    settings = read_settings()
    configure(settings.log_format)
    file = read_file(path)

    async def go(url: str) -> None:
        async with opened(settings, url) as house:
            listed = await compare_outlet(house, file)
            for change in listed:
                click.echo(change.show())
            if all(change.kept for change in listed):
                click.echo("Nothing would change.")
            elif yes or click.confirm("Apply this?"):
                await apply_outlet(house, file)
                click.echo("Applied.")
            else:
                click.echo("Nothing was changed.")

    with database(settings) as (url, _):
        asyncio.run(go(url))


@cli.group()
def operator() -> None:
    """Who runs an outlet."""


@operator.command()
@click.argument("slug", default="majipro")
def link(slug: str) -> None:
    """Print a fresh one-time sign-in link of the outlet SLUG."""
    settings = read_settings()
    configure(settings.log_format)

    async def go(url: str) -> None:
        async with opened(settings, url) as house:
            found = await house.directory.by_slug(slug)
            if found is None:
                raise Invalid(slug, "is no outlet here")
            click.echo(await sign_in_link(house, found.id))

    with database(settings) as (url, _):
        asyncio.run(go(url))


cli.add_command(platform_commands(database, opened))


@cli.command()
@click.argument("path", type=click.Path(path_type=Path))
def backup(path: Path) -> None:
    """Write the whole database to PATH, a new file."""
    with database(read_settings()) as (url, _):
        write_backup(url, path)
    click.echo(f"The database is in {path}. Keep CHATWORKS_SECRET with it.")


@cli.command()
@click.argument("path", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.argument("url", required=False)
def restore(path: Path, url: str | None) -> None:
    """Restore PATH into an empty database.

    It is the one at URL (its owner's address) or, without it, the one that the product would use:
    DATABASE_URL, or a new embedded one in CHATWORKS_HOME.
    """
    settings = read_settings()
    if url is not None:
        settings = settings.model_copy(update={"database_url": SecretStr(url)})
    secret = settings.secret.get_secret_value().encode()
    with owners_address(settings) as (address, what):
        read_backup(path, address, secret)
        click.echo(f"Restored into {what.format(migrate(address, secret))}.")


def main() -> None:
    """Run the command line."""
    try:
        cli()
    except ChatWorksError as error:
        click.echo(f"chatworks: {error}", err=True)
        sys.exit(2)
