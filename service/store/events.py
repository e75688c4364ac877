"""The append-only record of what happened, written in the transaction of the change itself.

Per site the sequence numbers have no gaps and follow the order of commits: the site's row stays locked from taking the
number until the commit, so a reader who remembers the last number misses nothing.
"""

import json
from collections.abc import Mapping
from typing import Any

import pydantic_core
from sqlalchemy import Select, bindparam, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from service.model import CommentId, Event, EventId, PostKey, SiteKey, new_id
from service.store.database import Row, Transaction
from service.store.tables import events, sites

_NEXT = (
    upsert(sites)
    .values(
        site=bindparam("site"), event_seq=bindparam("one"), revision=bindparam("visible"), waiting=bindparam("more")
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
    .where(*_UP_TO, events.c.post == bindparam("post"))
    .order_by(events.c.post, events.c.seq)  # names the index: else SQLite may walk the site's
    .limit(bindparam("limit"))
)
_NEWEST = select(events).where(*_UP_TO).order_by(events.c.seq.desc()).limit(bindparam("limit"))
_NEWEST_ON_POST = (
    select(events)
    .where(*_UP_TO, events.c.post == bindparam("post"))
    .order_by(events.c.post.desc(), events.c.seq.desc())
    .limit(bindparam("limit"))
)
_LAST_NUMBERS = select(sites.c.site, sites.c.event_seq)
_REVISION = select(sites.c.revision).where(sites.c.site == bindparam("site"))


def append(
    tx: Transaction,
    site: SiteKey,
    event_type: str,
    *,
    post: PostKey | None = None,
    comment_id: CommentId | None = None,
    post_revision: int | None = None,
    about: Mapping[str, object] | None = None,
    more_waiting: int = 0,
) -> int:
    """Add an event such as `comment.approved`; its sequence number.

    `post_revision` is the post's new one where readers see a difference; then the site's rises as well. `about` is
    small and holds nobody's text, name or address. `more_waiting`: by how many the site's queue grew or (below 0)
    shrank in this transaction, as the verbs of `store/queue` say. The site's row counts, since it is written anyway.
    """
    visible = post_revision is not None
    row = tx.first(_NEXT, site=site, one=1, visible=int(visible), more=more_waiting)
    if row is None:
        raise LookupError(site)
    event = Event(
        site,
        row["event_seq"],
        EventId(new_id(tx.now)),
        event_type,
        post,
        comment_id,
        tx.now,
        dict(about or {}),
        post_revision,
        row["revision"] if visible else None,
    )
    shown = {"post_revision": post_revision, "site_revision": event.site_revision} if visible else {}
    tx.run(
        _APPEND,
        site=site,
        seq=event.seq,
        id=event.id,
        type=event_type,
        post=post,
        comment_id=comment_id,
        about=pydantic_core.to_json({**event.about, **shown}).decode(),
        created_at=tx.now,
    )
    tx.announce(event)
    return event.seq


def after(tx: Transaction, site: SiteKey, seq: int, *, limit: int) -> list[Event]:
    """Up to `limit` events after `seq`, in order."""
    return [_event(row) for row in tx.all(_AFTER, site=site, seq=seq, limit=limit)]


def after_each(tx: Transaction, last: Mapping[SiteKey, int], *, limit: int) -> tuple[list[Event], bool]:
    """Events after those numbers, site by site, at most `limit` of each; and whether these are all."""
    found: list[Event] = []
    is_all = True
    for site, number in last_numbers(tx).items():
        if number > last.get(site, 0):
            part = after(tx, site, last.get(site, 0), limit=limit)
            found += part
            is_all = is_all and part[-1].seq >= number
    return found, is_all


def find(tx: Transaction, site: SiteKey, event_id: str) -> Event | None:
    """The site's event with this id."""
    row = tx.first(_ONE, id=event_id, site=site)
    return _event(row) if row else None


def between(tx: Transaction, site: SiteKey, post: PostKey | None, seq: int, last: int, *, limit: int) -> list[Event]:
    """Up to `limit` events after `seq` and not after `last`, in order: of one post, or of the whole site."""
    return _some(tx, _BETWEEN, _BETWEEN_ON_POST, site, post, seq=seq, last=last, limit=limit)


def newest(tx: Transaction, site: SiteKey, post: PostKey | None, last: int, *, limit: int) -> list[Event]:
    """Up to `limit` events not after `last`, newest first: of one post, or of the whole site."""
    return _some(tx, _NEWEST, _NEWEST_ON_POST, site, post, seq=0, last=last, limit=limit)


def last_numbers(tx: Transaction) -> dict[SiteKey, int]:
    """The number of the last event of each site on which anything has happened."""
    return {row["site"]: row["event_seq"] for row in tx.all(_LAST_NUMBERS)}


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
    about = json.loads(row["about"])
    revisions = about.pop("post_revision", None), about.pop("site_revision", None)
    return Event(
        row["site"],
        row["seq"],
        row["id"],
        row["type"],
        row["post"],
        row["comment_id"],
        row["created_at"],
        about,
        *revisions,
    )
