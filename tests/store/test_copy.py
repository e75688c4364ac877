"""Copies between engines: the same digest on both sides, whatever happens on the way, or an error and no store."""

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import count
from pathlib import Path

import psycopg
import pytest

from service.model import POLICY, SiteKey
from service.store import copy, events, leases, migrate, snapshot
from service.store.database import Database
from service.store.engine import StoreError
from service.store.migrate import SchemaError
from service.store.snapshot import StoppedError, Watch
from tests.harness import Hands
from tests.rows import rows_of
from tests.store import scene
from tests.store.damage import change
from tests.store.test_digest import digest_of

SITE = SiteKey("blog")


def copied(source_url: str, empty_url: str, *, watch: Watch | None = None, replace: bool = False) -> str:
    """Copy; the digest's text."""
    with snapshot.of(source_url) as moment:
        return copy.copy(moment, empty_url, watch or Watch(), replace=replace).text


def stopping_after(batches: int) -> Watch:
    """Ends the copy when it has brought so many batches."""
    begun = count()

    def show(step: str, _: int, __: int) -> None:
        if step == "copy" and next(begun) == batches:
            raise StoppedError

    return Watch(show)


def test_a_copy_has_the_digest_of_its_source(filled_url: str, empty_url: str) -> None:
    assert copied(filled_url, empty_url) == digest_of(filled_url).text == digest_of(empty_url).text


def test_embedded_to_postgresql_and_back_is_the_same(
    filled_path: Path, empty_postgres_url: str, tmp_path: Path
) -> None:
    first, last = f"sqlite:///{filled_path}", f"sqlite:///{tmp_path}/back.db"
    copied(first, empty_postgres_url)
    copied(empty_postgres_url, last)
    assert digest_of(last) == digest_of(empty_postgres_url) == digest_of(first)


def test_an_empty_store_is_copied_too(any_url: str, empty_url: str) -> None:
    assert copied(any_url, empty_url) == digest_of(empty_url).text


def test_a_store_without_rows_takes_a_copy(filled_path: Path, postgres_url: str) -> None:
    assert copied(f"sqlite:///{filled_path}", postgres_url) == digest_of(postgres_url).text


async def test_a_server_goes_on_where_the_source_was(filled_url: str, empty_url: str, clock: Hands) -> None:
    copied(filled_url, empty_url)
    last = digest_of(filled_url).as_of["blog"]
    database = await Database.open(empty_url, clock=clock)
    assert await database.write(events.append, SITE, "post.opened", POLICY) == last + 1
    await database.close()


def test_nothing_of_the_copying_stays(filled_path: Path, empty_postgres_url: str, tmp_path: Path) -> None:
    copied(f"sqlite:///{filled_path}", empty_postgres_url)
    copied(f"sqlite:///{filled_path}", f"sqlite:///{tmp_path}/copy.db")
    for url in (empty_postgres_url, f"sqlite:///{tmp_path}/copy.db"):
        with rows_of(url) as rows:
            assert rows.execute("SELECT version_num FROM alembic_version").fetchall() == [(migrate.head(),)]
    with closing(sqlite3.connect(tmp_path / "copy.db")) as file:
        assert file.execute("SELECT name FROM sqlite_master WHERE name = 'copy_progress'").fetchall() == []
        assert file.execute("PRAGMA foreign_key_check").fetchall() == []
    with psycopg.connect(empty_postgres_url) as connection:
        assert connection.execute("SELECT to_regclass('copy_progress')").fetchall() == [(None,)]
    assert {path.name for path in tmp_path.glob("copy.db*")} == {"copy.db", "copy.db.lock"}


