"""The append-only record of what happened, written in the transaction of the change itself.

Per site the sequence numbers have no gaps and follow the order of commits: the site's row stays locked from taking the
number until the commit, so a reader who remembers the last number misses nothing.
"""

from collections.abc import Mapping

import pydantic_core
from sqlalchemy import bindparam, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from service.model import CommentId, PostKey, SiteKey, new_id
from service.store.database import Row, Transaction
from service.store.tables import events, sites

_NEXT = (
    upsert(sites)
    .values(site=bindparam("site"), event_seq=bindparam("one"), revision=bindparam("visible"))
    .on_conflict_do_update(
        index_elements=["site"],
        set_={"event_seq": sites.c.event_seq + bindparam("one"), "revision": sites.c.revision + bindparam("visible")},
    )
    .returning(sites.c.event_seq)
)
_APPEND = insert(events).values({column.name: bindparam(column.name) for column in events.c})
_AFTER = (
    select(events)
    .where(events.c.site == bindparam("site"), events.c.seq > bindparam("seq"))
    .order_by(events.c.seq)
    .limit(bindparam("limit"))
)
_REVISION = select(sites.c.revision).where(sites.c.site == bindparam("site"))


def append(
    tx: Transaction,
    site: SiteKey,
    event_type: str,
    *,
    post: PostKey | None = None,
    comment_id: CommentId | None = None,
    visible: bool = False,
    about: Mapping[str, object] | None = None,
) -> int:
    """Add an event such as `comment.approved`; its sequence number. `visible`: readers see a difference.

    `about` is small and holds nobody's text, name or address.
    """
    row = tx.first(_NEXT, site=site, one=1, visible=int(visible))
    if row is None:
        raise LookupError(site)
    tx.run(
        _APPEND,
        site=site,
        seq=row["event_seq"],
        id=new_id(tx.now),
        type=event_type,
        post=post,
        comment_id=comment_id,
        about=pydantic_core.to_json({**(about or {}), "visible": visible}).decode(),
        created_at=tx.now,
    )
    return int(row["event_seq"])


def after(tx: Transaction, site: SiteKey, seq: int, *, limit: int) -> list[Row]:
    """Up to `limit` events after `seq`, in order."""
    return tx.all(_AFTER, site=site, seq=seq, limit=limit)


def revision(tx: Transaction, site: SiteKey) -> int:
    """The site's revision: rises with every change that any reader can see."""
    row = tx.first(_REVISION, site=site)
    return int(row["revision"]) if row else 0
