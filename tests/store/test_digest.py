"""The digest of a store: the same on both engines, another one for another word."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest

from service.store import copy, digest, snapshot
from service.store import probe as readiness
from service.store.database import Database
from service.store.digest import TABLES, Digest
from service.store.engine import StoreError
from service.store.snapshot import Watch
from service.store.tables import desk_codes, desk_sessions, followers, leases, metadata, probe
from tests.harness import Hands
from tests.rows import rows_of
from tests.store.damage import change


def digest_of(url: str) -> Digest:
    """The digest of a store as it is now."""
    with snapshot.of(url) as moment:
        return digest.of(moment, Watch())


def test_the_same_store_has_the_same_digest(filled_url: str) -> None:
    assert digest_of(filled_url) == digest_of(filled_url)


async def test_both_engines_have_the_same_digest(filled_path: Path, postgres_url: str) -> None:
    url = f"sqlite:///{filled_path}"
    with snapshot.of(url) as moment:
        copy.copy(moment, postgres_url, Watch())
    assert digest_of(postgres_url) == digest_of(url)


def test_what_is_digested_can_be_said_in_a_few_lines(any_url: str) -> None:
    """Anybody can make the digest of an empty store by hand, from what the file's first sentence says."""
    lines = [json.dumps([table.name, *table.columns.keys()], separators=(",", ":")) for table in TABLES]
    expected = hashlib.sha256("".join(f"{line}\n" for line in sorted(lines)).encode()).hexdigest()
    assert digest_of(any_url) == Digest(expected, 0, {})


def test_every_table_is_in_it_but_those_of_a_running_service() -> None:
    assert {*TABLES, probe, leases, followers, desk_sessions, desk_codes} == set(metadata.tables.values())


@pytest.mark.parametrize("table", [table.name for table in TABLES])
def test_every_table_of_the_scene_has_rows(filled_path: Path, table: str) -> None:
    """Else the tests with it would show nothing of that table."""
    with rows_of(f"sqlite:///{filled_path}") as rows:
        assert rows.number(f"SELECT count(*) FROM {table}") > 0  # noqa: S608  # our own table's name


@pytest.mark.parametrize(
    "found",
    [
        "rule_states WHERE braked_at IS NOT NULL",
        "events WHERE type = 'rule.released'",
        "list_entries WHERE until IS NOT NULL",
        "policies WHERE version > 1",
        *(f"judgements WHERE outcome = '{outcome}'" for outcome in ("publish", "hold", "reject", "spam")),
        "judgements WHERE said LIKE '%\"audited\":true%'",
        "judgements WHERE said LIKE '%\"braked\":true%'",
        "rule_outcomes WHERE agreed",
        "rule_outcomes WHERE NOT agreed",
        "rule_hours WHERE decided > acted",
    ],
)
def test_the_scene_has_all_that_rules_leave_behind(filled_path: Path, found: str) -> None:
    with rows_of(f"sqlite:///{filled_path}") as rows:
        assert rows.number(f"SELECT count(*) FROM {found}") > 0  # noqa: S608  # written above


CHANGES = [
    "UPDATE comments SET body = body || ' ' WHERE status = 'spam'",
    "UPDATE posts SET open = NOT open WHERE post = 'quiet'",
    "UPDATE authors SET banned_until = 0 WHERE author = 'eve-key'",
    "UPDATE rule_states SET braked_at = NULL WHERE rule = 'none-come'",
    "UPDATE rule_outcomes SET agreed = NOT agreed WHERE rule = 'long'",
    "UPDATE list_entries SET until = until + 1 WHERE value = 'percent'",
    "UPDATE policies SET note = 'why' WHERE version = 1",
    "UPDATE decisions SET reason = '' WHERE seq = 1",
    "UPDATE idempotency SET status = 201",
    "DELETE FROM queue WHERE post = 'quiet'",
    "UPDATE secrets SET value = 'another' WHERE name = 'cursor'",
    "DELETE FROM api_keys",
]


@pytest.mark.parametrize("statement", CHANGES)
def test_another_word_is_another_digest(filled_url: str, statement: str) -> None:
    before = digest_of(filled_url)
    change(filled_url, statement)
    after = digest_of(filled_url)
    assert after.text != before.text
    assert after.as_of == before.as_of


async def test_the_readiness_check_leaves_no_trace(filled_url: str, clock: Hands) -> None:
    before = digest_of(filled_url)
    database = await Database.open(filled_url, clock=clock)
    await database.write(readiness.write)
    await database.close()
    assert digest_of(filled_url) == before


def test_it_says_of_which_event_it_is(filled_url: str) -> None:
    with rows_of(filled_url) as rows:
        last = dict(rows.execute("SELECT site, max(seq) FROM events GROUP BY site").fetchall())
    assert digest_of(filled_url).as_of == last
    assert set(last) == {"blog", "open", "ruled"}


def test_it_counts_its_rows(filled_url: str) -> None:
    counts = [f"SELECT count(*) FROM {table.name}" for table in TABLES]  # noqa: S608  # our own tables' names
    with rows_of(filled_url) as rows:
        assert digest_of(filled_url).rows == sum(map(rows.number, counts))


def test_a_file_without_a_store_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "junk.db").write_bytes(b"not a database" * 1000)
    for name in ("missing.db", "junk.db"):
        with (
            pytest.raises(StoreError, match=f"{name}: is no store that can be read"),
            snapshot.of(f"sqlite:///{tmp_path / name}"),
        ):
            pass
    assert [path.name for path in tmp_path.iterdir()] == ["junk.db"]


def test_reading_a_store_leaves_its_file_alone(filled_path: Path, tmp_path: Path) -> None:
    kept = Path(shutil.copy(filled_path, tmp_path / "kept.db"))
    digest_of(f"sqlite:///{filled_path}")
    assert filled_path.read_bytes() == kept.read_bytes()
