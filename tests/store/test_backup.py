"""Backups made while others write, and what comes back from them; a restore that must not happen changes nothing."""

import asyncio
import os
import shutil
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from itertools import count
from pathlib import Path

import pytest

from service.model import Action, PostKey, system_clock
from service.store import backup, digest, migrate, snapshot, verify
from service.store.backup import Backup, SuspectBackupError
from service.store.database import Database
from service.store.digest import Digest
from service.store.engine import StoreError
from service.store.migrate import SchemaError
from service.store.restore import Restored, restore
from service.store.snapshot import StoppedError, Watch
from tests.harness import Hands
from tests.rows import rows_of
from tests.store import scene
from tests.store.damage import change
from tests.store.scene import BLOG, Scene
from tests.store.test_digest import digest_of

WRITERS = 64


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where backups go."""
    return tmp_path / "backups"


def backed_up(url: str, folder: Path, clock: Hands) -> Backup:
    """A backup of the store as it is now."""
    return backup.take(url, folder, now=clock(), watch=Watch())


def restored(file: Path, url: str, clock: Hands, *, replace: bool = False, suspect: bool = False) -> Restored:
    """Restore."""
    return restore(file, url, now=clock(), watch=Watch(), replace=replace, suspect=suspect)


# --- Backups ----------------------------------------------------------------------------------------------------------


def test_a_backup_has_the_digest_of_its_store(filled_url: str, folder: Path, clock: Hands) -> None:
    made = backed_up(filled_url, folder, clock)
    assert made.digest == digest_of(filled_url) == digest_of(f"sqlite:///{made.path}")


def test_a_backup_stands_alone_and_belongs_to_its_owner(filled_url: str, folder: Path, clock: Hands) -> None:
    clock.now = 1_792_000_000_999
    made = backed_up(filled_url, folder, clock)
    assert [path.name for path in folder.iterdir()] == ["gatepost-20261014T174640Z.db"]
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
    with closing(sqlite3.connect(f"file:{made.path}?mode=ro&immutable=1", uri=True)) as file:
        assert file.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    digest_of(f"sqlite:///{made.path}")
    assert [path.name for path in folder.iterdir()] == [made.path.name]


async def write_for_ever(scene_: Scene, number: int) -> None:
    """Comments, decisions and edits, one after the other."""
    for turn in count():
        post = PostKey(f"post {number % 7}")
        comment = await scene_.submit(BLOG, f"writer{number}", post=post, text=f"{number} {turn} {scene.TEXT}")
        if turn % 3:
            _, comment = await scene_.decide(comment, Action.APPROVE)
        if turn % 3 == 2:
            await scene_.edit(BLOG, f"writer{number}", comment)


@pytest.mark.slow
async def test_a_backup_under_load_is_the_store_at_its_last_event(
    any_url: str, folder: Path, tmp_path: Path, clock: Hands
) -> None:
    """64 writers go on all the time; the source's digest is taken in the very snapshot that is written down."""
    await scene.fill(any_url, clock)
    database = await Database.open(any_url, clock=system_clock)
    writers = [asyncio.create_task(write_for_ever(Scene(database, clock), number)) for number in range(WRITERS)]

    def digest_and_write() -> tuple[Digest, Digest]:
        with snapshot.of(any_url) as moment:
            before = digest.of(moment, Watch())
            backup.write(moment, tmp_path / "written.db", Watch())
            return before, digest.of(moment, Watch())

    started_at = digest_of(any_url).as_of["blog"]
    for _ in range(10):
        await Scene(database, clock).submit(BLOG, "one more")  # meanwhile each of the others has written as often
    before, after = await asyncio.to_thread(digest_and_write)
    await Scene(database, clock).submit(BLOG, "one more")
    made = await asyncio.to_thread(backed_up, any_url, folder, clock)
    await Scene(database, clock).submit(BLOG, "one more")  # however long the others have to wait for the processor
    made_until = digest_of(any_url).as_of["blog"]
    assert not any(writer.done() for writer in writers)
    for writer in writers:
        writer.cancel()
    await asyncio.gather(*writers, return_exceptions=True)
    await database.close()

    written = digest_of(f"sqlite:///{tmp_path}/written.db")
    assert written == before == after
    assert started_at + WRITERS < before.as_of["blog"] < made.digest.as_of["blog"] < made_until
    assert events_until(any_url, made.digest.as_of["blog"]) == events_until(f"sqlite:///{made.path}", None)
    back = f"sqlite:///{tmp_path}/back.db"
    assert restored(made.path, back, clock).digest == made.digest == digest_of(back)


