"""The numbered migrations make what `tables.py` says, on every database; a store that does not fit is refused."""

import importlib.util
import io
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import create_engine, insert
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from service.store import migrate
from service.store.database import Database
from service.store.engine import StoreError
from service.store.tables import metadata
from tests.harness import Hands

pytestmark = pytest.mark.sqlite_only(reason="upgrades of the SQLite file; those of PostgreSQL are in test_replicas")
VERSIONS = sorted((migrate.MIGRATIONS / "versions").glob("*.py"))


def _lines(statement: str) -> list[str]:
    """What a statement says, part by part, without layout and order: columns and constraints may stand in any."""
    head, _, rest = " ".join(statement.split()).partition("(")
    parts, depth = [""], 0
    for character in rest:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    parts[-1], _, tail = parts[-1].rpartition(")")
    return [head.strip(), *sorted(part.strip() for part in parts), tail.strip()]


def _definitions(path: Path) -> dict[str, list[str]]:
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    return {name: _lines(sql) for name, sql in found if name != "alembic_version"}


def _left(script: str) -> list[str]:
    """What `script` makes and does not drop again, a table with the columns that were added to it."""
    made: list[str] = []
    for statement in (part.strip() for part in script.split(";") if part.strip()):
        if dropped := re.fullmatch(r"DROP INDEX (\w+)", statement):
            made = [one for one in made if not one.startswith(f"CREATE INDEX {dropped[1]} ")]
        elif added := re.fullmatch(r"ALTER TABLE (\w+) ADD COLUMN (.+)", statement, re.DOTALL):
            table = f"CREATE TABLE {added[1]} ("
            made = [f"{one.removesuffix(')').rstrip()}, {added[2]})" if one.startswith(table) else one for one in made]
        elif not statement.startswith("UPDATE "):
            made.append(statement)
    return made


@pytest.mark.filterwarnings("ignore:Skipped unsupported reflection of expression-based index")
@pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based index")
def test_migrations_make_what_the_tables_say(store_path: Path) -> None:
    """But for an index of an expression, at which it cannot look: the two tests below do."""
    engine = create_engine(f"sqlite:///{store_path}")
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={
                "compare_type": True,
                "compare_server_default": True,
                "target_metadata": metadata,
            },
        )
        assert compare_metadata(context, metadata) == []
    engine.dispose()


def test_migrations_make_every_constraint_and_default_too(store_path: Path, tmp_path: Path) -> None:
    direct = tmp_path / "direct.db"
    engine = create_engine(f"sqlite:///{direct}")
    metadata.create_all(engine)
    engine.dispose()
    assert _definitions(store_path) == _definitions(direct)


def test_migrations_make_the_same_on_postgresql() -> None:
    written = io.StringIO()
    context = MigrationContext.configure(
        dialect_name="postgresql",
        opts={"as_sql": True, "output_buffer": written, "target_metadata": metadata},
    )
    with Operations.context(context):
        for path in VERSIONS:
            spec = importlib.util.spec_from_file_location(path.stem, path)
            assert spec is not None
            assert spec.loader is not None
            migration = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(migration)
            migration.upgrade()
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped
    wanted = [str(CreateTable(table).compile(dialect=dialect)) for table in metadata.tables.values()]
    wanted += [
        str(CreateIndex(index).compile(dialect=dialect))
        for table in metadata.tables.values()
        for index in table.indexes
    ]
    assert sorted(map(_lines, _left(written.getvalue()))) == sorted(map(_lines, wanted))
    assert 'COLLATE "C"' in written.getvalue()


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [
        ("comments", "status", "published"),
        ("comments", "version", 0),
        ("comments", "reply_count", -1),
        ("posts", "count", -1),
        ("authors", "approved", -1),
        ("authors", "rejected", -1),
    ],
)
def test_the_store_itself_refuses_what_cannot_be(store_path: Path, table: str, column: str, value: object) -> None:
    with closing(sqlite3.connect(store_path)) as connection:
        named = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
        row = {**dict.fromkeys(named, 1), **({"status": "pending"} if "status" in named else {}), column: value}
        statement = insert(metadata.tables[table]).compile(dialect=sqlite.dialect(paramstyle="named"))
        with pytest.raises(sqlite3.IntegrityError, match="CHECK constraint failed"):
            connection.execute(str(statement), row)


def test_upgrading_again_changes_nothing(store_path: Path) -> None:
    before = store_path.read_bytes()
    migrate.upgrade(store_path, 5.0)
    assert store_path.read_bytes() == before


def test_an_empty_file_becomes_a_store(tmp_path: Path, store_path: Path) -> None:
    empty = tmp_path / "empty.db"
    empty.touch()
    migrate.upgrade(empty, 5.0)
    assert _definitions(empty) == _definitions(store_path)


def test_an_interrupted_upgrade_leaves_nothing_behind(tmp_path: Path) -> None:
    half = tmp_path / "half.db"
    with closing(sqlite3.connect(half)) as connection:
        connection.execute("CREATE TABLE queue (something)")  # in the way of a table that is made late
    before = _definitions(half)
    with pytest.raises(sqlite3.OperationalError, match="already exists"):
        migrate.upgrade(half, 5.0)
    assert _definitions(half) == before


async def test_a_store_of_a_newer_release_is_refused_and_left_alone(store_path: Path, clock: Hands) -> None:
    with closing(sqlite3.connect(store_path, isolation_level=None)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(migrate.SchemaError) as refusal:
        await Database.open(f"sqlite:///{store_path}", clock=clock)
    said = f"its schema (9999) is newer than this Gatepost knows ({migrate.head()}): install the newer release"
    assert str(refusal.value) == f"{store_path}: {said}"
    with closing(sqlite3.connect(store_path)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [("9999",)]


@pytest.mark.own_engines
async def test_a_database_that_cannot_hold_unicode_is_refused_and_left_alone(
    postgres_url_without_unicode: str, clock: Hands
) -> None:
    with pytest.raises(migrate.SchemaError, match="has the encoding LATIN1"):
        await Database.open(postgres_url_without_unicode, clock=clock)
    with psycopg.connect(postgres_url_without_unicode) as connection:
        assert connection.execute("SELECT to_regclass('comments')").fetchone() == (None,)


async def test_someone_elses_database_is_refused_and_left_alone(tmp_path: Path, clock: Hands) -> None:
    foreign = tmp_path / "foreign.db"
    with closing(sqlite3.connect(foreign)) as connection:
        connection.execute("CREATE TABLE comments (theirs)")
    with pytest.raises(StoreError, match="cannot be opened"):
        await Database.open(f"sqlite:///{foreign}", clock=clock)
    assert list(_definitions(foreign)) == ["comments"]


def test_migrations_are_numbered_without_gaps() -> None:
    assert [path.name[:4] for path in VERSIONS] == [f"{number:04d}" for number in range(1, len(VERSIONS) + 1)]
