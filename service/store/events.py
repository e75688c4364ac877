"""The append-only record of what happened, written in the transaction of the change itself.

Per site the sequence numbers have no gaps and follow the order of commits: the site's row stays locked from taking the
number until the commit, so a reader who remembers the last number misses nothing. Old events may have been removed
(`retention`): those that are left begin at the site's `first_seq`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypedDict, Unpack

import pydantic_core
from sqlalchemy import Select, bindparam, insert, select, true
from sqlalchemy.dialects.sqlite import insert as upsert

from service.model import (
    Actor,
    ActorKind,
    AuthorKey,
    CommentId,
    Event,
    EventId,
    PostKey,
    SiteKey,
    Status,
    new_id,
)
from service.store.database import Row, Transaction
from service.store.recount import Recount, Rule
from service.store.tables import events, sites

CLAIMED: Final = "queue.claimed"
"""Entries of the queue are somebody's now, or nobody's: `about` names their comments. It is about no single comment."""

IMPORTED: Final = "comments.imported"
"""Comments of one post were brought: `about` says by which import, how many, and which are `waiting`."""
IMPORT_UNDONE: Final = "comments.import_undone"
"""What an import brought to one post was taken out again; `waiting` are those of them that were in the queue."""

_NEXT = (
    upsert(sites)
    .values(
        site=bindparam("site"),
        event_seq=bindparam("one"),
        revision=bindparam("visible"),
        waiting=bindparam("more"),
        hosts_known=true(),  # before its first event there is nothing on a site that one could know
        arrivals_known=true(),
    )
    .on_conflict_do_update(
        index_elements=["site"],
        set_={
            "event_seq": sites.c.event_seq + bindparam("one"),
            "revision": sites.c.revision + bindparam("visible"),
            "waiting": sites.c.waiting + bindparam("more"),
        },
    )
    .returning(sites.c.event_seq, sites.c.revision)
)
_APPEND = insert(events).values({column.name: bindparam(column.name) for column in events.c})
_AFTER = (
    select(events)
    .where(events.c.site == bindparam("site"), events.c.seq > bindparam("seq"))
    .order_by(events.c.seq)
    .limit(bindparam("limit"))
)
_ONE = select(events).where(events.c.id == bindparam("id"), events.c.site == bindparam("site"))
_UP_TO = (events.c.site == bindparam("site"), events.c.seq > bindparam("seq"), events.c.seq <= bindparam("last"))
_BETWEEN = select(events).where(*_UP_TO).order_by(events.c.seq).limit(bindparam("limit"))
_BETWEEN_ON_POST = (
    select(events)
    .where(*_UP_TO, events.c.post == bindparam("post"), events.c.post_revision.is_not(None))
    .order_by(events.c.post, events.c.seq)  # names the index: else SQLite may walk the site's
    .limit(bindparam("limit"))
)
_NEWEST = select(events).where(*_UP_TO).order_by(events.c.seq.desc()).limit(bindparam("limit"))
_NEWEST_ON_POST = (
    select(events)
    .where(*_UP_TO, events.c.post == bindparam("post"), events.c.post_revision.is_not(None))
    .order_by(events.c.post.desc(), events.c.seq.desc())
    .limit(bindparam("limit"))
)
_LAST_NUMBERS = select(sites.c.site, sites.c.event_seq)
_LAST_NUMBER = select(sites.c.event_seq).where(sites.c.site == bindparam("site"))
_FIRST_NUMBER = select(sites.c.first_seq).where(sites.c.site == bindparam("site"))
_REVISION = select(sites.c.revision).where(sites.c.site == bindparam("site"))


class Particulars(TypedDict, total=False):
    """What an event may say beside its type and its actor (`model.Event` explains each), as far as it applies.

    `post_revision` is the post's new one where readers see a difference; then the site's rises as well. `about` is
    small and holds nobody's text, name or address.
    """

    post: PostKey
    comment_id: CommentId
    author: AuthorKey
    from_status: Status | None
    to_status: Status
    version: int
    reason_code: str | None
    post_revision: int | None
    about: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Events behind some positions, site by site, each site's in order.

    Of the sites in `gone`, events are missing just behind the position: they were removed, or the position is another
    store's. Whoever follows goes on behind the number that is given there. `is_all`: there were no more.
    """

    events: list[Event] = field(default_factory=list)
    gone: dict[SiteKey, int] = field(default_factory=dict)
    is_all: bool = True


def append(
    tx: Transaction,
    site: SiteKey,
    event_type: str,
    actor: Actor,
    *,
    more_waiting: int = 0,
    **particulars: Unpack[Particulars],
) -> int:
    """Add an event such as `comment.approved`, which `actor` brought about; its sequence number.

    `more_waiting`: by how many the site's queue grew or (below 0) shrank in this transaction, as `moderation/entries`
    says. The site's row counts them, since it is written anyway.
    """
    visible = particulars.get("post_revision") is not None
    row = tx.first(_NEXT, site=site, one=1, visible=int(visible), more=more_waiting)
    if row is None:
        raise LookupError(site)
    event = Event(
        site=site,
        seq=row["event_seq"],
        id=EventId(new_id(tx.now)),
        type=event_type,
        created_at=tx.now,
        actor_kind=actor.kind,
        actor=actor.key,
        site_revision=row["revision"] if visible else None,
        **particulars,
    )
    about = pydantic_core.to_json(event.about).decode() if event.about else "{}"
    what = (site, event.seq, event.id, event_type, event.post, event.comment_id, about, tx.now, actor.kind, actor.key)
    change = (event.author, event.from_status, event.to_status, event.version, event.reason_code)
    tx.send_later(_APPEND, (*what, *change, event.post_revision, event.site_revision, event.schema))
    tx.announce(event)
    return event.seq


