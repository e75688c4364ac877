"""Where an import lies between its file and the store: a database in a temporary file, gone with the command.

So nothing is written before all of it has been read, and a gigabyte of input takes no gigabyte of memory.
`transfer/reading` puts comments here, `arrange` finds their threads, and `slices` gives them back, what is answered
before its answers.
"""

import hashlib
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from service.model import Milliseconds
from service.store.engine import StoreError

CACHE_KILOBYTES: Final = 16_000
AT_ONCE: Final = 250
"""Comments that go to the database in one call."""
LONGEST_IDENTITY: Final = 500
"""Characters. PostgreSQL takes no entry of an index above 2,704 bytes."""
AGAIN: Final = "has the id of another comment on its thread: the first one counts"


class Staged(NamedTuple):
    """A comment that is ready to be written. `number` is its place in the file, `identity` what its source calls it,
    `answers` the identity of what it answers. `login` is the namespace of its author; None: they are nobody here."""

    number: int
    identity: str
    answers: str | None
    post: str
    post_title: str | None
    post_url: str | None
    subject: str
    login: str | None
    name: str
    url: str | None
    body: str
    html: str
    original: str | None
    original_format: str | None
    status: str
    created_at: Milliseconds
    edited_at: Milliseconds | None
    anchor: str | None
    whole: str | None = None
    """Of a lossless export: its line, as JSON."""
    banned_until: Milliseconds | None = None
    """Of somebody who is banned from the first day on here."""


class Placed(NamedTuple):
    """What a comment says of where it stands, in the words of its file."""

    source_id: str
    thread: str
    parent: str | None
    line: int


