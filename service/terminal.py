"""What the commands have in common: the option `--config`, what they print, how they stop. For `cli` and its parts.

Plain lines where nobody reads along: width and colour are a terminal's, so another program gets whole lines.
"""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Concatenate, NoReturn, ParamSpec, TypeVar

import typer

from service.model import ApiKey, Milliseconds, SiteKey, system_clock

if TYPE_CHECKING:  # each command imports what it needs, in its own function: help must not wait for a store
    from service.checkup.finding import Finding
    from service.settings import Settings, Site
    from service.store.database import Database, Transaction
    from service.store.snapshot import Watch

P = ParamSpec("P")
Answer = TypeVar("Answer")
COLOURS = {"ok": "green", "warn": "yellow", "FAIL": "bold red"}
ENDLESS_COLUMNS = 1000
MISUSED = 2

Config = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="The configuration file. Else $GATEPOST_CONFIG, else ./gatepost.toml."),
]


def stop(sentence: str, *, status: int) -> NoReturn:
    """End the process with a sentence on standard error."""
    typer.echo(sentence, err=True)
    raise SystemExit(status)


def site_of(settings: "Settings", key: str) -> "Site":
    """The site that `--site` names; ends the process where there is none."""
    site = settings.sites.get(SiteKey(key))
    if site is None:
        known = ", ".join(settings.sites) or "none"
        stop(f'there is no site "{key}" in the configuration (there: {known}): correct --site', status=MISUSED)
    return site


def only_site(settings: "Settings", key: str | None) -> "Site":
    """The site that `--site` names, or the only one there is; ends the process where that is not clear."""
    if key is not None:
        return site_of(settings, key)
    if len(settings.sites) != 1:
        stop(f"say which site with --site (there: {', '.join(settings.sites) or 'none'})", status=MISUSED)
    return next(iter(settings.sites.values()))


@asynccontextmanager
async def store_beside(settings: "Settings") -> AsyncIterator["Database"]:
    """The store for a short command, also while a server has it open. Raises StoreError."""
    from service.store.database import Database

    store = settings.database
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
        yield database
    finally:
        await database.close()


def write(
    settings: "Settings", work: "Callable[Concatenate[Transaction, P], Answer]", /, *args: P.args, **kwargs: P.kwargs
) -> Answer:
    """One transaction, also while a server has the store open. Raises StoreError, and what `work` raises."""

    async def once() -> Answer:
        async with store_beside(settings) as database:
            return await database.write(work, *args, **kwargs)

    return asyncio.run(once())


def read(
    settings: "Settings", work: "Callable[Concatenate[Transaction, P], Answer]", /, *args: P.args, **kwargs: P.kwargs
) -> Answer:
    """One look, likewise."""

    async def once() -> Answer:
        async with store_beside(settings) as database:
            return await database.read(work, *args, **kwargs)

    return asyncio.run(once())


@contextmanager
def progress(steps: Mapping[str, str]) -> Iterator["Watch"]:
    """A bar for each step of a long piece of work, by its name and what to call it: how much is done, how fast it goes
    and how long it will take. On a terminal only."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        Progress,
        ProgressColumn,
        Task,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    from service.store.snapshot import Watch

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            speed = task.finished_speed or task.speed
            return Text(f"{speed:,.0f}/s" if speed else "")

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), Rate(), TimeRemainingColumn())
    bars = Progress(*columns, console=console)
    tasks = {name: bars.add_task(text, total=None, visible=False) for name, text in steps.items()}

    def show(step: str, done: int, of_all: int) -> None:
        bars.update(tasks[step], completed=done, total=of_all, visible=True)

    if not console.is_terminal:
        yield Watch()
        return
    with bars:
        yield Watch(show)


def agrees(question: str) -> bool:
    """Asks on standard error: what a command prints is only what was done."""
    typer.echo(f"{question} [y/N] ", err=True, nl=False)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def show_configuration(toml: str, *, file: object, variables: Iterable[str]) -> None:
    """The effective configuration, and where it came from."""
    typer.echo(f"# File: {file or 'none'}\n# Environment: {', '.join(variables) or 'nothing'}\n{toml}")


def show_finding(finding: "Finding") -> None:
    """One line, and its fix below it."""
    from rich.console import Console
    from rich.text import Text

    line = Text.assemble((f"{finding.outcome:5}", COLOURS[finding.outcome]), f"{finding.subject}: {finding.text}")
    Console(highlight=False).print(line, soft_wrap=True)
    if finding.fix:
        typer.echo(f"     -> {finding.fix}")


def show_keys(keys: Iterable[ApiKey], *, now: Milliseconds) -> None:
    """All keys as a table."""
    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

    table = Table(Column("id", no_wrap=True), "name", "site", "role", "made", "state", box=None, pad_edge=False)
    for key in keys:
        roles = ", ".join(sorted(key.roles))
        table.add_row(key.id, Text(key.name), key.site or "all", roles, _day(key.created_at), _state(key, now=now))
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = ENDLESS_COLUMNS
    console.print(table)


def show_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Rows of words, each under its column."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*map(Text, row))
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = ENDLESS_COLUMNS
    console.print(table)


def lifetime(key: ApiKey) -> str:
    """How long a key is good, in words."""
    return "until it is revoked" if key.expires_at is None else f"until {_day(key.expires_at)}"


def _state(key: ApiKey, *, now: Milliseconds) -> str:
    if key.revoked_at is not None:
        return f"revoked {_day(key.revoked_at)}"
    if key.expires_at is not None and key.expires_at <= now:
        return f"ended {_day(key.expires_at)}"
    return f"good {lifetime(key)}"


def _day(time: Milliseconds) -> str:
    return f"{datetime.fromtimestamp(time / 1000, UTC):%Y-%m-%d}"


def version_installed() -> str:
    """Which version of Gatepost this is."""
    try:
        return version("gatepost")
    except PackageNotFoundError:  # run from a clone that nobody installed
        return "(not installed)"
