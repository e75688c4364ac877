"""The SQLite file: one server, settings that make a commit last, and faults that pass without a restart."""

import asyncio
import fcntl
import os
import sqlite3
import stat
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from service.errors import StoreUnavailable
from service.model import PostKey, SiteKey
from service.store import posts, probe, sqlite
from service.store.database import Database, Transaction
from service.store.engine import StoreError
from service.store.sqlite import CHECKPOINT_PAGES, SqliteEngine
from tests.harness import Hands

SITE = SiteKey("blog")
NOBODY = 65534
pytestmark = pytest.mark.sqlite_only(reason="about the file and SQLite's own faults")
ROOM = "x" * 200_000


def url_of(path: Path) -> str:
    """The address of a store."""
    return f"sqlite:///{path}"


def label(tx: Transaction, key: str, title: str = "a title") -> None:
    """A write as large as its title."""
    posts.set_open(tx, SITE, PostKey(key), is_open=True)
    posts.set_title(tx, SITE, PostKey(key), title)


def pragma(name: str) -> Callable[[Transaction], object]:
    """Reads a setting of the connection."""

    def read(tx: Transaction) -> object:
        assert isinstance(tx._connection, sqlite3.Connection)
        return tx._connection.execute(f"PRAGMA {name}").fetchone()[0]

    return read


@pytest.fixture
async def impatient(store_path: Path, clock: Hands) -> AsyncIterator[Database]:
    """A store that does not wait for locks."""
    opened = await Database.open(url_of(store_path), clock=clock, busy_seconds=0)
    yield opened
    await opened.close()


# --- Settings ---------------------------------------------------------------------------------------------------------

IN_FORCE = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "mmap_size": 0, "busy_timeout": 5000}


@pytest.mark.parametrize("name", IN_FORCE)
async def test_settings_are_in_force_on_every_connection(store_path: Path, clock: Hands, name: str) -> None:
    database = await Database.open(url_of(store_path), clock=clock, readers=3)
    gathered = await asyncio.gather(
        database.write(pragma(name)), *(database.read(pragma(name)) for _ in range(3)), return_exceptions=True
    )
    await database.close()
    assert gathered == [IN_FORCE[name]] * 4


async def test_the_log_is_cut_after_a_long_read(
    store_path: Path, clock: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = 1024 * 1024
    monkeypatch.setattr(sqlite, "LOG_BYTES", limit)
    database = await Database.open(url_of(store_path), clock=clock)
    log = store_path.with_name(store_path.name + "-wal")
    with closing(sqlite3.connect(store_path, isolation_level=None)) as reader:  # a backup, say
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM posts").fetchone()
        for number in range(100):
            await database.write(label, f"post {number}", ROOM)
        assert log.stat().st_size > CHECKPOINT_PAGES * 4096 > limit
        reader.execute("COMMIT")
    for number in range(2):  # a checkpoint, and the first write behind it
        await database.write(label, f"last {number}")
    assert log.stat().st_size <= limit
    await database.close()


async def test_only_the_writer_may_write(database: Database) -> None:
    assert await database.write(pragma("query_only")) == 0
    assert await database.read(pragma("query_only")) == 1


# --- Opening ----------------------------------------------------------------------------------------------------------


def rights_in(folder: Path) -> dict[str, int]:
    """Who may do what with each file."""
    return {found.name: stat.S_IMODE(found.stat().st_mode) for found in folder.iterdir()}


async def test_only_its_owner_may_read_a_new_store(tmp_path: Path, clock: Hands) -> None:
    """And what SQLite puts beside it: keys and subjects are in there."""
    path = tmp_path / "gatepost.db"
    before = os.umask(0)
    try:
        database = await Database.open(url_of(path), clock=clock)
        await database.write(label, "post")
        rights = rights_in(tmp_path)
        await database.close()
    finally:
        os.umask(before)
    assert rights == {path.name + suffix: 0o600 for suffix in ("", "-wal", "-shm", ".lock")}


async def test_a_missing_folder_is_made(tmp_path: Path, clock: Hands) -> None:
    path = tmp_path / "not" / "yet" / "gatepost.db"
    database = await Database.open(url_of(path), clock=clock)
    await database.write(probe.write)
    await database.close()
    assert path.exists()


@pytest.mark.parametrize("content", [b"not a database, only a text that is long enough to look at\n" * 20])
async def test_a_file_that_is_no_database_is_refused_and_left_alone(
    tmp_path: Path, clock: Hands, content: bytes
) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"notes\.txt: the store cannot be opened \(file is not a database\)"):
        await Database.open(url_of(path), clock=clock)
    assert path.read_bytes() == content


