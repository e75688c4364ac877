"""`gatepost import`: comments of another system, and taking an import back. A part of `cli`.

What it finds is said before anything is written; it asks on a terminal, and elsewhere wants `--yes`.
"""

import asyncio
import gc
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service import terminal
from service.model import system_clock
from service.terminal import MISUSED, Config, stop

if TYPE_CHECKING:  # what a command needs it imports itself: see `terminal`
    from service.settings import Settings, Site
    from service.store.database import Database
    from service.store.staged import Stage
    from service.transfer.bringing import Ready
    from service.transfer.formats.format import Format
    from service.transfer.opened import Source
    from service.transfer.reading import Wanted
    from service.transfer.report import Report

WRONG = 1
NOT_TAKEN = (
    "The store does not take it now: it is full, locked, gone or very slow. What came stays; run the same command "
    "again, and it goes on where it was."
)
AUTO = "auto"
STEPS = {"read": "Reading, kB", "look": "Comparing, comments", "write": "Writing, comments"}


def import_comments(
    format_name: Annotated[
        str | None, typer.Argument(metavar="FORMAT", help="wordpress, disqus, ... or auto. docs/moving.md has all.")
    ] = None,
    files: Annotated[list[Path] | None, typer.Argument(metavar="FILE...", help="What that system exported.")] = None,
    site: Annotated[
        str | None, typer.Option(help="The site to bring them to. May be left out where there is one.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would come, or go.")] = False,
    report_to: Annotated[Path | None, typer.Option("--report", help="A file for the report as JSON.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before it is done.")] = False,
    update: Annotated[
        bool, typer.Option("--update", help="Take changed texts and states of what nobody decided about here since.")
    ] = False,
    truncate: Annotated[bool, typer.Option("--truncate", help="Cut texts that are too long.")] = False,
    login: Annotated[
        str | None, typer.Option(help="The login of the site whose subjects are the ids of the file's users.")
    ] = None,
    key: Annotated[str, typer.Option(help="What a post is called by: url-path, url or id.")] = "url-path",
    map_file: Annotated[Path | None, typer.Option("--map", help="CSV from,to: keys of posts that win.")] = None,
    pingbacks: Annotated[bool, typer.Option("--pingbacks", help="Take pingbacks and trackbacks as well.")] = False,
    bans: Annotated[bool, typer.Option("--bans", help="Ban whom the old system had blocked, if new here.")] = False,
    undo: Annotated[str | None, typer.Option(metavar="BATCH", help="Take back what this import brought.")] = None,
    config: Config = None,
) -> None:
    """Bring comments of another system, each once however often; or take an import back (--undo)."""
    from service import settings as configuration

    settings = configuration.load(config)
    chosen = terminal.only_site(settings, site)
    if undo is not None:
        if format_name is not None:
            stop("--undo takes no files: it takes back what that import brought", status=MISUSED)
        asyncio.run(_undo(settings, chosen, undo, dry_run=dry_run, is_sure=yes))
        return
    if format_name is None or not files:
        stop("name a format (or auto) and the files: `gatepost import wordpress export.xml`", status=MISUSED)
    wanted = _wanted(
        chosen,
        key,
        map_file,
        login=_namespace(chosen, login) if login else None,
        truncates=truncate,
        pingbacks=pingbacks,
        bans=bans,
    )
    _run(settings, wanted, format_name, files, dry_run=dry_run, report_to=report_to, yes=yes, update=update)


def _run(
    settings: "Settings",
    wanted: "Wanted",
    format_name: str,
    files: list[Path],
    *,
    dry_run: bool,
    report_to: Path | None,
    yes: bool,
    update: bool,
) -> None:
    from service.errors import StoreUnavailable
    from service.model import new_id
    from service.moderation.restoring import NotForThisSiteError
    from service.store import staged
    from service.transfer import bringing
    from service.transfer.opened import Source, SourceError
    from service.transfer.report import Report

    report = Report(site=wanted.site.key)
    gc.freeze()  # what is there now stays: it need not be looked through again and again
    try:
        source = Source(files)
        form = _format(format_name, source)
        with staged.opened() as stage:
            with terminal.progress(STEPS) as watch:
                ready = bringing.prepare(source, form, wanted, stage, report, watch, batch=new_id(system_clock()))
            asyncio.run(_bring(settings, replace(ready, updates=update), stage, report, dry_run=dry_run, is_sure=yes))
    except (SourceError, NotForThisSiteError) as error:
        stop(str(error), status=WRONG)
    except StoreUnavailable:
        stop(NOT_TAKEN, status=WRONG)
    finally:
        if report_to is not None and report.format:
            _write_report(report_to, report)


