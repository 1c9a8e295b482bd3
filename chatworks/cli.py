"""The command line: ``chatworks run``, ``serve``, ``work``, ``chat``, ``outlet``, ``operator``,
``backup`` and ``restore``.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import click
import structlog
import uvicorn
import uvloop

from chatworks.app import House, compose, seed_outlet
from chatworks.console.pages import Desk
from chatworks.console.routes import console
from chatworks.identity.service import issue_sign_in_link
from chatworks.inbox.door import Door
from chatworks.kit.backup import backup as write_backup
from chatworks.kit.backup import restore as read_backup
from chatworks.kit.clock import SystemClock
from chatworks.kit.embedded import Embedded
from chatworks.kit.errors import ChatWorksError
from chatworks.kit.migrate import migrate, migrations_folder
from chatworks.kit.process import settle
from chatworks.outlets import store as outlets_store
from chatworks.outlets.core import changes
from chatworks.outlets.service import read_file
from chatworks.settings import Settings, read_settings
from chatworks.storefront.models import DATA_MAP as VISITORS
from chatworks.storefront.pages import pages
from chatworks.storefront.routes import ChatDesk, routes
from chatworks.terminal import play
from chatworks.web.security import App
from chatworks.web.server import create_app
from chatworks.web.sse import Streams
from chatworks.web.templating import Pages


def outlet_file(settings: Settings) -> Path:
    """Return the outlet file to seed: the one that is set, or MajiPro's."""
    folder = migrations_folder().parent
    packaged = folder / "_outlets" / "majipro.toml"
    found = packaged if packaged.is_file() else folder / "outlets" / "majipro.toml"
    return settings.outlet_file or found


@contextmanager
def database(settings: Settings) -> Iterator[tuple[str, str]]:
    """Give the owner's address of a migrated database, and what it is in words."""
    secret = settings.secret.get_secret_value().encode()
    if settings.database_url is not None:
        url = settings.database_url.get_secret_value()
        yield url, f"PostgreSQL {migrate(url, secret)} at DATABASE_URL"
        return
    embedded = Embedded(settings.home)
    url = embedded.start()
    try:
        yield url, f"embedded PostgreSQL {migrate(url, secret)} in {settings.home}"
    finally:
        embedded.stop()


@asynccontextmanager
async def opened(settings: Settings, url: str) -> AsyncIterator[House]:
    """Give an open house with its outlet seeded."""
    house = compose(settings, url, SystemClock())
    await house.open()
    try:
        await seed_outlet(house, read_file(outlet_file(settings)))
        yield house
    finally:
        await house.close()


def web_app(house: House, streams: Streams) -> App:
    """Return the web application of a house."""
    shown = Pages()
    chat = ChatDesk(house.db, house.directory, house.committer, streams)
    desk = Desk(
        house.db,
        house.directory,
        house.dispatcher,
        streams,
        shown,
        house.settings.address,
        house.applets,
        house.kinds,
    )
    maps = [feature.data_map for feature in house.features] + [VISITORS]

    async def ready() -> None:
        async with house.db.engine() as work:
            await work.conn.execute("SELECT 1")

    handlers = [*pages(chat, shown, maps), *routes(chat), *console(desk)]
    door = Door(house.kinds, house.directory.resolve, house.committer, house.clock)
    return create_app(handlers, door, shown, ready)


class Server(uvicorn.Server):
    """Uvicorn, but signals are the process's own business."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals alone."""
        yield


