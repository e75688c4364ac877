"""Makes backups while a server writes, and keeps the newest. For `gatepost db backup` and the scheduled backups.

A backup is one SQLite file, whatever the engine, that stands alone. It is written under another name, opened again,
verified and digested; only a file that passed gets the name of a backup.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

from service import refusal
from service.model import Milliseconds
from service.store import copy, digest, files, snapshot, verify
from service.store.digest import Digest
from service.store.engine import StoreError
from service.store.snapshot import Snapshot, SqliteSnapshot, Watch

NAME = "gatepost-%Y%m%dT%H%M%SZ.db"
UNFINISHED = ".unfinished"
PAGES_AT_ONCE = 1024
LEFT_BEHIND_MILLISECONDS = 86_400_000
MOST_DIFFERENCES = 10
"""How many are named where a damaged store is refused: `gatepost db verify` tells all."""


@dataclass(frozen=True, slots=True)
class Backup:
    """A file that was verified, and what it holds."""

    path: Path
    digest: Digest


def take(url: str, folder: Path, *, now: Milliseconds, watch: Watch) -> Backup:
    """Back the store at `url` up into `folder`, which is made if its parent is there.

    Raises StoreError when there is no sound store, or no room for it, and StoppedError. No file is left then.
    """
    final = folder / datetime.fromtimestamp(now // 1000, UTC).strftime(NAME)
    with _one_line(final):
        folder.mkdir(exist_ok=True)
        if final.exists():
            raise StoreError(f"{final}: is there already: a second has only one backup")
        with _unfinished(final, now=now) as path:
            with snapshot.of(url, watch) as moment:
                write(moment, path, watch)
            found = examine(path, watch, name=snapshot.name_of(url))
            files.sync(path)
            path.rename(final)
            files.sync(folder)
    return Backup(final, found)


def write(moment: Snapshot, path: Path, watch: Watch) -> None:
    """Write everything that the store holds at this moment into a new file. Raises StoreError or sqlite3.Error."""
    snapshot.require_current(moment)
    if isinstance(moment, SqliteSnapshot):
        copy_pages(moment, path, watch)
    else:
        copy.copy(moment, f"sqlite:///{path}", watch)


def copy_pages(moment: SqliteSnapshot, path: Path, watch: Watch) -> None:
    """Copy an SQLite file page by page. The snapshot's transaction holds the moment, however long that takes."""
    files.make_private(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as made:
        made.execute("PRAGMA synchronous = OFF")  # synced as a whole once it is verified
        moment.connection.backup(
            made, pages=PAGES_AT_ONCE, progress=lambda _, left, total: watch.tell("copy", total - left, total)
        )
        made.execute("PRAGMA journal_mode = DELETE")  # stands alone, and can be read where nothing can be written


def examine(path: Path, watch: Watch, *, name: str) -> Digest:
    """Open a copy of `name` afresh, verify it, read all of it. Raises StoreError when it is not sound."""
    with snapshot.of(f"sqlite:///{path}", watch) as moment:
        found = list(islice(verify.differences(moment, watch), MOST_DIFFERENCES))
        if found:
            raise StoreError("\n".join([f"{name}: is damaged, so this is no backup:", *found]))
        return digest.of(moment, watch)


def newest(folder: Path) -> Milliseconds | None:
    """When the newest backup in `folder` was made. Raises OSError."""
    return max((made for made, _ in _backups(folder)), default=None)


def keep_newest(folder: Path, keep: int) -> list[Path]:
    """Remove all but the newest `keep` backups; which. Nothing else in the folder is touched. Raises OSError."""
    old = [path for _, path in sorted(_backups(folder), reverse=True)[keep:]]
    for path in old:
        path.unlink(missing_ok=True)
    return old


def _backups(folder: Path) -> Iterator[tuple[Milliseconds, Path]]:
    for path in folder.iterdir() if folder.is_dir() else ():
        if (made := _made(path.name)) is not None:
            yield made, path


def _made(name: str) -> Milliseconds | None:
    """When the backup of this name was made; None where it is no backup's name."""
    try:
        made = datetime.strptime(f"{name}+0000", f"{NAME}%z")
    except ValueError:
        return None
    return int(made.timestamp()) * 1000 if made.strftime(NAME) == name else None


@contextmanager
def _unfinished(final: Path, *, now: Milliseconds) -> Iterator[Path]:
    """A name for the file until it is a backup: what failed goes, and so does what a killed run left a day ago."""
    for left in final.parent.glob(f"gatepost-*{UNFINISHED}"):
        made = _made(left.name.removesuffix(UNFINISHED))
        if made is not None and made < now - LEFT_BEHIND_MILLISECONDS:
            files.remove(left)
    path = files.beside(final, UNFINISHED)
    try:
        yield path
    finally:
        files.remove(path)


@contextmanager
def _one_line(final: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        reason = getattr(error, "strerror", None) or error  # without the path of a file that is not there yet
        raise StoreError(f"{final}: the backup cannot be made ({reason}{refusal.as_whom(error)})") from None