def events_until(url: str, seq: int | None) -> list[tuple[object, ...]]:
    """The blog's events up to a number, or all."""
    with rows_of(url) as rows:
        found = rows.execute("SELECT * FROM events WHERE site = 'blog' AND seq <= ? ORDER BY seq", [seq or 2**60])
        return list(map(tuple, found.fetchall()))


def both(store: Path) -> tuple[bytes, bytes]:
    """The bytes of a store and of its log."""
    return store.read_bytes(), store.with_name(f"{store.name}-wal").read_bytes()


async def test_a_running_servers_files_are_left_alone(filled_path: Path, folder: Path, clock: Hands) -> None:
    url = f"sqlite:///{filled_path}"
    database = await Database.open(url, clock=clock)
    await Scene(database, clock).submit(BLOG, "ada")
    before = both(filled_path)
    assert len(before[1]) > 0
    await asyncio.to_thread(backed_up, url, folder, clock)
    assert both(filled_path) == before
    await Scene(database, clock).submit(BLOG, "ada")
    await database.close()


DIFFERENCE = "posts.count: site blog, post quiet says 40, approved comments are 0"


def suspected(url: str, folder: Path, clock: Hands) -> Path:
    """A backup of a store that has differences."""
    with pytest.raises(SuspectBackupError) as found:
        backed_up(url, folder, clock)
    return found.value.path


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE posts SET count = 40 WHERE post = 'quiet'",
        "DELETE FROM authors WHERE author = 'dan-key'",  # comments refer to nobody
        "DELETE FROM queue WHERE post = 'quiet'",
        "UPDATE comments SET body = 'what nobody wrote' WHERE post = 'quiet'",
    ],
)
def test_a_damaged_store_has_a_suspect_backup(filled_url: str, folder: Path, clock: Hands, damage: str) -> None:
    clock.now = 1_792_000_000_000
    change(filled_url, damage)
    with snapshot.of(filled_url) as moment:
        differences = list(verify.differences(moment, Watch()))
    with pytest.raises(SuspectBackupError) as found:
        backed_up(filled_url, folder, clock)
    path = folder / "gatepost-20261014T174640Z.suspect.db"
    first, *others = str(found.value).splitlines()
    assert (first, others) == (
        f"{path}: is a suspect backup, {snapshot.name_of(filled_url)} has differences:",
        differences,
    )
    assert list(folder.iterdir()) == [path]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert digest_of(f"sqlite:///{path}") == digest_of(filled_url)
    with pytest.raises(StoreError, match="a second has only one backup"):
        backed_up(filled_url, folder, clock)


