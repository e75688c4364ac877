"""Is the store there, is its schema current, does it take a write, is there room for more?"""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from service.checkup.finding import Finding, fail, ok, warn
from service.checkup.masking import mask_address
from service.errors import StoreUnavailable
from service.model import Clock
from service.settings import DatabaseSettings
from service.store import migrate, probe
from service.store.database import Database
from service.store.engine import StoreError
from service.store.sqlite import path_of

MEGABYTE = 1_000_000
LITTLE_SPACE_BYTES = 500 * MEGABYTE
NO_SPACE_BYTES = 50 * MEGABYTE


async def examine(settings: DatabaseSettings, *, clock: Clock) -> list[Finding]:
    """Everything about the store at `settings.url`, whether or not a server uses it at the moment."""
    if not settings.url.startswith("sqlite:"):
        return [await _server(settings, clock=clock)]
    path = path_of(settings.url).absolute()
    folder = next(parent for parent in path.parents if parent.exists())
    if not path.exists():
        return [_future(path, folder), _space(folder)]
    try:
        version = migrate.current_in(path)
    except migrate.SchemaError as error:
        return [fail("database", str(error), "correct database.url, or the permissions of the file and its folder")]
    if version != migrate.head():
        return [_schema(str(path), version), _space(folder)]
    fix = "look at the permissions of the file, its folder and the files beside it (-wal, -shm), and at the disk"
    return [await _write(settings, str(path), fix, clock=clock), _space(folder)]


@asynccontextmanager
async def opened(settings: DatabaseSettings, *, clock: Clock) -> AsyncIterator[Database | None]:
    """The store, to look at what is in it beside a running server; None where `examine` says why that cannot be."""
    database = None
    with suppress(StoreError, migrate.SchemaError):
        if await asyncio.to_thread(_version_of, settings.url) == migrate.head():
            database = await Database.open(
                settings.url, clock=clock, readers=1, busy_seconds=settings.busy_seconds, alongside=True
            )
    try:
        yield database
    finally:
        if database is not None:
            await database.close()


def unreadable(problem: StoreUnavailable) -> Finding:
    """A store that takes a write, and does not say what is in it."""
    fix = "`gatepost db verify` looks through all of it: where it is damaged, restore a backup"
    return fail("database", f"cannot be read ({problem.__cause__ or problem.detail})", fix)


def _version_of(url: str) -> str | None:
    """Raises SchemaError."""
    if url.startswith("sqlite:"):
        path = path_of(url).absolute()
        return migrate.current_in(path) if path.exists() else None
    from service.store.postgres import address_of

    return migrate.current_on_server(address_of(url))


def _future(path: Path, folder: Path) -> Finding:
    if not os.access(folder, os.W_OK | os.X_OK):
        fix = f"give {folder} to the user that runs Gatepost (here: uid {os.geteuid()}), or correct database.url"
        return fail("database", f"{path} is not there and cannot be made", fix)
    return ok("database", f"{path} is not there yet: the first start makes it")


async def _server(settings: DatabaseSettings, *, clock: Clock) -> Finding:
    """PostgreSQL: whether it can be used, what is there, whether it takes a write. It is never upgraded from here."""
    from service.store.postgres import address_of

    store = mask_address(settings.url)
    try:
        version = await asyncio.to_thread(migrate.current_on_server, address_of(settings.url))
    except migrate.SchemaError as error:
        fix = "start the server, or correct database.url or PGPASSWORD (its characters are %-encoded in an address)"
        return fail("database", f"{store}: {error}", fix)
    if version != migrate.head():
        return _schema(store, version)
    return await _write(settings, store, "let its user own the database, and look at the server's disk", clock=clock)


def _schema(store: str, version: str | None) -> Finding:
    if version is None:
        return warn("database", f"{store} is empty", "nothing to do, if this is the right one: the next start fills it")
    if version == migrate.UNFINISHED:
        return fail(
            "database", f"{store} is an unfinished copy", "finish it with `gatepost db copy`, or name another store"
        )
    if version < migrate.head():
        fix = "make a backup; the next start upgrades it, and so does `gatepost db upgrade`"
        return warn("database", f"{store} has schema {version}, this Gatepost has {migrate.head()}", fix)
    return fail(
        "database", f"{store} has schema {version}, this Gatepost knows {migrate.head()}", "install the newer release"
    )


async def _write(settings: DatabaseSettings, store: str, fix: str, *, clock: Clock) -> Finding:
    """Whether it takes a write beside a running server; `fix` is what to do where it does not."""
    try:
        database = await Database.open(
            settings.url, clock=clock, readers=1, busy_seconds=settings.busy_seconds, alongside=True
        )
    except StoreError as error:
        return fail("database", str(error), fix)
    try:
        await database.write(probe.write)
    except StoreUnavailable as problem:
        return fail("database", f"{store} takes no write ({problem.__cause__ or problem.detail})", fix)
    finally:
        await database.close()
    return ok("database", f"{store} has schema {migrate.head()} and takes writes")


def _space(folder: Path) -> Finding:
    free = shutil.disk_usage(folder).free
    text = f"{free // MEGABYTE:,} MB free in {folder}"
    fix = "free some, or move the database to a larger disk"
    if free < NO_SPACE_BYTES:
        return fail("disk", text, fix)
    return warn("disk", text, fix) if free < LITTLE_SPACE_BYTES else ok("disk", text)