@pytest.mark.parametrize("size", [1, 2, 5])
def test_the_size_of_a_batch_changes_nothing(
    filled_path: Path, empty_url: str, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    """One row at a time, a child whose id is smaller than its parent's comes in a batch before it."""
    with rows_of(f"sqlite:///{filled_path}") as rows:
        assert rows.number(
            "SELECT count(*) FROM comments AS c JOIN comments AS p ON p.id = c.parent_id AND p.id > c.id"
        )
    monkeypatch.setattr(copy, "ROWS_AT_ONCE", size)
    assert copied(f"sqlite:///{filled_path}", empty_url) == digest_of(empty_url).text


# --- Interruptions ----------------------------------------------------------------------------------------------------


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of three rows: the scene takes some dozens of them."""
    monkeypatch.setattr(copy, "ROWS_AT_ONCE", 3)


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("batches", [0, 1, 4, 9, 15, 21])
def test_an_interrupted_copy_goes_on_where_it_was(filled_path: Path, empty_url: str, batches: int) -> None:
    url = f"sqlite:///{filled_path}"
    with pytest.raises(StoppedError):
        copied(url, empty_url, watch=stopping_after(batches))
    steps: list[int] = []
    watch = Watch(lambda step, done, _: steps.append(done) if step == "copy" else None)
    assert copied(url, empty_url, watch=watch) == digest_of(empty_url).text
    assert (steps[0] > 0) == (batches > 0)
    assert steps[0] <= 3 * batches + 3


@pytest.mark.usefixtures("small_batches")
def test_a_copy_that_is_interrupted_after_every_batch_ends_as_well(filled_path: Path, empty_url: str) -> None:
    url, runs = f"sqlite:///{filled_path}", 0
    while True:
        try:
            digest = copied(url, empty_url, watch=stopping_after(1))
            break
        except StoppedError:
            runs += 1
    assert runs > 15
    assert digest == digest_of(empty_url).text


async def test_no_server_starts_on_an_unfinished_copy(filled_path: Path, empty_url: str, clock: Hands) -> None:
    with pytest.raises(StoppedError):
        copied(f"sqlite:///{filled_path}", empty_url, watch=stopping_after(3))
    with pytest.raises(SchemaError, match="is an unfinished copy: finish it"):
        await Database.open(empty_url, clock=clock)


def test_an_unfinished_copy_is_no_source(filled_path: Path, empty_url: str, tmp_path: Path) -> None:
    with pytest.raises(StoppedError):
        copied(f"sqlite:///{filled_path}", empty_url, watch=stopping_after(3))
    with pytest.raises(StoreError, match="is an unfinished copy: finish it"):
        copied(empty_url, f"sqlite:///{tmp_path}/third.db")
    assert not (tmp_path / "third.db").exists()


CHANGES: list[Callable[[str], None]] = [
    lambda url: change(url, "UPDATE queue SET claimed_until = 5"),
    lambda url: change(url, "DELETE FROM reasons", "DELETE FROM queue", "DELETE FROM idempotency"),
    lambda url: change(url, "UPDATE comments SET reply_count = 9 WHERE post = 'quiet'"),
    lambda url: change(url, "UPDATE sites SET event_seq = event_seq + 1"),
]


@pytest.mark.parametrize("changed", CHANGES, ids=["a claim", "rows gone", "a comment", "an event"])
def test_a_source_that_changed_meanwhile_is_copied_as_it_is_now(
    filled_path: Path, empty_url: str, changed: Callable[[str], None]
) -> None:
    url = f"sqlite:///{filled_path}"
    with pytest.raises(StoppedError):
        copied(url, empty_url, watch=stopping_after(9))
    changed(url)
    assert copied(url, empty_url) == digest_of(url).text == digest_of(empty_url).text


async def test_a_copy_that_another_store_began_is_left_alone(
    filled_path: Path, empty_url: str, tmp_path: Path, clock: Hands
) -> None:
    with pytest.raises(StoppedError):
        copied(f"sqlite:///{filled_path}", empty_url, watch=stopping_after(3))
    other = f"sqlite:///{tmp_path}/other.db"
    await scene.fill(other, clock)
    with pytest.raises(StoreError, match="holds an unfinished copy of another store"):
        copied(other, empty_url)
    assert copied(f"sqlite:///{filled_path}", empty_url) == digest_of(empty_url).text


# --- Refusals ---------------------------------------------------------------------------------------------------------


async def test_a_store_with_rows_is_not_written_into(filled_url: str, tmp_path: Path, clock: Hands) -> None:
    source = f"sqlite:///{tmp_path}/source.db"
    await scene.fill(source, clock)
    before = digest_of(filled_url)
    with pytest.raises(StoreError, match="is not empty"):
        copied(source, filled_url)
    assert digest_of(filled_url) == before
    assert copied(source, filled_url, replace=True) == digest_of(source).text == digest_of(filled_url).text


async def test_a_store_that_a_server_uses_is_not_written_into(
    filled_path: Path, any_url: str, tmp_path: Path, clock: Hands
) -> None:
    source = f"sqlite:///{tmp_path}/source.db"
    await scene.fill(source, clock)
    database = await Database.open(any_url, clock=clock)
    with pytest.raises(StoreError, match=r"is in use|another Gatepost is using"):
        copied(source, any_url, replace=True)
    await database.close()
    assert copied(source, any_url, replace=True) == digest_of(any_url).text


def test_a_server_that_has_just_stopped_is_waited_for(filled_path: Path, postgres_url: str) -> None:
    """PostgreSQL lists its connections for a moment longer; here, until the copy has looked."""
    looking = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'gatepost-db' AND query LIKE '%pg_sleep%'"
    server = psycopg.connect(postgres_url, application_name="gatepost", autocommit=True)
    with ThreadPoolExecutor(1) as threads:
        copying = threads.submit(copied, f"sqlite:///{filled_path}", postgres_url)
        with server:
            while not copying.done() and server.execute(looking).fetchone() == (0,):
                pass
        assert copying.result() == digest_of(postgres_url).text


def test_somebody_elses_database_is_left_alone(filled_path: Path, empty_postgres_url: str, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs.db"
    for url in (f"sqlite:///{theirs}", empty_postgres_url):
        change(url, "CREATE TABLE comments (theirs INTEGER)")
        with pytest.raises(StoreError, match="is neither empty nor a store of this Gatepost"):
            copied(f"sqlite:///{filled_path}", url, replace=True)
    with closing(sqlite3.connect(theirs)) as file:
        assert file.execute("SELECT name FROM sqlite_master").fetchall() == [("comments",)]
    with psycopg.connect(empty_postgres_url) as connection:
        found = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        assert found.fetchall() == [("comments",)]


def test_a_store_is_not_copied_into_itself(filled_url: str) -> None:
    before = digest_of(filled_url)
    with pytest.raises(StoreError, match="is not empty"):
        copied(filled_url, filled_url)
    assert digest_of(filled_url) == before


def test_a_target_that_cannot_be_reached_is_one_clear_line(filled_path: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for url in (f"sqlite:///{tmp_path}/file/copy.db", f"postgresql://gatepost:secret@/none?host={tmp_path}"):
        with pytest.raises(StoreError) as refusal:
            copied(f"sqlite:///{filled_path}", url)
        assert "\n" not in str(refusal.value)
        assert "secret" not in str(refusal.value)


def test_a_damaged_source_makes_no_store(filled_path: Path, empty_postgres_url: str) -> None:
    change(f"sqlite:///{filled_path}", "UPDATE comments SET parent_id = 'nobody' WHERE post = 'quiet'")
    with pytest.raises(StoreError, match=r"cannot be written .*foreign key"):
        copied(f"sqlite:///{filled_path}", empty_postgres_url)


async def test_leases_stay_where_they_are_held(filled_path: Path, empty_postgres_url: str, clock: Hands) -> None:
    """Neither are they copied, nor does a position in the old store's events outlive it."""
    for url in (f"sqlite:///{filled_path}", empty_postgres_url):
        database = await Database.open(url, clock=clock)
        lease = await database.write(leases.take, "a job", "here")
        assert lease is not None
        await database.write(leases.note, lease, "far ahead")
        await database.close()
    copied(f"sqlite:///{filled_path}", empty_postgres_url, replace=True)
    with rows_of(empty_postgres_url) as rows:
        assert rows.execute("SELECT count(*) FROM leases").fetchall() == [(0,)]
