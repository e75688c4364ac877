"""Puts a backup in the place of a store. For `gatepost db restore`.

The backup is copied beside the store, brought to this program's schema if it is older, verified and digested; nothing
is touched before that. What was there before stays, under another name.
"""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from service import refusal
from service.model import Milliseconds
from service.store import backup, copy, files, migrate, snapshot, sqlite
from service.store.digest import Digest
from service.store.engine import StoreError
from service.store.migrate import SchemaError
from service.store.snapshot import SqliteSnapshot, Watch
from service.store.sqlite import path_of

BUSY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Restored:
    """What is in the store now, where that is which was there before, and (of a suspect backup) some differences."""

    digest: Digest
    replaced: Path | None
    differences: tuple[str, ...] = ()


def restore(
    file: Path, url: str, *, now: Milliseconds, watch: Watch, replace: bool = False, suspect: bool = False
) -> Restored:
    """Put what `file` holds in the place of the store at `url`.

    An SQLite store that is there is kept beside it; a PostgreSQL database must be empty, or is emptied with `replace`.
    A backup with differences is taken only with `suspect`, and only where it can be read to its end. Raises StoreError
    (no sound backup, or a server uses the store) or SchemaError (of a newer release), having changed nothing, and
    StoppedError.
    """
    if url.startswith("sqlite:///"):
        with _one_line(file):
            return _into_file(file, path_of(url), now=now, watch=watch, suspect=suspect)
    with tempfile.TemporaryDirectory(prefix="gatepost-restore-") as folder, _one_line(file):
        path = Path(folder) / "gatepost.db"
        _, differences = _prepare(file, path, watch, suspect=suspect)
        with snapshot.of(f"sqlite:///{path}", watch) as moment:
            return Restored(copy.copy(moment, url, watch, replace=replace), None, differences)


def _into_file(file: Path, store: Path, *, now: Milliseconds, watch: Watch, suspect: bool) -> Restored:
    if store.exists() and file.exists() and file.samefile(store):
        raise StoreError(f"{file}: is the store itself: name a backup")
    kept = store.with_name(f"{store.name}.replaced-{datetime.fromtimestamp(now // 1000, UTC):%Y%m%dT%H%M%SZ}")
    lock = sqlite.lock(store)
    new = files.beside(store, ".restoring")
    try:
        files.remove(new)
        found, differences = _prepare(file, new, watch, suspect=suspect)
        like = store if store.exists() else store.parent
        _own_like(like, [new, files.beside(store, ".lock")])
        files.sync(new)
        replaced = _keep(store, kept) if store.exists() else None
        new.replace(store)
        files.sync(store.parent)
    finally:
        files.remove(new)
        os.close(lock)
    return Restored(found, replaced, differences)


def _prepare(file: Path, path: Path, watch: Watch, *, suspect: bool) -> tuple[Digest, tuple[str, ...]]:
    """Make at `path` a store of today's schema that holds what `file` does; its digest, and its differences.

    Raises StoreError where it has any, unless `suspect`.
    """
    with closing(SqliteSnapshot(file, watch)) as moment:
        _refuse_unknown(moment)
        backup.copy_pages(moment, path, watch)
    if moment.version != migrate.head():
        migrate.upgrade(path, BUSY_SECONDS)
        with closing(sqlite3.connect(path, isolation_level=None)) as made:
            made.execute("PRAGMA journal_mode = DELETE")
    differences = backup.differences_in(path, watch)
    if differences and not suspect:
        refused = f"{file}: is suspect, so restore it (--suspect) only where no other backup is sound:"
        raise StoreError("\n".join([refused, *differences]))
    return backup.digest_of(path, watch), differences


def _refuse_unknown(moment: SqliteSnapshot) -> None:
    version = moment.version or ""
    if version.isdecimal() and version > migrate.head():
        raise SchemaError(
            f"{moment.name}: its schema ({version}) is newer than this Gatepost knows ({migrate.head()}): "
            "install the newer release"
        )
    if not version.isdecimal():
        snapshot.require_current(moment)  # nothing, or an unfinished copy


def _keep(store: Path, kept: Path) -> Path:
    """Give the old store a second name, with all that it holds; the first stays until the new one takes it."""
    with suppress(SchemaError, sqlite3.Error):  # a ruined one cannot be opened: its log then goes with it
        migrate.current_in(store)
        with closing(sqlite3.connect(store, timeout=BUSY_SECONDS, isolation_level=None)) as old:
            old.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            old.execute("PRAGMA journal_mode = DELETE")
    try:
        os.link(store, kept)
    except OSError:  # a file system without links
        if kept.exists():
            raise
        shutil.copy2(store, kept)
    for suffix in ("-wal", "-journal"):  # must not meet the new file: SQLite would play it into that
        with suppress(FileNotFoundError):
            files.beside(store, suffix).rename(files.beside(kept, suffix))
    files.beside(store, "-shm").unlink(missing_ok=True)
    files.sync(store.parent)
    return kept


def _own_like(like: Path, paths: list[Path]) -> None:
    """Restored by root, a store still belongs to whom the service runs as."""
    owner = like.stat()
    for path in paths:
        with suppress(PermissionError):
            os.chown(path, owner.st_uid, owner.st_gid)


@contextmanager
def _one_line(file: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"{file}: cannot be restored ({error}{refusal.as_whom(error)})") from None
