"""The index in which searches of a long queue look: made when a site has more entries than are quickly looked through.

It is derived from the queue, so no digest and no copy knows of it. A submission pays nothing for it: a background job
(`keep`) follows the log of events in slices of the bulk lane. What happened since its last slice is the tail, which
searches look through by themselves (`search`). SQLite finds words with FTS5 and its trigram tokenizer, PostgreSQL with
a GIN index of the same trigrams, which needs no extension.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ARRAY, Column, Integer, MetaData, Table, Text, bindparam, delete, func, insert, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.schema import CreateTable, ExecutableDDLElement
from sqlalchemy.sql.compiler import DDLCompiler, SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from service.model import SiteKey
from service.store import events, leases
from service.store.among import among, listed
from service.store.database import Database, Transaction
from service.store.tables import leases as leases_table
from service.store.tables import ordered_text, queue, sites

NAME: Final = "search-index"
"""Of the lease under which one replica keeps the index, and which says how far that has come."""
LONG: Final = 1_000
"""A queue is long when a site has more entries; fewer are looked through at once, without the index."""
LOOK_EVERY_SECONDS: Final = 5.0
"""What came since the last look is looked through by each search: on a busy site some hundred entries."""
ENTRIES_PER_MERGE: Final = 8_000
SLICE: Final = 50
"""Entries, or events, that are handled in one transaction: others who write wait for so many at most."""

search = Table(
    "search",
    MetaData(),
    Column("number", Integer, primary_key=True),
    Column("comment_id", ordered_text, nullable=False, unique=True),
    Column("site", ordered_text, nullable=False),
    Column("post", ordered_text, nullable=False),
    Column("author", ordered_text, nullable=False),
    Column("words", Text().with_variant(ARRAY(Text()), "postgresql"), nullable=False),
)
"""What can be looked for of each entry. `words`: its folded text; on PostgreSQL the trigrams of that."""


class State(StrEnum):
    """What there is of the index. Only a complete one is asked."""

    NOTHING = "nothing"
    MADE = "made"
    COMPLETE = "complete"
    EMPTIED = "emptied"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the index has come. `seqs`: the last event of each site that is in it. `last`: while it is made, the last
    comment. `merges`: how many steps are left until its parts, one for each slice, are one: then it answers sooner."""

    state: State = State.NOTHING
    seqs: Mapping[SiteKey, int] = field(default_factory=dict)
    last: str = ""
    merges: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """What a search has to know first: how many entries the site has, its last event, how far the index is."""

    waiting: int = 0
    seq: int = 0
    progress: Progress = Progress()


class _Words(FunctionElement[Any]):
    """What the column `words` holds of a folded text."""

    inherit_cache = True


class _Ddl(ExecutableDDLElement):
    """A statement of one engine, which the other has no need of."""

    def __init__(self, dialect: str, statement: str) -> None:
        self.dialect, self.statement = dialect, statement


_MAKE = [
    CreateTable(search, if_not_exists=True),
    _Ddl("sqlite", "CREATE INDEX IF NOT EXISTS ix_search_post ON search (post)"),
    _Ddl("postgresql", "CREATE INDEX IF NOT EXISTS ix_search_post ON search (post)"),
    _Ddl("sqlite", "CREATE INDEX IF NOT EXISTS ix_search_author ON search (author)"),
    _Ddl("postgresql", "CREATE INDEX IF NOT EXISTS ix_search_author ON search (author)"),
    _Ddl(
        "sqlite",
        "CREATE VIRTUAL TABLE IF NOT EXISTS search_words USING fts5(words, content = 'search',"
        " content_rowid = 'number', detail = 'none', columnsize = 0, tokenize = 'trigram case_sensitive 1')",
    ),
    _Ddl(
        "sqlite",
        "CREATE TRIGGER IF NOT EXISTS search_added AFTER INSERT ON search BEGIN"
        " INSERT INTO search_words (rowid, words) VALUES (new.number, new.words); END",
    ),
    _Ddl(
        "sqlite",
        "CREATE TRIGGER IF NOT EXISTS search_removed AFTER DELETE ON search BEGIN"
        " INSERT INTO search_words (search_words, rowid, words) VALUES ('delete', old.number, old.words); END",
    ),
    # The list of what is still to be sorted in is short: sorting in a full one of 4 MB would make others wait.
    _Ddl(
        "postgresql",
        "CREATE INDEX IF NOT EXISTS ix_search_words ON search USING gin (words)"
        " WITH (fastupdate = on, gin_pending_list_limit = 512)",
    ),
]
_MERGE = _Ddl("sqlite", "INSERT INTO search_words (search_words, rank) VALUES ('merge', -250)")
"""Merge 250 pages, 1 MB; the next one goes on."""
_COPIED = ("comment_id", "site", "post", "author", "words")
_ENTRIES = select(*(queue.c[name] for name in _COPIED[:-1]), _Words(queue.c.folded))
_ADD_NEXT = (
    insert(search)
    .from_select(
        _COPIED,
        _ENTRIES.where(queue.c.comment_id > bindparam("after")).order_by(queue.c.comment_id).limit(bindparam("limit")),
    )
    .returning(search.c.comment_id)
)
_ADD = insert(search).from_select(_COPIED, _ENTRIES.where(among(queue.c.comment_id, "ids")))
_REMOVE = delete(search).where(among(search.c.comment_id, "ids"))
_REMOVE_SOME = delete(search).where(
    search.c.number.in_(select(search.c.number).order_by(search.c.number).limit(bindparam("limit")))
)
_LONGEST = select(func.max(sites.c.waiting).label("waiting"))
_PROGRESS = select(leases_table.c.position).where(leases_table.c.name == NAME)
_STANDING = select(sites.c.waiting, sites.c.event_seq, _PROGRESS.scalar_subquery().label("position")).where(
    sites.c.site == bindparam("site")
)


