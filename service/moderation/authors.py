"""What moderators hold of an author: a ban, trust, a note."""

from service.errors import UnknownAuthor
from service.model import Actor, Author, AuthorKey, Milliseconds, SiteKey
from service.store import authors, events
from service.store.database import Transaction


def judge(
    tx: Transaction,
    site: SiteKey,
    key: AuthorKey,
    actor: Actor,
    *,
    banned_until: Milliseconds | None,
    trusted: bool,
    note: str | None,
) -> Author:
    """Set ban, trust and note. The events say who did it. Raises UnknownAuthor."""
    before = authors.get(tx, site, key)
    after = authors.judge(tx, site, key, banned_until=banned_until, trusted=trusted, note=note)
    if before is None or after is None:
        raise UnknownAuthor
    about = {"author": key, "actor": actor.key}
    if before.banned_until != after.banned_until:
        event_type = "author.banned" if after.banned_until is not None else "author.unbanned"
        events.append(tx, site, event_type, about={**about, "banned_until": after.banned_until})
    if before.trusted != after.trusted:
        events.append(tx, site, "author.trusted" if after.trusted else "author.distrusted", about=about)
    if before.note != after.note:
        events.append(tx, site, "author.noted", about=about)
    return after