async def test_a_folder_is_no_store(tmp_path: Path, clock: Hands) -> None:
    with pytest.raises(StoreError, match="cannot be opened"):
        await Database.open(url_of(tmp_path), clock=clock)


@pytest.fixture
def read_only_folder() -> Iterator[Path]:
    """A folder in which this process may make no files, also where the tests run as root."""
    with tempfile.TemporaryDirectory() as name:
        folder, owner = Path(name), os.geteuid()
        folder.chmod(0o555)
        if owner == 0:
            os.seteuid(NOBODY)
        yield folder
        os.seteuid(owner)
        folder.chmod(0o755)


async def test_a_folder_that_takes_no_files_is_refused(read_only_folder: Path, clock: Hands) -> None:
    with pytest.raises(StoreError) as refusal:
        await Database.open(url_of(read_only_folder / "gatepost.db"), clock=clock)
    assert "Permission denied" in str(refusal.value)
    assert f", as uid {os.geteuid()})" in str(refusal.value)
    assert "correct database.url or its permissions" in str(refusal.value)
    assert len(str(refusal.value).splitlines()) == 1


# --- One server ---------------------------------------------------------------------------------------------------


async def test_a_second_server_is_refused_and_says_so(database: Database, store_path: Path, clock: Hands) -> None:
    with pytest.raises(StoreError) as refusal:
        await Database.open(url_of(store_path), clock=clock)
    assert str(refusal.value).startswith(f"{store_path}: another Gatepost is using this file")
    await database.write(probe.write)


async def test_a_command_may_work_alongside_a_server(database: Database, store_path: Path, clock: Hands) -> None:
    beside = await Database.open(url_of(store_path), clock=clock, alongside=True)
    await beside.write(label, "by the command")
    await beside.close()
    assert await database.read(lambda tx: posts.get(tx, SITE, PostKey("by the command")).title) == "a title"
    with pytest.raises(StoreError, match="another Gatepost"):
        await Database.open(url_of(store_path), clock=clock)


@pytest.mark.parametrize("command_is_first", [True, False])
async def test_a_command_and_a_server_that_open_a_new_file_at_once_both_may(
    tmp_path: Path, clock: Hands, command_is_first: bool
) -> None:
    """The schema is made once; who comes meanwhile waits for it."""
    url = url_of(tmp_path / "gatepost.db")
    opening = [
        Database.open(url, clock=clock, alongside=alongside) for alongside in (command_is_first, not command_is_first)
    ]
    for database in await asyncio.gather(*opening):
        await database.write(probe.write)
        await database.close()


async def test_a_command_that_made_the_file_lets_a_server_in(tmp_path: Path, clock: Hands) -> None:
    url = url_of(tmp_path / "gatepost.db")
    beside = await Database.open(url, clock=clock, alongside=True)
    server = await Database.open(url, clock=clock)
    for database in (beside, server):
        await database.write(probe.write)
        await database.close()


async def test_a_command_changes_no_schema_under_a_server_of_an_older_release(tmp_path: Path, clock: Hands) -> None:
    path = tmp_path / "gatepost.db"
    path.touch()
    held = sqlite.lock(path)
    with pytest.raises(StoreError, match="another Gatepost is using this file"):
        await Database.open(url_of(path), clock=clock, alongside=True)
    os.close(held)
    assert path.stat().st_size == 0


async def test_a_command_waits_only_so_long_for_an_upgrade(
    tmp_path: Path, clock: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite, "TURN_SECONDS", 0.0)
    upgrading = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(upgrading, fcntl.LOCK_EX)
    with pytest.raises(StoreError, match="up to date, for more than 0 seconds: try again when it is ready"):
        await Database.open(url_of(tmp_path / "gatepost.db"), clock=clock, alongside=True)
    os.close(upgrading)
    assert rights_in(tmp_path) == {}


async def test_a_server_that_comes_through_a_symbolic_link_is_refused_as_well(
    database: Database, store_path: Path, clock: Hands
) -> None:
    link = store_path.with_name("another name.db")
    link.symlink_to(store_path)
    with pytest.raises(StoreError, match="another Gatepost is using this file"):
        await Database.open(url_of(link), clock=clock)


async def test_closing_lets_the_next_server_in(store_path: Path, clock: Hands) -> None:
    for _ in range(2):
        database = await Database.open(url_of(store_path), clock=clock)
        await database.close()


