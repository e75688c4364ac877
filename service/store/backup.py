"""Makes backups while a server writes, and keeps the newest. For `gatepost db backup` and the scheduled backups.

A backup is one SQLite file, whatever the engine, that stands alone. It is written under another name, opened again,
verified and digested; only a file that passed gets the name of a sound backup. One with differences is kept as well,
and its name says that it is suspect: when something is wrong with the store is the worst moment to have nothing.
"""

import sqlite3
from collections.abc import Iterator, Sequence
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

NAME = "gatepost-%Y%m%dT%H%M%SZ"
SOUND, SUSPECT = ".db", ".suspect.db"
UNFINISHED = ".unfinished"
PAGES_AT_ONCE = 1024
LEFT_BEHIND_MILLISECONDS = 86_400_000
MOST_DIFFERENCES = 10
"""How many are named: `gatepost db verify` tells all."""
AND_MORE = "There are more than these: `gatepost db verify` prints all differences of a store."


@dataclass(frozen=True, slots=True)
class Backup:
    """A file that was verified, and what it holds."""

    path: Path
    digest: Digest


@dataclass(frozen=True, slots=True)
class Kept:
    """A file in a folder of backups, by its name."""

    made_at: Milliseconds
    path: Path
    is_suspect: bool


class SuspectBackupError(StoreError):
    """A backup was made and kept at `path`, and has differences."""

    def __init__(self, path: Path, name: str, differences: Sequence[str]) -> None:
        super().__init__("\n".join([f"{path}: is a suspect backup, {name} has differences:", *differences]))
        self.path = path
        self.differences = differences


def take(url: str, folder: Path, *, now: Milliseconds, watch: Watch) -> Backup:
    """Back the store at `url` up into `folder`, which is made if its parent is there.

    Raises SuspectBackupError when the store has differences: the file is kept. Raises StoreError when there is no store
    that can be copied, or no room for it, and StoppedError: no file is left then.
    """
    name = datetime.fromtimestamp(now // 1000, UTC).strftime(NAME)
    final, suspect = folder / f"{name}{SOUND}", folder / f"{name}{SUSPECT}"
    with _one_line(final):
        folder.mkdir(exist_ok=True)
        for there in (final, suspect):
            if there.exists():
                raise StoreError(f"{there}: is there already: a second has only one backup")
        with _unfinished(final, now=now) as path:
            with snapshot.of(url, watch) as moment:
                write(moment, path, watch)
            differences = differences_in(path, watch)
            found = None if differences else digest_of(path, watch)
            files.sync(path)
            path.rename(final if found else suspect)
            files.sync(folder)
    if found is None:
        raise SuspectBackupError(suspect, snapshot.name_of(url), differences)
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


def differences_in(path: Path, watch: Watch) -> tuple[str, ...]:
    """Open a copy afresh and verify it: the first MOST_DIFFERENCES, a line each, and whether there are more.

    None of a sound one. Raises StoreError when it is no store of this schema.
    """
    with snapshot.of(f"sqlite:///{path}", watch) as moment:
        found = tuple(islice(verify.differences(moment, watch), MOST_DIFFERENCES + 1))
    return found if len(found) <= MOST_DIFFERENCES else (*found[:MOST_DIFFERENCES], AND_MORE)


def digest_of(path: Path, watch: Watch) -> Digest:
    """Open a copy afresh and read all of it. Raises StoreError when that is not possible."""
    with snapshot.of(f"sqlite:///{path}", watch) as moment:
        return digest.of(moment, watch)


def in_folder(folder: Path) -> list[Kept]:
    """The backups in a folder, the newest first. Raises OSError."""
    found = [kept for path in (folder.iterdir() if folder.is_dir() else ()) if (kept := _kept(path)) is not None]
    return sorted(found, key=lambda kept: (kept.made_at, kept.path), reverse=True)


def keep_newest(folder: Path, keep: int) -> list[Path]:
    """Remove all but the newest `keep` sound backups and the newest `keep` suspect ones; which. Raises OSError.

    None of the one kind pushes one of the other out, and nothing else in the folder is touched.
    """
    there = in_folder(folder)
    old = [kept.path for kind in (False, True) for kept in [one for one in there if one.is_suspect is kind][keep:]]
    for path in old:
        path.unlink(missing_ok=True)
    return old


def _kept(path: Path) -> Kept | None:
    """What the file's name says of it; None where it is no backup's name."""
    is_suspect = path.name.endswith(SUSPECT)
    ending = SUSPECT if is_suspect else SOUND
    made = _made(path.name.removesuffix(ending)) if path.name.endswith(ending) else None
    return None if made is None else Kept(made, path, is_suspect)


def _made(name: str) -> Milliseconds | None:
    """When the backup of this name (without an ending) was made; None where it is no backup's name."""
    try:
        made = datetime.strptime(f"{name}+0000", f"{NAME}%z")
    except ValueError:
        return None
    return int(made.timestamp()) * 1000 if made.strftime(NAME) == name else None


@contextmanager
def _unfinished(final: Path, *, now: Milliseconds) -> Iterator[Path]:
    """A name for the file until it is a backup: what failed goes, and so does what a killed run left a day ago."""
    for left in final.parent.glob(f"gatepost-*{UNFINISHED}"):
        made = _made(left.name.removesuffix(f"{SOUND}{UNFINISHED}"))
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