def waiting_of(event: Event) -> list[CommentId]:
    """The comments that may have come into the queue, or have left it, with an event."""
    return list(event.about.get("waiting", ())) if event.comment_id is None else [event.comment_id]


def after(tx: Transaction, site: SiteKey, seq: int, *, limit: int) -> list[Event]:
    """Up to `limit` events after `seq`, in order."""
    return [_event(row) for row in tx.all(_AFTER, site=site, seq=seq, limit=limit)]


def after_each(tx: Transaction, positions: Mapping[SiteKey, int], *, limit: int) -> Stretch:
    """Up to `limit` events after those numbers, of every site; a site that has none begins with its first event."""
    found = Stretch()
    left = limit
    for site, last in last_numbers(tx).items():
        position = positions.get(site, 0)
        if last == position:
            continue
        if not left:
            return replace(found, is_all=False)
        part = after(tx, site, position, limit=left)
        if not part or part[0].seq != position + 1:  # cut, or (there are fewer than that) of another store
            found.gone[site] = part[0].seq - 1 if part else last
        found.events.extend(part)
        left -= len(part)
        if part and part[-1].seq < last:
            return replace(found, is_all=False)
    return found


def find(tx: Transaction, site: SiteKey, event_id: str) -> Event | None:
    """The site's event with this id."""
    row = tx.first(_ONE, id=event_id, site=site)
    return _event(row) if row else None


def between(tx: Transaction, site: SiteKey, post: PostKey | None, seq: int, last: int, *, limit: int) -> list[Event]:
    """Up to `limit` events after `seq` and not after `last`, in order.

    The whole site's, or those that readers of one post hear of.
    """
    return _some(tx, _BETWEEN, _BETWEEN_ON_POST, site, post, seq=seq, last=last, limit=limit)


def newest(tx: Transaction, site: SiteKey, post: PostKey | None, last: int, *, limit: int) -> list[Event]:
    """Up to `limit` events not after `last`, newest first: the whole site's, or what readers of a post hear of."""
    return _some(tx, _NEWEST, _NEWEST_ON_POST, site, post, seq=0, last=last, limit=limit)


def last_numbers(tx: Transaction) -> dict[SiteKey, int]:
    """The number of the last event of each site on which anything has happened."""
    return {row["site"]: row["event_seq"] for row in tx.all(_LAST_NUMBERS)}


def last_number(tx: Transaction, site: SiteKey) -> int:
    """The number of the site's last event; 0 where nothing has happened there."""
    row = tx.first(_LAST_NUMBER, site=site)
    return int(row["event_seq"]) if row else 0


def first_number(tx: Transaction, site: SiteKey) -> int:
    """The number of the first event of the site that is kept: of the next one, where none is."""
    row = tx.first(_FIRST_NUMBER, site=site)
    return int(row["first_seq"]) if row else 1


def site_revision(tx: Transaction, site: SiteKey) -> int:
    """The site's revision: rises with every change that any reader can see."""
    row = tx.first(_REVISION, site=site)
    return int(row["revision"]) if row else 0


def _some(
    tx: Transaction,
    of_site: Select[Any],
    of_post: Select[Any],
    site: SiteKey,
    post: PostKey | None,
    **values: int,
) -> list[Event]:
    rows = tx.all(of_site, site=site, **values) if post is None else tx.all(of_post, site=site, post=post, **values)
    return [_event(row) for row in rows]


def _event(row: Row) -> Event:
    return Event(
        site=row["site"],
        seq=row["seq"],
        id=row["id"],
        type=row["type"],
        post=row["post"],
        comment_id=row["comment_id"],
        created_at=row["created_at"],
        about=json.loads(row["about"]),
        actor_kind=ActorKind(row["actor_kind"]) if row["actor_kind"] else None,
        actor=row["actor"],
        author=row["author"],
        from_status=Status(row["from_status"]) if row["from_status"] else None,
        to_status=Status(row["to_status"]) if row["to_status"] else None,
        version=row["version"],
        reason_code=row["reason_code"],
        post_revision=row["post_revision"],
        site_revision=row["site_revision"],
        schema=row["schema"],
    )


# --- What `verify` counts anew ----------------------------------------------------------------------------------------

RULES: Sequence[Rule] = [
    Recount(
        "events have gaps",
        """SELECT site, before, seq FROM
             (SELECT e.site, e.seq, coalesce(lag(e.seq) OVER (PARTITION BY e.site ORDER BY e.seq),
                                             s.first_seq - 1) AS before
              FROM events AS e LEFT JOIN sites AS s ON s.site = e.site) AS e
           WHERE seq <> before + 1 ORDER BY site, seq""",
        "events: site {0} goes from {1} to {2}",
    ),
    Recount(
        "sites.event_seq",
        """SELECT s.site, s.event_seq, coalesce(max(e.seq), s.first_seq - 1) FROM sites AS s
           LEFT JOIN events AS e ON e.site = s.site GROUP BY s.site, s.event_seq, s.first_seq
           HAVING s.event_seq <> coalesce(max(e.seq), s.first_seq - 1) ORDER BY s.site""",
        "sites.event_seq: site {0} says {1}, its last event is {2}",
    ),
    Recount(
        "events without a site",
        """SELECT e.site, count(*) FROM events AS e LEFT JOIN sites AS s ON s.site = e.site
           WHERE s.site IS NULL GROUP BY e.site ORDER BY e.site""",
        "sites: site {0} has {1} events and no row",
    ),
]
