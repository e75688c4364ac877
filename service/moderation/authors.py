"""What moderators hold of an author: a ban, trust, a note."""

from dataclasses import replace
from typing import TypedDict

from service.errors import UnknownAuthor
from service.model import Actor, Author, AuthorKey, Milliseconds, SiteKey
from service.store import authors, events
from service.store.database import Transaction


class Judgement(TypedDict, total=False):
    """What to change; what is left out stays."""

    banned_until: Milliseconds | None
    trusted: bool
    note: str | None


def judge(tx: Transaction, site: SiteKey, key: AuthorKey, actor: Actor, *, changes: Judgement) -> Author:
    """Change ban, trust or note. The events say who did it. Raises UnknownAuthor."""
    before = authors.get(tx, site, key)
    if before is None:
        raise UnknownAuthor
    after = replace(before, **changes)
    authors.judge(tx, site, key, banned_until=after.banned_until, trusted=after.trusted, note=after.note)
    if before.banned_until != after.banned_until:
        event_type = "author.banned" if after.banned_until is not None else "author.unbanned"
        events.append(tx, site, event_type, actor, author=key, about={"banned_until": after.banned_until})
    if before.trusted != after.trusted:
        events.append(tx, site, "author.trusted" if after.trusted else "author.distrusted", actor, author=key)
    if before.note != after.note:
        events.append(tx, site, "author.noted", actor, author=key)
    return after
