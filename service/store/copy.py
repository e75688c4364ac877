"""Copies a store to another, from any engine to any engine, ending with the same digest on both sides or failing.

The source is read at one moment, also while a server writes to it. The target must be empty, or hold the unfinished
copy of the same store: an interrupted copy goes on where it was. For `gatepost db copy`, for backups of PostgreSQL
stores and for restoring into them.

Until a copy is whole, the target's schema number is `migrate.UNFINISHED`, so that no server starts on it; how far each
table has come is remembered in a table beside the others, in the transaction that brought the rows.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.schema import CreateTable, DropTable
from sqlalchemy.sql.expression import ClauseElement

from service.store import copy_target, digest, migrate, snapshot
from service.store.copy_target import Target
from service.store.digest import TABLES, Digest
from service.store.engine import StoreError
from service.store.snapshot import Snapshot, Values, Watch, first_line
from service.store.statements import compiled
from service.store.tables import secrets

ROWS_AT_ONCE = 500
SOURCE, AS_OF = "source", "as of"
_progress = sa.Table(
    "copy_progress",
    sa.MetaData(),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
_remember = insert(_progress).values(name=sa.bindparam("name"), value=sa.bindparam("value"))
_REMEMBER = _remember.on_conflict_do_update(index_elements=["name"], set_={"value": _remember.excluded.value})
_RECALL = sa.select(_progress.c.name, _progress.c.value)
_version = sa.Table("alembic_version", sa.MetaData(), sa.Column("version_num", sa.Text))
_SET_VERSION = sa.update(_version).values(version_num=sa.bindparam("number"))


def copy(source: Snapshot, url: str, watch: Watch, *, replace: bool = False) -> Digest:
    """Copy everything to the store at `url`; the digest of both. With `replace`, what is there is taken out first.

    Raises StoreError when the target cannot take it or is not the same in the end, and StoppedError.
    """
    snapshot.require_current(source)
    wanted = digest.of(source, watch)
    with closing(copy_target.opened(url)) as target, _faults_named(target):
        goes_on = _prepare(target, source, wanted, replace=replace)
        found = _bring(source, target, wanted, watch)
        if goes_on and found != wanted:  # the source has changed in a way that no event tells of
            _start(target, source, wanted)
            found = _bring(source, target, wanted, watch)
        if found != wanted:
            raise StoreError(f"{target.name}: is not the same as {source.name} ({found.text} and {wanted.text})")
        _finish(target)
    return wanted


def _prepare(target: Target, source: Snapshot, wanted: Digest, *, replace: bool) -> bool:
    """Make the target ready; whether it goes on with an earlier copy. Raises StoreError when it must be left alone."""
    if target.version == migrate.UNFINISHED:
        known = _known(target)
        if (known[SOURCE], known[AS_OF]) == (_identity(source), _json(wanted.as_of)):
            return True
        if known[SOURCE] != _identity(source) and not replace:
            raise StoreError(f"{target.name}: holds an unfinished copy of another store: name an empty one")
    elif target.version != migrate.head():
        raise StoreError(f"{target.name}: is neither empty nor a store of this Gatepost: name an empty one")
    elif not replace and any(_run(target, sa.select(*table.primary_key).limit(1)) for table in TABLES):
        raise StoreError(f"{target.name}: is not empty: name an empty one")
    _start(target, source, wanted)
    return False


def _start(target: Target, source: Snapshot, wanted: Digest) -> None:
    """Nothing has come yet."""
    with _transaction(target):
        _run(target, DropTable(_progress, if_exists=True))
        _run(target, CreateTable(_progress))
        target.clear()
        _run(target, _REMEMBER, name=SOURCE, value=_identity(source))
        _run(target, _REMEMBER, name=AS_OF, value=_json(wanted.as_of))
        _run(target, _SET_VERSION, number=migrate.UNFINISHED)


def _bring(source: Snapshot, target: Target, wanted: Digest, watch: Watch) -> Digest:
    """Bring every row that is not there yet; the digest of what is there then."""
    known = _known(target)
    done = sum(_run(target, sa.select(sa.func.count()).select_from(table))[0][0] for table in TABLES)
    for table in TABLES:
        after = tuple(json.loads(known[table.name])) if table.name in known else None
        for batch in snapshot.batches(snapshot.rows_of(source, table, after=after), ROWS_AT_ONCE):
            watch.tell("copy", done, wanted.rows)
            with _transaction(target):
                target.add(table, [*_ahead(source, table, batch), *batch])
                _run(target, _REMEMBER, name=table.name, value=_json(_key(table, batch[-1])))
            done += len(batch)
    watch.tell("copy", wanted.rows, wanted.rows)
    with snapshot.of(target.url, watch) as copied:
        return digest.of(copied, watch)


def _ahead(source: Snapshot, table: sa.Table, rows: Sequence[Values]) -> Iterator[Values]:
    """The rows further on in the table that `rows` refer to, and what those refer to: parents come with children.

    Ids follow time, so this finds something only where a clock went back.
    """
    places = [list(table.columns).index(key.parent) for key in table.foreign_keys if key.column.table is table]
    last, there = rows[-1][0], {row[0] for row in rows}
    while places:
        referred = {row[place] for row in rows for place in places if row[place] is not None}
        missing = {row_id for row_id in referred if row_id > last} - there
        if not missing:
            return
        rows = list(snapshot.rows_of(source, table, among=missing))
        there |= missing
        yield from rows


def _finish(target: Target) -> None:
    """From now on it is a store like any other."""
    with _transaction(target):
        _run(target, DropTable(_progress))
        _run(target, _SET_VERSION, number=migrate.head())
    target.settle()


def _known(target: Target) -> dict[str, str]:
    return dict(_run(target, _RECALL))


def _identity(source: Snapshot) -> str:
    """Which store it is: a hash of the keys that it made for itself."""
    return hashlib.sha256(_json(list(snapshot.rows_of(source, secrets))).encode()).hexdigest()


def _key(table: sa.Table, row: Values) -> Values:
    return tuple(value for column, value in zip(table.columns, row, strict=True) if column.primary_key)


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True)


def _run(target: Target, statement: ClauseElement, **values: Any) -> list[Any]:
    asked = compiled(statement, target.dialect)
    cursor = target.connection.execute(asked.sql, asked.arguments(values))
    return list(cursor.fetchall()) if cursor.description else []


@contextmanager
def _transaction(target: Target) -> Iterator[None]:
    for statement in target.begin:
        target.connection.execute(statement)
    try:
        yield
        target.connection.execute("COMMIT")
    except BaseException:
        with suppress(target.errors):  # the connection may be gone, and the transaction with it
            target.connection.execute("ROLLBACK")
        raise


@contextmanager
def _faults_named(target: Target) -> Iterator[None]:
    try:
        yield
    except target.errors as error:
        raise StoreError(f"{target.name}: cannot be written ({first_line(error)})") from None