async def test_a_failed_start_lets_the_next_server_in(tmp_path: Path, clock: Hands) -> None:
    path = tmp_path / "gatepost.db"
    path.write_bytes(b"no database at all, but long enough to be looked at" * 20)
    with pytest.raises(StoreError, match="not a database"):
        await Database.open(url_of(path), clock=clock)
    path.unlink()
    database = await Database.open(url_of(path), clock=clock)
    await database.close()


HOLD = """
import asyncio, sys
from service.model import system_clock
from service.store import probe
from service.store.database import Database

async def hold():
    database = await Database.open(sys.argv[1], clock=system_clock)
    await database.write(probe.write)
    print("held", flush=True)
    await asyncio.Event().wait()

asyncio.run(hold())
"""


async def test_a_killed_server_leaves_no_lock_and_loses_nothing(store_path: Path, clock: Hands) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HOLD, url_of(store_path), stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"held\n"
    with pytest.raises(StoreError, match="another Gatepost"):
        await Database.open(url_of(store_path), clock=clock)
    process.kill()
    await process.wait()
    database = await Database.open(url_of(store_path), clock=clock)
    await database.close()
    with closing(sqlite3.connect(store_path)) as connection:
        assert connection.execute("SELECT count(*) FROM probe").fetchone() == (1,)


# --- Faults -----------------------------------------------------------------------------------------------------------


async def test_a_locked_store_says_so_and_recovers_by_itself(impatient: Database, store_path: Path) -> None:
    await impatient.write(label, "before")
    with closing(sqlite3.connect(store_path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable) as refusal:
            await impatient.write(label, "during")
        assert refusal.value.retry_after_seconds
        assert await impatient.read(lambda tx: posts.get(tx, SITE, PostKey("before")).title) == "a title"
        other.execute("ROLLBACK")
    await impatient.write(label, "after")
    assert await impatient.read(lambda tx: posts.get(tx, SITE, PostKey("during")).title) is None


async def _set(database: Database, setting: str) -> None:
    """Changes a setting of the writing connection, so that SQLite itself meets the fault."""
    assert isinstance(database._engine, SqliteEngine)
    await database._engine._writer.start(lambda connection: connection.execute(f"PRAGMA {setting}").fetchall())


async def test_a_full_store_refuses_whole_writes_and_recovers_by_itself(database: Database) -> None:
    await database.write(label, "before")
    await _set(database, "max_page_count = 1")  # SQLite makes it the present size
    outcomes = await asyncio.gather(
        database.write(label, "small"), database.write(label, "large", ROOM), return_exceptions=True
    )
    assert isinstance(outcomes[1], StoreUnavailable)
    assert await database.read(lambda tx: posts.get(tx, SITE, PostKey("before")).title) == "a title"
    kept = await database.read(lambda tx: posts.get(tx, SITE, PostKey("small")).title)
    assert kept == (None if isinstance(outcomes[0], StoreUnavailable) else "a title")
    assert await database.read(lambda tx: posts.get(tx, SITE, PostKey("large")).title) is None
    await _set(database, "max_page_count = 1000000")
    await database.write(label, "large", ROOM)
    assert await database.read(lambda tx: posts.get(tx, SITE, PostKey("large")).title) == ROOM


async def test_a_store_that_fills_up_within_a_part_is_unavailable_too(database: Database) -> None:
    def in_parts(tx: Transaction) -> None:
        for number in range(3):
            with tx.savepoint():
                label(tx, f"part {number}", ROOM)

    await _set(database, "max_page_count = 1")
    with pytest.raises(StoreUnavailable):
        await database.write(in_parts)
    await _set(database, "max_page_count = 1000000")
    await database.write(in_parts)


async def test_a_read_only_store_says_so_and_recovers_by_itself(database: Database) -> None:
    await database.write(label, "before")
    await _set(database, "query_only = 1")
    with pytest.raises(StoreUnavailable):
        await database.write(label, "during")
    assert await database.read(lambda tx: posts.get(tx, SITE, PostKey("before")).title) == "a title"
    await _set(database, "query_only = 0")
    await database.write(label, "after")


async def test_a_fault_reaches_every_waiting_caller(impatient: Database, store_path: Path) -> None:
    with closing(sqlite3.connect(store_path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        outcomes = await asyncio.gather(
            *(impatient.write(label, f"post {number}") for number in range(300)), return_exceptions=True
        )
        other.execute("ROLLBACK")
    assert {type(outcome) for outcome in outcomes} == {StoreUnavailable}
