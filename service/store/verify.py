"""Does a store hold what it must? Every difference is a line. For `gatepost db verify`, and for every backup.

Each file of queries says itself what its writes keep true (`RULES`, see `recount`); here they are listed, beside what
holds for every table. Everything is done by the database or in streams, so the size of the store does not matter.
"""

from collections.abc import Iterator, Sequence
from functools import partial

from sqlalchemy import ForeignKeyConstraint, Table, and_, select

from service.store import authors, comments, decisions, events, posts, queue, snapshot, texts
from service.store.digest import TABLES
from service.store.engine import StoreError
from service.store.recount import Rule, shown
from service.store.snapshot import Snapshot, SqliteSnapshot, Watch

MOST_LINES_OF_SQLITE = 1000
RULES: Sequence[Rule] = [
    *posts.RULES,
    *authors.RULES,
    *comments.RULES,
    *texts.RULES,
    *queue.RULES,
    *events.RULES,
    *decisions.RULES,
]


def differences(moment: Snapshot, watch: Watch) -> Iterator[str]:
    """Every difference between what the store says and what is there, a line each. None: it is sound.

    Raises StoreError for a store of another schema; what cannot be read is a difference like any other.
    """
    snapshot.require_current(moment)
    checks = [
        ("integrity", partial(_integrity, moment)),
        *((name, partial(_orphans, moment, table, key)) for name, table, key in _foreign_keys()),
        *((rule.name, partial(rule.lines, moment)) for rule in RULES),
    ]
    for number, (name, check) in enumerate(checks):
        watch.tell("verify", number, len(checks))
        try:
            yield from check()
        except StoreError as error:
            yield f"{name}: {error}"
    watch.tell("verify", len(checks), len(checks))


def _integrity(moment: Snapshot) -> Iterator[str]:
    """What SQLite finds wrong with its own file; PostgreSQL checks its pages whenever they are read."""
    if isinstance(moment, SqliteSnapshot):
        for (line,) in moment.rows(snapshot.sql(f"PRAGMA integrity_check({MOST_LINES_OF_SQLITE})")):
            if line != "ok":
                yield f"integrity: {' '.join(line.split())}"


def _foreign_keys() -> Iterator[tuple[str, Table, ForeignKeyConstraint]]:
    for table in TABLES:
        for key in sorted(table.foreign_key_constraints, key=lambda key: tuple(key.column_keys)):
            yield f"{table.name}.{'.'.join(key.column_keys)}", table, key


def _orphans(moment: Snapshot, table: Table, key: ForeignKeyConstraint) -> Iterator[str]:
    """Rows that refer to a row that is not there."""
    parent = key.referred_table.alias()
    pairs = [(element.parent, parent.c[element.column.name]) for element in key.elements]
    joined = table.outerjoin(parent, and_(*(child == referred for child, referred in pairs)))
    missing = [*(child.is_not(None) for child, _ in pairs), pairs[0][1].is_(None)]
    own = list(table.primary_key)
    statement = select(*own, *(child for child, _ in pairs)).select_from(joined).where(*missing).order_by(*own)
    for row in moment.rows(statement):
        named = list(map(shown, row))
        which, wanted = " ".join(named[: len(own)]), " ".join(named[len(own) :])
        yield f"{table.name}: {which} refers to {key.referred_table.name} {wanted}, which is not there"