def test_a_store_with_a_broken_page_has_a_suspect_backup(filled_path: Path, folder: Path, clock: Hands) -> None:
    with closing(sqlite3.connect(filled_path)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'queue'").fetchone()
    with filled_path.open("r+b") as file:  # not any page: without that of the schema nobody can say what is broken
        file.seek(4096 * (page - 1))
        file.write(bytes(4096))
    path = suspected(f"sqlite:///{filled_path}", folder, clock)
    assert list(folder.iterdir()) == [path]
    assert bytes(4096) in path.read_bytes()


def test_a_store_that_is_not_there_has_no_backup(folder: Path, tmp_path: Path, clock: Hands) -> None:
    with pytest.raises(StoreError, match=r"gatepost\.db: is no store that can be read"):
        backed_up(f"sqlite:///{tmp_path}/gatepost.db", folder, clock)
    assert list(folder.iterdir()) == []
    assert not (tmp_path / "gatepost.db").exists()


def test_a_second_has_one_backup(filled_path: Path, folder: Path, clock: Hands) -> None:
    first = backed_up(f"sqlite:///{filled_path}", folder, clock)
    kept = first.path.read_bytes()
    with pytest.raises(StoreError, match="is there already"):
        backed_up(f"sqlite:///{filled_path}", folder, clock)
    assert first.path.read_bytes() == kept


def test_a_folder_that_cannot_be_made_is_one_clear_line(filled_path: Path, tmp_path: Path, clock: Hands) -> None:
    (tmp_path / "file").touch()
    for folder in (tmp_path / "nowhere" / "backups", tmp_path / "file"):
        with pytest.raises(StoreError, match=f"^{folder}/gatepost-.*: the backup cannot be made"):
            backed_up(f"sqlite:///{filled_path}", folder, clock)
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("step", ["copy", "verify", "digest"])
def test_a_stopped_backup_leaves_nothing(filled_url: str, folder: Path, clock: Hands, step: str) -> None:
    watch = Watch(lambda current, *_: watch.end() if current == step else None)
    with pytest.raises((StoppedError, StoreError)):
        backup.take(filled_url, folder, now=clock(), watch=watch)
    assert watch.has_ended()
    assert list(folder.iterdir()) == []


def test_a_killed_runs_file_goes_a_day_later(filled_path: Path, folder: Path, clock: Hands) -> None:
    folder.mkdir()
    clock.now = 1_792_000_000_000
    old, young = "gatepost-20261013T170000Z.db.unfinished", "gatepost-20261014T170000Z.db.unfinished"
    for name in (old, f"{old}-wal", young, "notes.txt"):
        (folder / name).touch()
    made = backed_up(f"sqlite:///{filled_path}", folder, clock)
    assert {path.name for path in folder.iterdir()} == {young, "notes.txt", made.path.name}


def test_the_newest_are_kept_and_nothing_else_is_touched(folder: Path) -> None:
    folder.mkdir()
    backups = [f"gatepost-2026010{day}T000000Z.db" for day in range(1, 8)]
    others = [
        "gatepost.db",
        "gatepost-20260101T000000Z.db.unfinished",
        "my-gatepost-20260101T000000Z.db",
        "gatepost-1.db",
    ]
    for name in [*backups, *others]:
        (folder / name).touch()
    assert [path.name for path in backup.keep_newest(folder, 3)] == backups[3::-1]
    assert {path.name for path in folder.iterdir()} == {*backups[4:], *others}
    assert next(kept.made_at for kept in backup.in_folder(folder)) == 1_767_744_000_000
    assert backup.keep_newest(folder, 3) == []


def test_suspect_backups_push_no_sound_one_out(folder: Path) -> None:
    folder.mkdir()
    sound = [f"gatepost-2026010{day}T000000Z.db" for day in range(1, 5)]
    suspect = [f"gatepost-2026010{day}T000000Z.suspect.db" for day in range(5, 9)]
    for name in sound + suspect:
        (folder / name).touch()
    assert {path.name for path in backup.keep_newest(folder, 2)} == {*sound[:2], *suspect[:2]}
    assert [(kept.path.name, kept.is_suspect) for kept in backup.in_folder(folder)] == [
        (suspect[3], True),
        (suspect[2], True),
        (sound[3], False),
        (sound[2], False),
    ]


# --- Restoring a suspect one ------------------------------------------------------------------------------------------


def test_a_suspect_backup_is_restored_only_when_told(
    filled_path: Path, any_url: str, folder: Path, tmp_path: Path, clock: Hands
) -> None:
    target = f"sqlite:///{tmp_path}/new.db" if any_url.startswith("sqlite") else any_url
    change(f"sqlite:///{filled_path}", "UPDATE posts SET count = 40 WHERE post = 'quiet'")
    path = suspected(f"sqlite:///{filled_path}", folder, clock)
    with pytest.raises(StoreError) as refusal:
        restored(path, target, clock)
    first, second = str(refusal.value).splitlines()
    assert first == f"{path}: is suspect, so restore it (--suspect) only where no other backup is sound:"
    assert second == DIFFERENCE
    done = restored(path, target, clock, suspect=True)
    assert (done.digest, done.differences) == (digest_of(f"sqlite:///{filled_path}"), (DIFFERENCE,))
    assert digest_of(target) == done.digest


def test_what_cannot_be_read_to_its_end_is_not_restored_at_all(filled_path: Path, folder: Path, clock: Hands) -> None:
    path = backed_up(f"sqlite:///{filled_path}", folder, clock).path
    change(f"sqlite:///{path}", "DROP TABLE idempotency")
    before = filled_path.read_bytes()
    with pytest.raises(StoreError, match="cannot be read"):
        restored(path, f"sqlite:///{filled_path}", clock, suspect=True)
    assert filled_path.read_bytes() == before


# --- Restoring --------------------------------------------------------------------------------------------------------


@pytest.fixture
def sound(filled_path: Path, folder: Path, clock: Hands) -> Backup:
    """A backup of `filled_path`, to which more has happened since."""
    made = backed_up(f"sqlite:///{filled_path}", folder, clock)
    change(f"sqlite:///{filled_path}", "UPDATE queue SET claimed_until = 5")
    return made


def test_what_was_backed_up_comes_back_and_what_was_there_is_kept(
    filled_path: Path, sound: Backup, clock: Hands
) -> None:
    before = digest_of(f"sqlite:///{filled_path}")
    clock.now = 1_792_000_000_000
    done = restored(sound.path, f"sqlite:///{filled_path}", clock)
    assert done.digest == sound.digest == digest_of(f"sqlite:///{filled_path}")
    assert done.replaced == filled_path.with_name("gatepost.db.replaced-20261014T174640Z")
    assert digest_of(f"sqlite:///{done.replaced}") == before != sound.digest
    names = {path.name for path in filled_path.parent.iterdir()}
    assert names == {"backups", "gatepost.db", "gatepost.db.lock", done.replaced.name}


async def test_a_server_starts_on_what_was_restored(filled_path: Path, sound: Backup, clock: Hands) -> None:
    restored(sound.path, f"sqlite:///{filled_path}", clock)
    database = await Database.open(f"sqlite:///{filled_path}", clock=clock)
    await Scene(database, clock).submit(BLOG, "ada")
    await database.close()
    assert digest_of(f"sqlite:///{filled_path}").as_of["blog"] == sound.digest.as_of["blog"] + 1


async def test_what_a_killed_server_left_in_its_log_is_kept_as_well(
    sound: Backup, tmp_path: Path, clock: Hands
) -> None:
    """The last commits of a killed server are in the file beside the store, and only there."""
    running, killed = tmp_path / "running.db", tmp_path / "killed.db"
    database = await Database.open(f"sqlite:///{running}", clock=clock)
    await Scene(database, clock).submit(BLOG, "ada")
    for suffix in ("", "-wal"):
        shutil.copy(f"{running}{suffix}", f"{killed}{suffix}")
    await database.close()
    done = restored(sound.path, f"sqlite:///{killed}", clock)
    assert digest_of(f"sqlite:///{killed}") == sound.digest
    assert digest_of(f"sqlite:///{done.replaced}") == digest_of(f"sqlite:///{running}")
    assert not killed.with_name("killed.db-wal").exists() or killed.with_name("killed.db-wal").stat().st_size == 0


def test_a_ruined_store_is_kept_as_it_is(filled_path: Path, sound: Backup, clock: Hands) -> None:
    filled_path.write_bytes(b"ruined" * 2000)
    log = filled_path.with_name("gatepost.db-wal")
    log.write_bytes(b"its log")
    done = restored(sound.path, f"sqlite:///{filled_path}", clock)
    assert done.replaced is not None
    assert done.replaced.read_bytes() == b"ruined" * 2000
    assert done.replaced.with_name(f"{done.replaced.name}-wal").read_bytes() == b"its log"
    assert digest_of(f"sqlite:///{filled_path}") == sound.digest


def test_restoring_where_nothing_was_makes_the_store(sound: Backup, tmp_path: Path, clock: Hands) -> None:
    done = restored(sound.path, f"sqlite:///{tmp_path}/new/gatepost.db", clock)
    assert done == Restored(sound.digest, None)
    assert digest_of(f"sqlite:///{tmp_path}/new/gatepost.db") == sound.digest
    assert stat.S_IMODE((tmp_path / "new" / "gatepost.db").stat().st_mode) == 0o600


def test_a_copy_of_a_store_with_its_log_is_as_good_as_a_backup(filled_path: Path, tmp_path: Path, clock: Hands) -> None:
    with closing(sqlite3.connect(filled_path, isolation_level=None)) as file:
        file.execute("UPDATE queue SET claimed_until = 5")
        for suffix in ("", "-wal"):
            shutil.copy(f"{filled_path}{suffix}", f"{tmp_path}/taken.db{suffix}")
    restored(tmp_path / "taken.db", f"sqlite:///{tmp_path}/new.db", clock)
    assert digest_of(f"sqlite:///{tmp_path}/new.db") == digest_of(f"sqlite:///{filled_path}")


def test_an_older_backup_is_brought_to_todays_schema(
    sound: Backup, tmp_path: Path, clock: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A release with one more migration than this one."""
    newer = shutil.copytree(migrate.MIGRATIONS, tmp_path / "migrations")
    number = f"{int(migrate.head()) + 1:04d}"
    text = f'revision, down_revision = "{number}", "{migrate.head()}"\ndef upgrade(): pass\n'
    (newer / "versions" / f"{number}_one_more.py").write_text(text)
    monkeypatch.setattr(migrate, "MIGRATIONS", newer)
    restored(sound.path, f"sqlite:///{tmp_path}/new.db", clock)
    with rows_of(f"sqlite:///{tmp_path}/new.db") as rows:
        assert rows.execute("SELECT version_num FROM alembic_version").fetchall() == [(number,)]
    assert digest_of(f"sqlite:///{tmp_path}/new.db").text == sound.digest.text


def _truncate(share: float) -> Callable[[Path], None]:
    return lambda file: os.truncate(file, int(file.stat().st_size * share))


SPOILT: dict[str, tuple[Callable[[Path], object], type[Exception], str]] = {
    "missing": (Path.unlink, StoreError, "is no store that can be read"),
    "empty": (lambda file: os.truncate(file, 0), StoreError, "is not a Gatepost store"),
    "junk": (lambda file: file.write_bytes(b"junk" * 5000), StoreError, "is no store that can be read"),
    "truncated to a header": (lambda file: os.truncate(file, 100), StoreError, "truncated to a header"),
    "truncated a little": (_truncate(0.99), StoreError, "truncated a little"),
    "truncated by half": (_truncate(0.5), StoreError, "truncated by half"),
    "newer": (
        lambda file: change(f"sqlite:///{file}", "UPDATE alembic_version SET version_num = '9999'"),
        SchemaError,
        "is newer than this Gatepost knows",
    ),
    "unfinished": (
        lambda file: change(f"sqlite:///{file}", "UPDATE alembic_version SET version_num = 'unfinished copy'"),
        StoreError,
        "is an unfinished copy",
    ),
    "somebody else's": (
        lambda file: change(f"sqlite:///{file}", "DROP TABLE alembic_version"),
        StoreError,
        "is not a Gatepost store",
    ),
    "without a table": (
        lambda file: change(f"sqlite:///{file}", "DROP TABLE queue"),
        StoreError,
        "is suspect, so restore it",
    ),
    "damaged": (
        lambda file: change(f"sqlite:///{file}", "UPDATE posts SET count = 40 WHERE post = 'quiet'"),
        StoreError,
        "posts.count: site blog, post quiet says 40",
    ),
}


def listing(folder: Path) -> dict[str, bytes]:
    """Every file and what is in it."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("kind", SPOILT)
def test_what_is_no_sound_backup_changes_nothing(filled_path: Path, sound: Backup, clock: Hands, kind: str) -> None:
    spoil, error, said = SPOILT[kind]
    store = filled_path.rename(filled_path.parent / "backups" / "store.db")
    file = sound.path.rename(sound.path.with_name(f"{kind}.db"))
    spoil(file)
    store.with_name("store.db.lock").touch()
    before = listing(store.parent)
    with pytest.raises(error, match=said):
        restored(file, f"sqlite:///{store}", clock)
    after = listing(store.parent)
    assert {name: content for name, content in after.items() if not name.endswith(("-wal", "-shm"))} == before


@pytest.mark.parametrize("kind", ["junk", "newer", "damaged", "truncated by half"])
def test_what_is_no_sound_backup_does_not_touch_postgresql(
    sound: Backup, postgres_url: str, clock: Hands, kind: str
) -> None:
    restored(sound.path, postgres_url, clock)
    spoil, error, _ = SPOILT[kind]
    spoil(sound.path)
    with pytest.raises(error):
        restored(sound.path, postgres_url, clock, replace=True)
    assert digest_of(postgres_url) == sound.digest


async def test_nothing_is_restored_under_a_running_server(filled_path: Path, sound: Backup, clock: Hands) -> None:
    url = f"sqlite:///{filled_path}"
    database = await Database.open(url, clock=clock)
    before = digest_of(url)
    with pytest.raises(StoreError, match="another Gatepost is using this file"):
        await asyncio.to_thread(restored, sound.path, url, clock)
    await Scene(database, clock).submit(BLOG, "ada")
    await database.close()
    assert digest_of(url).as_of["blog"] == before.as_of["blog"] + 1
    assert list(filled_path.parent.glob("gatepost.db.re*")) == []


def test_a_store_is_not_restored_from_itself(filled_path: Path, clock: Hands) -> None:
    before = filled_path.read_bytes()
    with pytest.raises(StoreError, match="is the store itself"):
        restored(filled_path, f"sqlite:///{filled_path}", clock)
    assert filled_path.read_bytes() == before


def test_a_backup_of_postgresql_comes_back_into_either_engine(
    filled_path: Path, sound: Backup, empty_postgres_url: str, folder: Path, tmp_path: Path, clock: Hands
) -> None:
    assert restored(sound.path, empty_postgres_url, clock) == Restored(sound.digest, None)
    clock.advance(seconds=1)
    made = backed_up(empty_postgres_url, folder, clock)
    assert made.digest == sound.digest
    assert restored(made.path, f"sqlite:///{tmp_path}/new.db", clock).digest == sound.digest


def test_a_postgresql_store_is_emptied_only_when_told(
    filled_path: Path, sound: Backup, postgres_url: str, folder: Path, clock: Hands
) -> None:
    restored(sound.path, postgres_url, clock)
    clock.advance(seconds=1)
    other = backed_up(f"sqlite:///{filled_path}", folder, clock)
    with pytest.raises(StoreError, match="is not empty"):
        restored(other.path, postgres_url, clock)
    assert digest_of(postgres_url) == sound.digest
    assert restored(other.path, postgres_url, clock, replace=True).digest == other.digest == digest_of(postgres_url)


def test_everything_that_comes_back_is_verified(sound: Backup, postgres_url: str, clock: Hands) -> None:
    restored(sound.path, postgres_url, clock)
    with snapshot.of(postgres_url) as moment:
        assert list(verify.differences(moment, Watch())) == []