async def keep(database: Database, holder: str) -> None:
    """Bring the index up to date, or make it, or empty it, slice by slice. A job. Raises StoreUnavailable."""
    if await database.bulk.read(is_due):
        while await database.bulk.write(advance, holder):
            pass


def progress(tx: Transaction) -> Progress:
    """How far the index is in this transaction."""
    row = tx.first(_PROGRESS)
    return _read(row["position"] if row else None)


def look(tx: Transaction, site: SiteKey) -> Standing:
    """How things stand for a search, by one statement."""
    row = tx.first(_STANDING, site=site)
    return Standing(row["waiting"], row["event_seq"], _read(row["position"])) if row else Standing()


def is_due(tx: Transaction) -> bool:
    """Whether there is anything to do: mostly there is not, and then nothing is written."""
    now = progress(tx)
    match now.state:
        case State.NOTHING:
            return _longest(tx) > LONG
        case State.COMPLETE if not now.merges:
            last = events.last_numbers(tx)
            return _longest(tx) <= LONG // 2 or any(number > now.seqs.get(site, 0) for site, number in last.items())
    return True


def advance(tx: Transaction, holder: str) -> bool:
    """Do the next slice, unless another replica does it; whether there is more to do."""
    lease = leases.take(tx, NAME, holder)
    if lease is None:
        return False
    after = _next(tx, _read(lease.position))
    if after is None:
        return False
    leases.note(tx, lease, json.dumps(asdict(after)))
    return True


def _next(tx: Transaction, before: Progress) -> Progress | None:
    """Do one slice; how far the index is then. None: there was nothing to do."""
    match before.state:
        case State.NOTHING:
            return _made(tx) if _longest(tx) > LONG else None
        case State.MADE:
            added = tx.all(_ADD_NEXT, after=before.last, limit=SLICE)
            if len(added) == SLICE:
                return replace(before, last=max(row["comment_id"] for row in added))
            return replace(before, state=State.COMPLETE, merges=_longest(tx) // ENTRIES_PER_MERGE + 2)
        case State.COMPLETE if before.merges:
            tx.run(_MERGE)
            return replace(before, merges=before.merges - 1)
        case State.COMPLETE:
            return _followed(tx, before) if _longest(tx) > LONG // 2 else Progress(State.EMPTIED)
        case State.EMPTIED:
            return before if tx.run(_REMOVE_SOME, limit=SLICE) else Progress()


def _longest(tx: Transaction) -> int:
    row = tx.first(_LONGEST)
    return (row["waiting"] if row else None) or 0


def _made(tx: Transaction) -> Progress:
    for statement in _MAKE:
        tx.run(statement)
    return Progress(State.MADE, events.last_numbers(tx))


def _followed(tx: Transaction, before: Progress) -> Progress | None:
    """One slice of what happened since: what its events name is put into the index as it is now, or leaves it."""
    for site, number in events.last_numbers(tx).items():
        seq = before.seqs.get(site, 0)
        if seq >= number:
            continue
        part = events.after(tx, site, seq, limit=SLICE)
        if not part or part[0].seq != seq + 1:  # what it would have followed is gone: it begins again
            return Progress(State.EMPTIED)
        ids = listed({comment_id for event in part for comment_id in events.waiting_of(event)})
        tx.run(_REMOVE, ids=ids)
        tx.run(_ADD, ids=ids)
        return replace(before, seqs={**before.seqs, site: part[-1].seq})
    return None


def _read(position: str | None) -> Progress:
    if position is None:
        return Progress()
    noted = json.loads(position)
    return Progress(State(noted["state"]), noted["seqs"], noted["last"], noted.get("merges", 0))


@compiles(_Ddl)
def _statement(element: _Ddl, compiler: DDLCompiler, **_: Any) -> str:
    return element.statement if compiler.dialect.name == element.dialect else "SELECT 1"


@compiles(_Words, "sqlite")
def _whole(element: _Words, compiler: SQLCompiler, **given: Any) -> str:
    return compiler.process(element.clauses, **given)


@compiles(_Words, "postgresql")
def _trigrams(element: _Words, compiler: SQLCompiler, **given: Any) -> str:
    """Each letter beside the next two. OFFSET keeps the planner from taking the text apart for each of the three."""
    text = compiler.process(element.clauses, **given)
    letters = f"(SELECT string_to_array({text}, NULL) AS letters OFFSET 0) AS text"
    threes = "unnest(letters, letters[2:], letters[3:]) AS threes (one, two, three)"
    return f"ARRAY(SELECT DISTINCT one || two || three FROM {letters}, {threes} WHERE three IS NOT NULL)"  # noqa: S608
