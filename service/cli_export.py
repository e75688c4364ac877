"""`gatepost export`: what is kept, written into files. A part of `cli`."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service import terminal
from service.model import SiteKey
from service.terminal import MISUSED, Config, stop, store_beside

if TYPE_CHECKING:  # what a command needs it imports itself: see `terminal`
    from service.settings import Settings
    from service.store.snapshot import Watch
    from service.transfer.pages import Done

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
    from service import settings as configuration
    from service.transfer import pages
    from service.transfer.pages import FolderError

    settings = configuration.load(config)
    if not settings.sites:
        stop("there is no site in the configuration, so nothing to write: name the file with --config", status=MISUSED)
    chosen = None if site is None else terminal.site_of(settings, site).key
    with terminal.progress({pages.STEP: "Writing"}) as watch:
        try:
            done = asyncio.run(_export(settings, chosen, directory, watch))
        except FolderError as error:
            stop(str(error), status=WRONG)
    for key, result in done.items():
        posts, files = _number(result.posts, "post"), _number(result.removed, "file")
        typer.echo(f"{key}: {posts}, {result.written} written, {files} removed.")


def _number(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


async def _export(settings: "Settings", site: SiteKey | None, directory: Path, watch: "Watch") -> "dict[SiteKey, Done]":
    from service.store import snapshot
    from service.transfer import pages

    with snapshot.of(settings.database.url) as moment:
        snapshot.require_current(moment)  # a store that is not there must not empty the folder
    sites = [found for key, found in settings.sites.items() if site in (None, key)]
    async with store_beside(settings) as database:
        return await pages.export(database, sites, directory, watch)


@commands.command("site")
def export_site(
    file: Annotated[Path, typer.Argument(help="The file to write: FILE.jsonl, or FILE.jsonl.gz.")],
    site: Annotated[str | None, typer.Option(help="The site. May be left out where there is one.")] = None,
    people: Annotated[
        bool, typer.Option("--people", help="With what only moderators see: who people are, decisions, notes, bans.")
    ] = False,
    config: Config = None,
) -> None:
    """Write all comments of a site, in every status, as lines of JSON (docs/export.md). While the service runs."""
    from service import settings as configuration
    from service.store import snapshot
    from service.transfer import content, written

    settings = configuration.load(config)
    chosen = terminal.only_site(settings, site)
    try:
        with (
            terminal.progress({content.STEP: "Reading"}) as watch,
            snapshot.of(settings.database.url, watch) as moment,
            written.replacing(file) as target,
        ):
            snapshot.require_current(moment)
            target.write(content.header(moment, chosen.key, people=people, watch=watch))
            target.writelines(content.lines(moment, chosen.key, people=people, watch=watch))
    except OSError as error:
        stop(f"{file} cannot be written ({error.strerror}): name another file", status=WRONG)
    typer.echo(f"{file} holds {chosen.key}{' with people' if people else ''}.")