async def run_house(
    settings: Settings,
    url: str,
    *,
    web: bool,
    work: bool,
    greet: Callable[[House], Awaitable[None]],
) -> None:
    """Run the parts that were asked for until SIGINT or SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with opened(settings, url) as house:
        streams = Streams(house.listener)
        tasks: list[asyncio.Task[Any]] = []
        server: Server | None = None
        if web:
            config = uvicorn.Config(
                web_app(house, streams),
                host=settings.host,
                port=settings.port,
                lifespan="off",
                access_log=False,
                log_level="warning",
                timeout_graceful_shutdown=3,
                server_header=False,
            )
            server = Server(config)
            tasks.append(asyncio.create_task(server.serve()))
        if work:
            tasks.append(asyncio.create_task(house.work(stop)))
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
        async with house.db.engine([outlet.id]) as work:
            key = await issue_sign_in_link(work, outlet.id)
        bots = [b for b in await house.directory.channels(outlet.id, "telegram") if b.secret]
        click.echo(f"\n  {outlet.name} is open for business\n")
        click.echo(f"  Outlet    {address}/o/{outlet.slug}")
        click.echo(f"  Console   {address}/console/sign-in?key={key}")
        click.echo("            (one-time link; a new one: chatworks operator link)")
        if bots:
            click.echo("  Telegram  connecting with TELEGRAM_TOKEN; the log says how it went")
        else:
            click.echo("  Telegram  TELEGRAM_TOKEN=<token of @BotFather> make run")
    click.echo(f"  Database  {what}\n  Stop      Ctrl-C\n")


async def _quiet(_house: House) -> None:
    return


def _serve(*, web: bool, work: bool, hello: bool) -> None:
    settings = read_settings()
    _configure_logs(settings)
    with database(settings) as (url, what):
        greet = (lambda house: _hello(house, what)) if hello else _quiet
        uvloop.run(run_house(settings, url, web=web, work=work, greet=greet))


def _configure_logs(settings: Settings) -> None:
    json = settings.log_format == "json"
    renderer = structlog.processors.JSONRenderer() if json else structlog.dev.ConsoleRenderer()
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            renderer,
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


@click.group()
def cli() -> None:
    """ChatWorks: sell and serve through chat."""


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
    """Talk to OUTLET in the terminal. A number taps a button, @lat,lon shares a location."""

    def read() -> str | None:
        try:
            return input("> ")
        except EOFError:
            return None

    async def talk(settings: Settings, url: str) -> None:
        async with opened(settings, url) as house:
            terminal = await play(house, outlet, read, click.echo)
            if record:
                click.echo(await terminal.record())

    settings = read_settings()
    _configure_logs(settings)
    with database(settings) as (url, _):
        asyncio.run(talk(settings, url))


@cli.group()
def outlet() -> None:
    """Outlets and their files."""


@outlet.command()
@click.argument("path", type=click.Path(path_type=Path, exists=True))
@click.option("--yes", is_flag=True, help="Do not ask.")
def apply(path: Path, yes: bool) -> None:  # noqa: FBT001 - click's flag
    """Make an outlet what its file says, after showing what would change."""

    async def go(settings: Settings, url: str) -> None:
        file = read_file(path)
        async with opened(settings, url) as house:
            await seed_outlet(house, file)
            async with house.db.engine() as work_:
                found = (await outlets_store.find(work_, slug=file.slug))[0]
                listed = changes(file, found)
                for change in listed:
                    click.echo(f"{change.field}:\n  - {change.now}\n  + {change.then}")
                if not listed:
                    click.echo("Nothing would change.")
                elif yes or click.confirm("Apply this?"):
                    await outlets_store.change(work_, file)
                    click.echo("Applied.")

    settings = read_settings()
    with database(settings) as (url, _):
        asyncio.run(go(settings, url))


@cli.group()
def operator() -> None:
    """Who runs an outlet."""


@operator.command()
@click.argument("slug", default="majipro")
def link(slug: str) -> None:
    """Print a fresh one-time sign-in link of the outlet SLUG."""

    async def go(settings: Settings, url: str) -> None:
        async with opened(settings, url) as house:
            found = await house.directory.by_slug(slug)
            if found is None:
                raise click.ClickException(f"there is no outlet {slug}")
            async with house.db.engine([found.id]) as work_:
                key = await issue_sign_in_link(work_, found.id)
            click.echo(f"{settings.address}/console/sign-in?key={key}")

    settings = read_settings()
    with database(settings) as (url, _):
        asyncio.run(go(settings, url))


@cli.command()
@click.argument("path", type=click.Path(path_type=Path))
def backup(path: Path) -> None:
    """Write the whole database to PATH."""
    with database(read_settings()) as (url, _):
        write_backup(url, path)


@cli.command()
@click.argument("path", type=click.Path(path_type=Path, exists=True))
@click.argument("url")
def restore(path: Path, url: str) -> None:
    """Restore PATH into the empty database at URL (the owner's address)."""
    read_backup(path, url)


def main() -> None:
    """Run the command line; what is wrong is said in one line."""
    try:
        cli()
    except ChatWorksError as error:
        click.echo(f"chatworks: {error}", err=True)
        sys.exit(2)
