"""Does a store hold what it must? Every difference is a line. For `gatepost db verify`, and for every backup.

Whatever the service keeps twice (counts, the queue, the order of events) is counted anew here and compared; everything
is done by the database or in streams, so the size of the store does not matter.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from sqlalchemy import ForeignKeyConstraint, Table, and_, or_, select

from service.model import Status
from service.store import snapshot
from service.store.digest import TABLES
from service.store.engine import StoreError
from service.store.queue import folded
from service.store.snapshot import Snapshot, SqliteSnapshot, Watch
from service.store.tables import comments, queue

MOST_LINES_OF_SQLITE = 1000


@dataclass(frozen=True, slots=True)
class Recount:
    """A query whose every row is a difference, and the sentence that says which."""

    name: str
    query: str
    sentence: str

    def lines(self, moment: Snapshot) -> Iterator[str]:
        """One line per difference. Keys are shown as Python writes them: a line stays one."""
        for row in moment.rows(snapshot.sql(self.query)):
            yield self.sentence.format(*map(_shown, row))


# Plain SQL, the same for both engines. A boolean is compared with a boolean, and never with a number.
RECOUNTS = [
    Recount(
        "posts.count",
        """SELECT p.site, p.post, p.count, count(c.id) FROM posts AS p
           LEFT JOIN comments AS c ON c.site = p.site AND c.post = p.post AND c.status = 'approved'
           GROUP BY p.site, p.post, p.count HAVING p.count <> count(c.id) ORDER BY p.site, p.post""",
        "posts.count: site {0}, post {1} says {2}, approved comments are {3}",
    ),
    Recount(
        "posts.title",
        """SELECT p.site, p.post FROM posts AS p WHERE coalesce(p.title, '') <> coalesce((
             SELECT c.post_title FROM comments AS c
             WHERE c.site = p.site AND c.post = p.post AND c.status = 'approved' AND c.post_title IS NOT NULL
             ORDER BY c.created_at DESC, c.id DESC LIMIT 1), '') ORDER BY p.site, p.post""",
        "posts.title: site {0}, post {1} is not called as its newest approved comment with a title calls it",
    ),
    Recount(
        "posts.url",
        """SELECT p.site, p.post FROM posts AS p WHERE coalesce(p.url, '') <> coalesce((
             SELECT c.post_url FROM comments AS c
             WHERE c.site = p.site AND c.post = p.post AND c.status = 'approved' AND c.post_url IS NOT NULL
             ORDER BY c.created_at DESC, c.id DESC LIMIT 1), '') ORDER BY p.site, p.post""",
        "posts.url: site {0}, post {1} is not where its newest approved comment with an address says",
    ),
    Recount(
        "authors.approved",
        """SELECT a.site, a.author, a.approved, count(c.id) FROM authors AS a
           LEFT JOIN comments AS c ON c.site = a.site AND c.author = a.author AND c.status = 'approved'
           GROUP BY a.site, a.author, a.approved HAVING a.approved <> count(c.id) ORDER BY a.site, a.author""",
        "authors.approved: site {0}, author {1} says {2}, approved comments are {3}",
    ),
    Recount(
        "authors.rejected",
        """SELECT a.site, a.author, a.rejected, count(c.id) FROM authors AS a
           LEFT JOIN comments AS c ON c.site = a.site AND c.author = a.author AND c.status IN ('rejected', 'spam')
           GROUP BY a.site, a.author, a.rejected HAVING a.rejected <> count(c.id) ORDER BY a.site, a.author""",
        "authors.rejected: site {0}, author {1} says {2}, rejected comments and spam are {3}",
    ),
    Recount(
        "comments.reply_count",
        """SELECT c.id, c.reply_count, count(r.id) FROM comments AS c
           LEFT JOIN comments AS r ON r.parent_id = c.id AND r.listed
           GROUP BY c.id, c.reply_count HAVING c.reply_count <> count(r.id) ORDER BY c.id""",
        "comments.reply_count: comment {0} says {1}, listed replies are {2}",
    ),
    Recount(
        "comments.listed",
        """SELECT id, listed, status, reply_count FROM comments
           WHERE listed <> (status = 'approved' OR reply_count > 0) ORDER BY id""",
        "comments.listed: comment {0} says {1}, but it is {2} and has {3} listed replies",
    ),
    Recount(
        "comments.shown_at",
        """SELECT id FROM comments WHERE status = 'approved' AND (published_at IS NULL OR shown_at IS NULL)
           ORDER BY id""",
        "comments.shown_at: comment {0} is approved, and since when is not known: no feed can place it",
    ),
    Recount(
        "queue has too much",
        """SELECT q.comment_id, c.status FROM queue AS q JOIN comments AS c ON c.id = q.comment_id
           WHERE c.status <> 'pending' AND c.edit_body IS NULL ORDER BY q.comment_id""",
        "queue: comment {0} has an entry, but it is {1} and no edit of it waits",
    ),
    Recount(
        "queue has too little",
        """SELECT c.id, c.status FROM comments AS c LEFT JOIN queue AS q ON q.comment_id = c.id
           WHERE (c.status = 'pending' OR c.edit_body IS NOT NULL) AND q.comment_id IS NULL ORDER BY c.id""",
        "queue: comment {0} ({1}) waits for a moderator and has no entry",
    ),
    Recount(
        "queue names the place",
        """SELECT q.comment_id FROM queue AS q JOIN comments AS c ON c.id = q.comment_id
           WHERE q.site <> c.site OR q.post <> c.post OR q.author <> c.author ORDER BY q.comment_id""",
        "queue: the entry of comment {0} names another site, post or author than the comment",
    ),
    Recount(
        "events have gaps",
        """SELECT site, before, seq FROM
             (SELECT site, seq, lag(seq) OVER (PARTITION BY site ORDER BY seq) AS before FROM events) AS e
           WHERE seq <> coalesce(before, 0) + 1 ORDER BY site, seq""",
        "events: site {0} goes from {1} to {2}",
    ),
    Recount(
        "sites.event_seq",
        """SELECT s.site, s.event_seq, coalesce(max(e.seq), 0) FROM sites AS s LEFT JOIN events AS e ON e.site = s.site
           GROUP BY s.site, s.event_seq HAVING s.event_seq <> coalesce(max(e.seq), 0) ORDER BY s.site""",
        "sites.event_seq: site {0} says {1}, its last event is {2}",
    ),
    Recount(
        "sites.waiting",
        """SELECT s.site, s.waiting, count(q.comment_id) FROM sites AS s LEFT JOIN queue AS q ON q.site = s.site
           GROUP BY s.site, s.waiting HAVING s.waiting <> count(q.comment_id) ORDER BY s.site""",
        "sites.waiting: site {0} says {1}, queue entries are {2}",
    ),
    Recount(
        "events without a site",
        """SELECT e.site, count(*) FROM events AS e LEFT JOIN sites AS s ON s.site = e.site
           WHERE s.site IS NULL GROUP BY e.site ORDER BY e.site""",
        "sites: site {0} has {1} events and no row",
    ),
    Recount(
        "decisions have events",
        """SELECT d.id, d.site, d.seq FROM decisions AS d
           LEFT JOIN events AS e ON e.site = d.site AND e.seq = d.seq AND e.comment_id = d.comment_id
           WHERE e.seq IS NULL ORDER BY d.site, d.seq""",
        "decisions: decision {0} has no event {2} of its comment on site {1}",
    ),
    Recount(
        "decisions lead to the status",
        """SELECT c.id, c.status, d.to_status FROM comments AS c LEFT JOIN decisions AS d
             ON d.comment_id = c.id AND d.seq = (SELECT max(l.seq) FROM decisions AS l WHERE l.comment_id = c.id)
           WHERE d.to_status IS NULL OR d.to_status <> c.status ORDER BY c.id""",
        "decisions: comment {0} is {1}, its last decision led to {2}",
    ),
]


def differences(moment: Snapshot, watch: Watch) -> Iterator[str]:
    """Every difference between what the store says and what is there, a line each. None: it is sound.

    Raises StoreError for a store of another schema; what cannot be read is a difference like any other.
    """
    snapshot.require_current(moment)
    checks = [
        ("integrity", partial(_integrity, moment)),
        *((name, partial(_orphans, moment, table, key)) for name, table, key in _foreign_keys()),
        *((recount.name, partial(recount.lines, moment)) for recount in RECOUNTS),
        ("comments.body_hash", partial(_changed_texts, moment)),
        ("queue.folded", partial(_not_found, moment)),
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
        shown = list(map(_shown, row))
        which, wanted = " ".join(shown[: len(own)]), " ".join(shown[len(own) :])
        yield f"{table.name}: {which} refers to {key.referred_table.name} {wanted}, which is not there"


def _changed_texts(moment: Snapshot) -> Iterator[str]:
    """Texts that are no longer what was hashed when they were written (`moderation.record.body_hash`)."""
    for comment_id, body, kept in moment.rows(select(comments.c.id, comments.c.body, comments.c.body_hash)):
        if hashlib.sha256(body.encode()).hexdigest() != kept:
            yield f"comments.body_hash: the text of comment {comment_id} is not the one that was stored"


def _not_found(moment: Snapshot) -> Iterator[str]:
    """Comments that wait, and that searches of the queue would miss. Those with a changed text are named already."""
    joined = queue.join(comments, comments.c.id == queue.c.comment_id)
    texts = (comments.c.body, comments.c.edit_body, comments.c.author_name)
    waits = or_(comments.c.status == Status.PENDING.value, comments.c.edit_body.is_not(None))
    of_queue = select(queue.c.comment_id, queue.c.folded, comments.c.body_hash, *texts).select_from(joined).where(waits)
    for comment_id, kept, body_hash, body, *others in moment.rows(of_queue.order_by(queue.c.comment_id)):
        if folded(body, *others) != kept and hashlib.sha256(body.encode()).hexdigest() == body_hash:
            yield f"queue.folded: comment {comment_id} waits, and searches do not look at the text that it has"


def _shown(value: object) -> str:
    return ascii(value) if isinstance(value, str) and not value.isprintable() else str(value)