_MAKE = """
CREATE TABLE comments (
    number INTEGER PRIMARY KEY, identity TEXT NOT NULL, answers TEXT, post TEXT NOT NULL,
    post_title TEXT, post_url TEXT, subject TEXT NOT NULL, login TEXT, name TEXT NOT NULL, url TEXT,
    body TEXT NOT NULL, html TEXT NOT NULL, original TEXT, original_format TEXT, status TEXT NOT NULL,
    created_at INTEGER NOT NULL, edited_at INTEGER, anchor TEXT, whole TEXT, banned_until INTEGER
);
CREATE TABLE places (
    number INTEGER PRIMARY KEY, source_id TEXT NOT NULL, thread TEXT NOT NULL, answers TEXT, line INTEGER NOT NULL,
    post TEXT NOT NULL, status TEXT NOT NULL, created_at INTEGER NOT NULL, parent INTEGER, level INTEGER,
    dropped INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE named (name TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE banned (subject TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID;
"""
_ADD = f"INSERT INTO comments VALUES ({', '.join('?' * len(Staged.__annotations__))})"  # noqa: S608
_PLACE = (
    "INSERT INTO places (number, line, source_id, thread, answers, post, status, created_at)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_HAS_SHARED_IDS = "SELECT 1 FROM places GROUP BY source_id HAVING count(*) > 1 LIMIT 1"
_IS_THERE_AGAIN = (
    "EXISTS (SELECT 1 FROM places AS p WHERE p.source_id = places.source_id AND p.thread = places.thread"
    " AND p.number < places.number)"
)
_SHARED = """
SELECT p.number, p.line, p.thread || ' ' || p.source_id
FROM (SELECT source_id, min(number) AS first FROM places GROUP BY source_id HAVING count(*) > 1) AS twice
JOIN places AS p ON p.source_id = twice.source_id WHERE p.number <> twice.first ORDER BY p.number
"""
_PARENTS = """
UPDATE places SET parent = coalesce(
    (SELECT p.number FROM places AS p WHERE p.source_id = places.answers AND p.thread = places.thread),
    (SELECT p.number FROM places AS p WHERE p.source_id = places.answers ORDER BY p.number LIMIT 1)
) WHERE answers IS NOT NULL
"""
_ANSWERS = """
UPDATE comments SET answers = (
    SELECT coalesce((SELECT c.identity FROM comments AS c WHERE c.number = p.parent), p.answers)
    FROM places AS p WHERE p.number = comments.number
) WHERE answers IS NOT NULL
"""
_ELSEWHERE = """
SELECT number, line FROM places WHERE parent IS NOT NULL
AND post <> (SELECT p.post FROM places AS p WHERE p.number = places.parent) ORDER BY number
"""
_LEVELS = """
WITH RECURSIVE below(number, level) AS (
    SELECT number, 0 FROM places WHERE {roots}
    UNION ALL SELECT p.number, below.level + 1 FROM below JOIN places AS p ON p.parent = below.number
)
UPDATE places SET level = below.level FROM below WHERE places.number = below.number
"""
"""How deep these stand, and all below them."""
_BAN = """
UPDATE comments SET banned_until = (SELECT until FROM banned WHERE banned.subject = comments.subject)
WHERE EXISTS (SELECT 1 FROM banned) AND subject IN (SELECT subject FROM banned)
"""
_DROP_DELETED = """
UPDATE places SET dropped = 1 WHERE level = ? AND status = 'deleted'
AND NOT EXISTS (SELECT 1 FROM places AS p WHERE p.parent = places.number AND p.dropped = 0)
"""


class Stage:
    """The comments of one import."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._run = connection.execute
        self._run_many = connection.executemany
        self._comments: list[Staged] = []
        self._places: list[tuple[int, int, str, str, str | None, str, str, Milliseconds]] = []
        connection.executescript(_MAKE)

    def add(self, comment: Staged, place: Placed) -> None:
        """Keep one more. Whether its id is another one's as well, `arrange` sees."""
        self._comments.append(comment)
        self._places.append(
            (
                *(comment.number, place.line, place.source_id, place.thread, place.parent),
                *(comment.post, comment.status, comment.created_at),
            )
        )
        if len(self._comments) == AT_ONCE:
            self._send()

    def _send(self) -> None:
        self._run_many(_ADD, self._comments)
        self._run_many(_PLACE, self._places)
        self._comments.clear()
        self._places.clear()

    def ban(self, subject: str, until: Milliseconds) -> None:
        """This author of comments on the stage is banned."""
        self._run("INSERT OR REPLACE INTO banned VALUES (?, ?)", (subject, until))

    def is_first(self, name: str) -> bool:
        """Whether nobody asked this of the same name before. (Of a large file that is more than memory should hold.)"""
        return self._run("INSERT OR IGNORE INTO named VALUES (?)", (name,)).rowcount == 1

    def arrange(self, *, keeping_deleted: bool = False) -> Iterator[tuple[int, str]]:
        """Find who answers whom. Yields the line of each comment that becomes a root or is left out, and why.

        What was deleted goes, where nothing stands on it.
        """
        self._send()
        self._run("CREATE INDEX places_source ON places (source_id, thread)")
        if self._run(_HAS_SHARED_IDS).fetchone():
            yield from self._told_apart()
        self._run(_PARENTS)
        for number, line in self._run(_ELSEWHERE).fetchall():
            self._make_root(number)
            yield line, "answers a comment on another post: it begins a thread of its own"
        self._run("CREATE INDEX places_parent ON places (parent, number)")
        self._run(_LEVELS.format(roots="parent IS NULL"))
        self._run("CREATE INDEX places_level ON places (level, number)")
        while found := self._run(
            "SELECT number, line FROM places WHERE level IS NULL ORDER BY number LIMIT 1"
        ).fetchone():
            number, line = self._on_a_cycle(*found)
            self._make_root(number)
            self._run(_LEVELS.format(roots="number = ?"), (number,))
            yield line, "answers itself, by way of others: it begins a thread of its own"
        self._run(_ANSWERS)
        self._run(_BAN)
        if not keeping_deleted:
            self._drop_deleted()
        self._run("CREATE INDEX places_order ON places (post, level, created_at, number) WHERE NOT dropped")

    def _told_apart(self) -> Iterator[tuple[int, str]]:
        """Of two comments with one id on one thread the first counts. On two threads they are two comments."""
        self._run("CREATE INDEX places_first ON places (source_id)")  # else each search for the first sorts them all
        for (line,) in self._run(f"SELECT line FROM places WHERE {_IS_THERE_AGAIN} ORDER BY number"):  # noqa: S608
            yield line, AGAIN
        self._run(f"DELETE FROM places WHERE {_IS_THERE_AGAIN}")  # noqa: S608
        for number, line, name in self._run(_SHARED):
            if len(name) > LONGEST_IDENTITY:
                name = hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()
            if self._run("SELECT 1 FROM places WHERE source_id = ?", (name,)).fetchone() or not self.is_first(name):
                self._run("DELETE FROM places WHERE number = ?", (number,))
                yield line, AGAIN
            else:
                self._run("UPDATE comments SET identity = ? WHERE number = ?", (name, number))

    def _drop_deleted(self) -> None:
        """From the deepest level up: what stands on a comment is known before the comment's turn comes."""
        deepest = self._run("SELECT max(level) FROM places WHERE status = 'deleted'").fetchone()[0]
        for level in range(-1 if deepest is None else deepest, -1, -1):
            self._run(_DROP_DELETED, (level,))

    def _on_a_cycle(self, number: int, line: int) -> tuple[int, int]:
        """A comment on the cycle to which this one leads up: the first of them in the file."""
        seen: dict[int, int] = {}
        while number not in seen:
            seen[number] = line
            number, line = self._run(
                "SELECT p.number, p.line FROM places AS c JOIN places AS p ON p.number = c.parent WHERE c.number = ?",
                (number,),
            ).fetchone()
        order = list(seen)
        first = min(order[order.index(number) :])
        return first, seen[first]

    def _make_root(self, number: int) -> None:
        self._run("UPDATE places SET parent = NULL, answers = NULL WHERE number = ?", (number,))

    def orphans(self) -> list[tuple[int, str]]:
        """Comments that answer one which the file does not have: their lines, and the id of that one."""
        answering = "SELECT line, answers FROM places WHERE answers IS NOT NULL AND parent IS NULL AND NOT dropped"
        return list(self._run(f"{answering} ORDER BY number"))

    def identities(self, size: int) -> Iterator[list[str]]:
        """By which names the store may know the comments, in lists of at most `size`."""
        rows = self._run("SELECT identity FROM comments JOIN places USING (number) WHERE NOT dropped ORDER BY number")
        while part := rows.fetchmany(size):
            yield [identity for (identity,) in part]

    def slices(self, size: int) -> Iterator[list[Staged]]:
        """All of them: post by post, what is answered before its answers, the older ones first."""
        yield from self._sliced("NOT dropped", size)

    def gone(self, size: int) -> Iterator[list[Staged]]:
        """Those that were deleted, with nothing standing on them, in the same order: some may have come before."""
        yield from self._sliced("dropped", size)

    def _sliced(self, which: str, size: int) -> Iterator[list[Staged]]:
        rows = self._run(
            f"SELECT comments.* FROM places JOIN comments USING (number) WHERE {which}"  # noqa: S608
            " ORDER BY places.post, places.level, places.created_at, places.number"
        )
        while part := rows.fetchmany(size):
            yield [Staged(*row) for row in part]

    # --- What a report counts -----------------------------------------------------------------------------------------

    def by_status(self) -> dict[str, int]:
        """How many there are in each status."""
        counted = "SELECT status, count(*) FROM places WHERE NOT dropped GROUP BY status ORDER BY status"
        return dict(self._run(counted).fetchall())

    def dropped(self) -> Iterator[int]:
        """The lines of those that were deleted, and nothing stands on them."""
        for (line,) in self._run("SELECT line FROM places WHERE dropped ORDER BY number"):
            yield line

    def authors(self) -> int:
        """How many people wrote them."""
        people = "SELECT DISTINCT subject, login FROM comments JOIN places USING (number) WHERE NOT dropped"
        return int(self._run(f"SELECT count(*) FROM ({people})").fetchone()[0])  # noqa: S608

    def posts(self) -> Iterator[tuple[str, int, int, str | None]]:
        """Every post: its key, how many comments it gets, of how many threads, and where it is."""
        yield from self._run(
            "SELECT places.post, count(*), count(DISTINCT thread), max(post_url)"
            " FROM places JOIN comments USING (number) WHERE NOT dropped GROUP BY places.post ORDER BY places.post"
        )


@contextmanager
def opened() -> Iterator[Stage]:
    """An empty one, for as long as the block. Raises StoreError, also within it, where there is no room."""
    try:
        with (
            tempfile.TemporaryDirectory(prefix="gatepost-import-") as folder,
            closing(sqlite3.connect(Path(folder) / "stage.db", isolation_level=None)) as connection,
        ):
            connection.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA temp_store = FILE")
            connection.executescript(f"PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = -{CACHE_KILOBYTES}")
            stage = Stage(connection)
            connection.execute("BEGIN")  # one transaction: else each comment would write its pages to the file
            yield stage
    except sqlite3.Error as error:
        raise StoreError(
            f"there is no room for what was read, in {tempfile.gettempdir()} ({error}): make some, or name another "
            "folder by the variable TMPDIR"
        ) from None
