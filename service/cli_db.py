"""`gatepost db`: upgrade, verify, render, back up, restore and copy the database. A part of `cli`.

What is found or made goes to standard output; how far it is, to a terminal alone, on standard error.
"""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.model import system_clock
from service.terminal import Config, progress, stop, store_beside

if TYPE_CHECKING:  # what a command needs it imports itself: see `terminal`
    from service.settings import Settings
    from service.store.digest import Digest
    from service.store.snapshot import Watch

WRONG, MISUSED = 1, 2
STEPS = {"copy": "Copying", "verify": "Verifying", "digest": "Reading", "content": "Reading"}

commands = typer.Typer(no_args_is_help=True, help="The database: upgrade, backup, restore, verify, render, copy.")


@commands.command("upgrade")
def upgrade_database(config: Config = None) -> None:
    """Create the database or bring its schema up to date, as every start does. No server may use it meanwhile."""
    from service import settings as configuration
    from service.store import migrate, snapshot
    from service.store.database import Database

    store = configuration.load(config).database

    async def open_once() -> None:
        database = await Database.open(store.url, clock=system_clock, readers=1, busy_seconds=store.busy_seconds)
        await database.close()

    asyncio.run(open_once())
    typer.echo(f"{snapshot.name_of(store.url)} has schema {migrate.head()}, the newest.")


@commands.command("backup")
def back_up(directory: Annotated[Path, typer.Argument(help="The folder to put it in.")], config: Config = None) -> None:
    """Back the database up while the service runs, into one verified SQLite file, and say what is in it.

    One with differences is kept as well, under a name that says so, and the status is 1.
    """
    from service import settings as configuration
    from service.store import backup

    url = configuration.load(config).database.url
    with progress(STEPS) as watch:
        made = backup.take(url, directory, now=system_clock(), watch=watch)
    typer.echo(made.path)
    _tell(made.digest)


@commands.command("restore")
def restore_database(
    file: Annotated[Path, typer.Argument(help="The backup.")],
    replace: Annotated[
        bool, typer.Option("--replace", help="PostgreSQL: empty the database first, if there is something in it.")
    ] = False,
    suspect: Annotated[
        bool, typer.Option("--suspect", help="Restore it though it has differences: for want of a sound one.")
    ] = False,
    config: Config = None,
) -> None:
    """Put a backup in the place of the database. No server may use it; an SQLite file that was there is kept."""
    from service import settings as configuration
    from service.store import restore, snapshot

    url = configuration.load(config).database.url
    with progress(STEPS) as watch:
        done = restore.restore(file, url, now=system_clock(), watch=watch, replace=replace, suspect=suspect)
    typer.echo(f"{snapshot.name_of(url)} holds what was backed up.")
    if done.replaced is not None:
        typer.echo(f"What was there before is {done.replaced}.")
    if done.differences:
        typer.echo("It is suspect, and so is the database now: `gatepost db verify` tells each difference.")
    _tell(done.digest)


@commands.command("verify")
def verify_database(config: Config = None) -> None:
    """Check the database's integrity, and recount all that it keeps twice. One line for each difference."""
    from service import settings as configuration
    from service.model import SiteKey
    from service.store import digest, snapshot, verify
    from service.transfer import content

    url = configuration.load(config).database.url
    found = 0
    with progress(STEPS) as watch, snapshot.of(url, watch) as moment:
        for line in verify.differences(moment, watch):
            typer.echo(line)
            found += 1
        seen = None if found else digest.of(moment, watch)
        contents = (
            {} if found else {site: content.digest(moment, SiteKey(site), watch) for site in digest.as_of(moment)}
        )
    if seen is None:
        stop(f"{snapshot.name_of(url)} has {found} differences: restore a backup", status=WRONG)
    typer.echo(f"{snapshot.name_of(url)} is sound.")
    _tell(seen)
    for site, of_content in contents.items():
        typer.echo(f"Content of {site}: {of_content}")


@commands.command("render")
def render_database(config: Config = None) -> None:
    """Render anew every text whose HTML an older release made. May run beside the service; once interrupted, again."""
    from service import settings as configuration
    from service.moderation import rendering
    from service.store import snapshot

    settings = configuration.load(config)
    with progress({rendering.STEP: "Rendering"}) as watch:
        rendered = asyncio.run(_render(settings, watch))
    typer.echo(f"{snapshot.name_of(settings.database.url)}: {rendered} texts rendered anew.")


async def _render(settings: "Settings", watch: "Watch") -> int:
    from service.moderation import rendering
    from service.store import snapshot

    with snapshot.of(settings.database.url) as moment:
        snapshot.require_current(moment)  # nothing is made where no store is, and none is upgraded by the way
    async with store_beside(settings) as database:
        return await rendering.render_older(database, watch)


@commands.command("copy")
def copy_database(
    to: Annotated[str, typer.Option("--to", help="Where to: postgresql://... or sqlite:///... There is nothing yet.")],
    config: Config = None,
) -> None:
    """Copy the database to another, SQLite or PostgreSQL. Once interrupted, it goes on where it was.

    Stop the service before a move: what is written after the copy began is not in it.
    """
    from pydantic import TypeAdapter, ValidationError

    from service import settings as configuration
    from service.store import copy, snapshot
    from service.values import DatabaseUrl

    source = configuration.load(config).database.url
    try:
        target = TypeAdapter(DatabaseUrl).validate_python(to)
    except ValidationError as error:
        stop(f"--to: {error.errors()[0]['msg'].removeprefix('Value error, ')}", status=MISUSED)
    with progress(STEPS) as watch, snapshot.of(source, watch) as moment:
        copied = copy.copy(moment, target, watch)
    typer.echo(f"{snapshot.name_of(target)} holds what {snapshot.name_of(source)} does.")
    _tell(copied)


def _tell(found: "Digest") -> None:
    """What a store holds: compare two of these to know whether two stores hold the same."""
    last = ", ".join(f"{site} {seq}" for site, seq in found.as_of.items()) or "none"
    typer.echo(f"Digest {found.text}\nRows {found.rows}\nLast event of each site: {last}")
