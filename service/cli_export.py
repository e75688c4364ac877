"""`gatepost export`: what is kept, written into files. A part of `cli`."""

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service import terminal
from service.model import SiteKey
from service.terminal import MISUSED, Config, stop, store_beside

if TYPE_CHECKING:  # what a command needs it imports itself: see `terminal`
    from service.settings import Settings, Site
    from service.store.snapshot import Snapshot, Watch
    from service.transfer.pages import Done

WRONG = 1

commands = typer.Typer(
    no_args_is_help=True, help="Files for others: all comments of a site, or published pages for a static build."
)


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


File = Annotated[Path, typer.Argument(help="The file to write. A name that ends in .gz or .zst is packed.")]
OneSite = Annotated[str | None, typer.Option("--site", help="The site. May be left out where there is one.")]


@commands.command("site")
def export_site(
    file: File,
    site: OneSite = None,
    people: Annotated[
        bool, typer.Option("--people", help="With what only moderators see: who people are, decisions, notes, bans.")
    ] = False,
    config: Config = None,
) -> None:
    """Write all comments of a site, in every status, as lines of JSON (docs/export.md), while the service runs."""
    from service.transfer import content

    def pieces(moment: "Snapshot", chosen: "Site", watch: "Watch") -> "Iterator[bytes]":
        yield content.header(moment, chosen.key, people=people, watch=watch)
        yield from content.lines(moment, chosen.key, people=people, watch=watch)

    _write(file, site, config, pieces)


@commands.command("wordpress")
def export_wordpress(file: File, site: OneSite = None, config: Config = None) -> None:
    """Write approved, pending and spam comments of a site as WordPress does (WXR 1.2), while the service runs."""
    from service.transfer import wordpress_file

    _write(file, site, config, wordpress_file.lines)


@commands.command("csv")
def export_csv(file: File, site: OneSite = None, config: Config = None) -> None:
    """Write all comments of a site as a table, for people, while the service runs."""
    from service.transfer import csv_file

    def pieces(moment: "Snapshot", chosen: "Site", watch: "Watch") -> "Iterator[bytes]":
        return csv_file.lines(moment, chosen.key, watch)

    _write(file, site, config, pieces)


def _write(
    file: Path, site: str | None, config: Path | None, pieces: "Callable[[Snapshot, Site, Watch], Iterator[bytes]]"
) -> None:
    from service import settings as configuration
    from service.store import snapshot
    from service.transfer import written

    settings = configuration.load(config)
    chosen = terminal.only_site(settings, site)
    try:
        with (
            terminal.progress({"content": "Reading"}) as watch,
            snapshot.of(settings.database.url, watch) as moment,
            written.replacing(file) as target,
        ):
            snapshot.require_current(moment)
            target.writelines(pieces(moment, chosen, watch))
    except OSError as error:
        stop(f"{file} cannot be written ({error.strerror}): name another file", status=WRONG)
    typer.echo(f"{file} holds the comments of {chosen.key}.")
