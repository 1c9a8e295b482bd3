"""``chatworks audit``: verify the log, prove a leaf, and check a proof; ``witness`` joins them.

``verify`` and ``prove`` are for whoever runs the installation, and read its database. ``check`` and
``witness`` are for everybody else: they need neither a database nor a secret, only the log's public
address and its key (``chatworks audit key``, or the log's own page).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from pathlib import Path
from uuid import UUID

import click

from chatworks.app import archive, log_key
from chatworks.audit import store
from chatworks.audit.archive import Archive
from chatworks.audit.merkle import includes, leaf_hash
from chatworks.audit.models import Report
from chatworks.audit.notes import BadNote, Proof, Verifier, checked, split_notes
from chatworks.audit.proving import prove
from chatworks.audit.verifying import Held, verify
from chatworks.kit.clock import SystemClock
from chatworks.kit.db import Database
from chatworks.kit.errors import Invalid, NotFound
from chatworks.kit.migrate import ENGINE, WEB, login_url
from chatworks.settings import Settings, read_settings
from chatworks.witnessing import Tampered, witness_command

SHOWN_MAX = 50

Opened = Callable[[Settings], AbstractContextManager[tuple[str, str]]]


def audit_commands(database: Opened) -> click.Group:
    """Return the command group; ``database`` gives the owner's address of a migrated database."""

    @click.group()
    def audit() -> None:
        """The log of what was done, and whether somebody changed it."""

    for command in (_verify(database), _prove(database), _key(database)):
        audit.add_command(command)
    audit.add_command(check_command)
    audit.add_command(witness_command)
    return audit


def _verify(database: Opened) -> click.Command:
    @click.command(name="verify")
    @click.option(
        "--archive",
        "folders",
        multiple=True,
        type=click.Path(path_type=Path, exists=True, file_okay=False),
        help="A folder of published hashes and checkpoints; without it, the one in CHATWORKS_HOME.",
    )
    @click.option(
        "--held",
        multiple=True,
        type=click.Path(path_type=Path, exists=True, dir_okay=False),
        help="A file of checkpoints that a witness keeps.",
    )
    @click.option("--witness", "key", help="The witness's key: each checkpoint must have its word.")
    def verify_command(folders: tuple[Path, ...], held: tuple[Path, ...], key: str | None) -> None:
        """Recompute the whole log from its rows, and name what was changed."""
        settings = read_settings()
        witness = verifier_of(key) if key else None
        kept = [Held(str(path), split_notes(path.read_text()), witness) for path in held]
        places = [Archive(folder) for folder in folders] or [archive(settings)]

        async def go(url: str) -> list[Report]:
            async with _opened(settings, url) as db:
                return [await _verified(db, settings, place, kept) for place in places]

        with database(settings) as (url, _):
            reports = asyncio.run(go(url))
        for report in reports:
            show(report)
        if any(report.findings for report in reports):
            raise Tampered("the log is not as it was left")

    return verify_command


def _prove(database: Opened) -> click.Command:
    @click.command(name="prove")
    @click.argument("leaf", type=click.UUID)
    @click.option("--folder", type=click.Path(path_type=Path, file_okay=False), default=Path())
    def prove_command(leaf: UUID, folder: Path) -> None:
        """Write the bytes of LEAF and the proof that they are in the log, as two files."""
        settings = read_settings()

        async def go(url: str) -> tuple[bytes, Proof]:
            async with _opened(settings, url) as db, db.engine() as work:
                place = await store.place_of(work, leaf)
                kept = await store.leaf(work, place[1], leaf) if place else None
                if kept is None:
                    raise NotFound(f"{leaf.hex} is no leaf with a place in the log")
                return kept.payload, await prove(work, leaf)

        with database(settings) as (url, _):
            payload, proof = asyncio.run(go(url))
        folder.mkdir(parents=True, exist_ok=True)
        names = [folder / f"{leaf.hex}{ending}" for ending in (".leaf", ".tlog-proof")]
        names[0].write_bytes(payload)
        names[1].write_text(proof.text())
        click.echo(f"{names[0]} is entry {proof.index}; {names[1]} proves it.")

    return prove_command


def _key(database: Opened) -> click.Command:
    @click.command(name="key")
    def key_command() -> None:
        """Print the key that this installation's log is verified with."""
        settings = read_settings()

        async def go(url: str) -> Verifier:
            async with _opened(settings, url) as db, db.engine() as work:
                return log_key(settings).signer(await store.head(work)).verifier

        with database(settings) as (url, _):
            click.echo(asyncio.run(go(url)))

    return key_command


@asynccontextmanager
async def _opened(settings: Settings, url: str) -> AsyncIterator[Database]:
    secret = settings.secret.get_secret_value().encode()
    logins = (login_url(url, ENGINE, secret), login_url(url, WEB, secret))
    db = Database.connect(*logins, SystemClock())
    await db.open()
    try:
        yield db
    finally:
        await db.close()


async def _verified(db: Database, settings: Settings, place: Archive, held: list[Held]) -> Report:
    async with db.engine() as work:
        await store.be_snapshot(work)
        published = place.last()
        log = log_key(settings).signer(published or await store.head(work)).verifier
        return await verify(work, log, place, held)


def show(report: Report) -> None:
    """Print what a verification saw."""
    click.echo(
        f"{report.size} leaves in the tree, {report.signed} of them signed in"
        f" {report.checkpoints} checkpoints; {report.waiting} wait"
        + (f" since {report.waits_since:%Y-%m-%d %H:%M:%S} UTC." if report.waits_since else ".")
    )
    for finding in report.findings[:SHOWN_MAX]:
        click.secho(f"  {finding}", fg="red")
    if len(report.findings) > SHOWN_MAX:
        click.secho(f"  … and {len(report.findings) - SHOWN_MAX} more", fg="red")
    if not report.findings:
        click.echo("Every leaf is where it was put, and nothing was changed.")


@click.command(name="check")
@click.argument("proof", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.argument("leaf", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--key", required=True, help="The log's key, from its page or `chatworks audit key`.")
@click.option("--witness", help="A witness's key: the checkpoint must have its word, too.")
def check_command(proof: Path, leaf: Path, key: str, witness: str | None) -> None:
    """Check that PROOF shows the bytes of LEAF in the log; no server is asked."""
    try:
        found = Proof.parse(proof.read_text())
        said = checked(found.note, verifier_of(key))
        if witness is not None:
            checked(found.note, verifier_of(witness))
    except (BadNote, UnicodeDecodeError) as bad:
        raise Invalid(str(proof), f"proves nothing: {bad}") from bad
    hashed = leaf_hash(leaf.read_bytes())
    if not includes(found.index, said.size, hashed, found.path, said.root):
        raise Invalid(str(proof), f"does not prove {leaf}")
    click.echo(f"{leaf} is entry {found.index} of {said.origin}, which had {said.size} then.")


def verifier_of(key: str) -> Verifier:
    """Read a key of the command line; ``Invalid`` where it is none."""
    try:
        return Verifier.parse(key)
    except BadNote as bad:
        raise Invalid("the key", str(bad)) from bad
