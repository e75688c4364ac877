"""`gatepost lists`: lists of words, hosts and patterns from files and into files. A part of `cli`.

A file has one entry on each line; behind tabs its exceptions. Empty lines, and what follows `#` at the beginning of a
line, say nothing.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service import terminal
from service.terminal import MISUSED, Config, site_of, stop

if TYPE_CHECKING:  # what a command needs it imports itself: see `terminal`
    from collections.abc import Sequence

    from service.model import SiteKey, SiteRules
    from service.moderation.lists import Addition, Changed
    from service.store.database import Transaction
    from service.store.lists import KeptEntry
    from service.triage.lists.entry import ListKind

commands = typer.Typer(no_args_is_help=True, help="Lists of words, hosts and patterns, which rules ask about.")
Name = Annotated[str, typer.Argument(help="The list's name, as rules name it.")]
Site = Annotated[str, typer.Option(help="The site whose list it is.")]


@commands.command("import")
def import_list(
    name: Name,
    file: Annotated[Path, typer.Argument(help="One entry on each line, its exceptions behind tabs.")],
    site: Site,
    kind: Annotated[str, typer.Option(help="Of a new list: words, hosts or patterns.")] = "words",
    title: Annotated[str | None, typer.Option(help="Of a new list: what moderators read. Else its name.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Remove what is not in the file.")] = False,
    config: Config = None,
) -> None:
    """Add the entries of a file to a list, which is made if it is not there. Beside a running service too."""
    from service import settings as configuration
    from service.errors import InvalidRequest
    from service.triage.lists.entry import ListKind

    settings = configuration.load(config)
    of_site = site_of(settings, site)
    if kind not in list(ListKind):
        stop(f"--kind: write one of {', '.join(ListKind)}", status=MISUSED)
    lines, additions = _read(file)
    try:
        changed = terminal.write(
            settings, _import, of_site.rules, name, ListKind(kind), title or name, additions, replace=replace
        )
    except InvalidRequest as wrong:
        for mistake in wrong.mistakes:
            typer.echo(_sentence(file, lines, *mistake), err=True)
        stop("Nothing was changed.", status=MISUSED)
    typer.echo(
        f"{name}: {changed.added} added, {changed.removed} removed, {changed.unchanged} unchanged;"
        f" {changed.kept.entries} entries, version {changed.kept.version}"
    )


@commands.command("export")
def export_list(name: Name, site: Site, config: Config = None) -> None:
    """Print the entries of a list, as `import` reads them."""
    from service import settings as configuration
    from service.errors import UnknownList

    settings = configuration.load(config)
    of_site = site_of(settings, site)
    try:
        entries = terminal.read(settings, _entries, of_site.key, name)
    except UnknownList:
        stop(f'the site "{site}" has no list "{name}"', status=MISUSED)
    for one in entries:
        typer.echo("\t".join((one.entry.value, *one.entry.exceptions)))


def _read(file: Path) -> "tuple[list[int], Sequence[Addition]]":
    """The entries of a file, and on which line each stands."""
    from service.moderation.lists import Addition
    from service.triage.lists.written import read as read_entries

    try:
        written = file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        stop(f"{file}: cannot be read as UTF-8 ({error})", status=MISUSED)
    found = read_entries(written)
    return [number for number, _ in found], [Addition(entry) for _, entry in found]


def _import(
    tx: "Transaction",
    site: "SiteRules",
    name: str,
    kind: "ListKind",
    title: str,
    additions: "Sequence[Addition]",
    *,
    replace: bool,
) -> "Changed":
    from service.model import Actor, ActorKind
    from service.moderation import lists
    from service.moderation.lists import Wanted
    from service.store import lists as stored

    operator = Actor(ActorKind.MODERATOR, "operator", "Operator")
    kept = stored.get(tx, site.key, name)
    if kept is None:
        kept, _ = lists.put(tx, site.key, name, Wanted(title, kind), operator, expected=0)
    leaving: list[str] = []
    if replace:
        wanted = {one.entry.value for one in additions}
        leaving = [one.entry.value for one in stored.entries(tx, site.key, name) if one.entry.value not in wanted]
    return lists.change_entries(tx, site, name, operator, expected=kept.version, add=additions, remove=leaving)


def _entries(tx: "Transaction", site: "SiteKey", name: str) -> "list[KeptEntry]":
    from service.moderation import lists
    from service.store import lists as stored

    lists.get(tx, site, name)
    return stored.entries(tx, site, name)


def _sentence(file: Path, lines: "Sequence[int]", pointer: str, detail: str) -> str:
    """A mistake with the line of the file that it is about."""
    parts = pointer.split("/")
    if len(parts) > 2 and parts[1] == "add":
        return f"{file}:{lines[int(parts[2])]}: {detail}"
    return detail
