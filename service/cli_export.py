"""`gatepost export`: what is kept, written into files. A part of `cli`."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from service import settings as configuration
from service import terminal
from service.model import SiteKey, system_clock
from service.settings import Settings
from service.store import snapshot
from service.store.database import Database
from service.store.snapshot import Watch
from service.terminal import Config, stop
from service.transfer import pages
from service.transfer.pages import Done, FolderError

WRONG = 1

commands = typer.Typer(no_args_is_help=True, help="Files for others: published pages for a static build.")


@commands.callback()
def about() -> None:
    """Files for others."""


@commands.command("pages")
def export_pages(
    directory: Annotated[Path, typer.Argument(help="The folder to write them to: new, empty, or of an earlier run.")],
    site: Annotated[str | None, typer.Option(help="The one site to write. Else: all sites.")] = None,
    config: Config = None,
) -> None:
    """Write the published comments of every post as JSON and HTML, while the service runs. Only what changed."""
    settings = configuration.load(config)
    chosen = None if site is None else terminal.site_of(settings, site).key
    with terminal.progress({pages.STEP: "Writing"}) as watch:
        try:
            done = asyncio.run(_export(settings, chosen, directory, watch))
        except FolderError as error:
            stop(str(error), status=WRONG)
    for key, result in done.items():
        typer.echo(f"{key}: {result.posts} posts, {result.written} written, {result.removed} files removed.")


async def _export(settings: Settings, site: SiteKey | None, directory: Path, watch: Watch) -> dict[SiteKey, Done]:
    store = settings.database
    with snapshot.of(store.url) as moment:
        snapshot.require_current(moment)  # a store that is not there must not empty the folder
    database = await Database.open(
        store.url,
        clock=system_clock,
        readers=1,
        busy_seconds=store.busy_seconds,
        statement_seconds=store.statement_seconds,
        prepared_statements=store.prepared_statements,
        alongside=True,
    )
    try:
        sites = [found for key, found in settings.sites.items() if site in (None, key)]
        return await pages.export(database, sites, directory, watch)
    finally:
        await database.close()