async def _bring(
    settings: "Settings", ready: "Ready", stage: "Stage", report: "Report", *, dry_run: bool, is_sure: bool
) -> None:
    from service.transfer import bringing

    async with terminal.store_beside(settings) if dry_run else _store(settings) as database:
        with terminal.progress(STEPS) as watch:
            await bringing.look(database, ready, stage, report, watch)
        for line in report.words():
            typer.echo(line, err=not dry_run)
        if dry_run:
            return
        _ask("Bring them?", is_sure=is_sure)
        if report.known < report.comments:
            typer.echo(f"To take it back, also if it is interrupted: {report.undoing(ready.batch)}", err=True)
        with terminal.progress(STEPS) as watch:
            await bringing.write(database, ready, stage, report, watch)
    for line in report.outcome():
        typer.echo(line)


async def _undo(settings: "Settings", site: "Site", batch: str, *, dry_run: bool, is_sure: bool) -> None:
    from service.model import BatchId
    from service.transfer import bringing

    async with terminal.store_beside(settings) if dry_run else _store(settings) as database:
        number = await bringing.size(database, site.key, BatchId(batch))
        if not number:
            stop(f"no comment of {site.key} was brought by {batch}", status=WRONG)
        typer.echo(f"{batch} brought {number} comments that are here.", err=not dry_run)
        if dry_run:
            return
        _ask("Take them out?", is_sure=is_sure)
        with terminal.progress({"undo": "Taking out, comments"}) as watch:
            staying = await bringing.undo(database, site.key, BatchId(batch), watch)
    typer.echo(f"Taken out: {number - len(staying)}.")
    for comment_id, why in staying:
        typer.echo(f"Stayed: comment {comment_id}, {why}")


@asynccontextmanager
async def _store(settings: "Settings") -> "AsyncIterator[Database]":
    """The store: on SQLite alone, held against servers, so that its log is brought into the file meanwhile.

    Raises StoreError.
    """
    from service.store.database import Database

    store = settings.database
    database = await Database.open(
        store.url,
        clock=system_clock,
        readers=1,
        busy_seconds=store.busy_seconds,
        statement_seconds=store.statement_seconds,
        prepared_statements=store.prepared_statements,
    )
    try:
        yield database
    finally:
        await database.close()


def _ask(question: str, *, is_sure: bool) -> None:
    if is_sure:
        return
    if not sys.stdin.isatty():
        stop("Nothing was written: say --yes where nobody can be asked.", status=MISUSED)
    if not terminal.agrees(question):
        stop("Nothing was written.", status=WRONG)


def _wanted(
    site: "Site", key: str, map_file: Path | None, *, login: str | None, truncates: bool, pingbacks: bool, bans: bool
) -> "Wanted":
    from service.transfer.keys import Keys, MapError, read_map
    from service.transfer.reading import Wanted

    if key not in list(Keys):
        stop(f"--key is {', '.join(Keys)}", status=MISUSED)
    try:
        given = read_map(map_file) if map_file else {}
    except MapError as error:
        stop(str(error), status=MISUSED)
    return Wanted(site, Keys(key), given, login=login, truncates=truncates, pingbacks=pingbacks, bans=bans)


def _namespace(site: "Site", login: str) -> str:
    """The namespace of the site's login that is called so."""
    found = next((one for one in site.login if one.label == login), None)
    if found is None:
        stop(f"{site.key} has no login {login} (there: {', '.join(one.label for one in site.login)})", status=MISUSED)
    return found.namespace


def _format(name: str, source: "Source") -> "Format":
    from service.transfer import formats

    if name == AUTO:
        return formats.recognised(source)
    found = next((form for form in formats.FORMATS if form.name == name), None)
    if found is None:
        known = ", ".join(form.name for form in formats.FORMATS)
        stop(f"there is no format {name} (there: {AUTO}, {known})", status=MISUSED)
    return found


def _write_report(path: Path, report: "Report") -> None:
    try:
        path.write_text(f"{json.dumps(report.as_json(), indent=1, ensure_ascii=False)}\n", encoding="utf-8")
    except OSError as error:
        stop(f"{path} cannot be written ({error.strerror}): name another file", status=WRONG)
