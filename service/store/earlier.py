"""Reads once what stood in a store before checks wanted to know it: hosts of approved comments, texts of some days.

In pieces, in the lane of what nobody waits for. Whoever is interrupted begins again: each row is written once. Until it
is done the facts that need it could not run.
"""

from collections.abc import Callable

from sqlalchemy import Select, bindparam, exists, false, select, true, update

from service.model import Comment, CommentId, SiteKey, Status, id_before
from service.store import arrivals as lately
from service.store import leases
from service.store.comments import comment_of
from service.store.database import Database, Transaction
from service.store.tables import PUBLIC, comments, policies, sites
from service.triage.seen import page_hosts_of

NAME = "earlier"
EVERY_SECONDS = 5.0
AT_ONCE = 100

_HOSTS_UNKNOWN = select(sites.c.site).where(sites.c.hosts_known.is_not(true()))
_ARRIVALS_UNKNOWN = select(sites.c.site).where(
    sites.c.arrivals_known.is_not(true()), exists().where(policies.c.site == sites.c.site)
)
_SITES = select(sites.c.site)
_KNOW_HOSTS = update(sites).where(sites.c.site == bindparam("of_site")).values(hosts_known=true())
_KNOW_ARRIVALS = update(sites).where(sites.c.site == bindparam("of_site")).values(arrivals_known=true())
_FORGET_ARRIVALS = (
    update(sites)
    .where(sites.c.site == bindparam("of_site"), exists().where(comments.c.site == bindparam("with_comments")))
    .values(arrivals_known=false())
)
_PIECE = (
    select(comments)
    .where(comments.c.site == bindparam("site"), comments.c.id > bindparam("after"))
    .order_by(comments.c.id)
    .limit(AT_ONCE)
)
_LINKING = _PIECE.where(PUBLIC, comments.c.html.like("%<a href=%"))
Step = Callable[[Transaction, SiteKey, CommentId], CommentId | None]


def begin(tx: Transaction, site: SiteKey) -> None:
    """A site gets rules that had none: from now on its texts are kept, and those of the last days must be read."""
    tx.run(_FORGET_ARRIVALS, of_site=site, with_comments=site)


def came(tx: Transaction, comment: Comment) -> None:
    """A comment came that was written elsewhere, perhaps long ago: what is read of it stands at once.

    The reading that may be under way would miss it, because its id is as old as it is.
    """
    if comment.status is Status.APPROVED:
        lately.link(tx, comment, page_hosts_of(comment.text.html))
    if comment.created_at > tx.now - lately.KEPT_DAYS * lately.DAY:
        lately.add(tx, comment, comment.created_at, key=lately.key_of(comment.newest_text.body))


async def keep(database: Database, holder: str) -> None:
    """Read what is not known yet, and forget what is too old. Raises StoreUnavailable."""
    async with leases.held(database, NAME, holder) as lease:
        if lease is None:
            return
        for site in await database.bulk.read(_sites, _HOSTS_UNKNOWN):
            await _read(database, site, CommentId(""), _read_hosts)
        for site in await database.bulk.read(_sites, _ARRIVALS_UNKNOWN):
            await _read(database, site, CommentId(""), _read_arrivals)


async def forget(database: Database) -> None:
    """Remove what is too old for any check. Raises StoreUnavailable."""
    for site in await database.bulk.read(_sites, _SITES):
        await database.bulk.write(lately.forget_old, site)


async def _read(database: Database, site: SiteKey, after: CommentId | None, step: Step) -> None:
    while after is not None:
        after = await database.bulk.write(step, site, after)


def _sites(tx: Transaction, which: Select[tuple[str]]) -> list[SiteKey]:
    return [row["site"] for row in tx.all(which)]


def _read_hosts(tx: Transaction, site: SiteKey, after: CommentId) -> CommentId | None:
    """The next comments that link somewhere; the last of them, None behind the end."""
    found = [comment_of(row) for row in tx.all(_LINKING, site=site, after=after)]
    for comment in found:
        lately.link(tx, comment, page_hosts_of(comment.text.html))
    if len(found) == AT_ONCE:
        return found[-1].id
    tx.run(_KNOW_HOSTS, of_site=site)
    return None


def _read_arrivals(tx: Transaction, site: SiteKey, after: CommentId) -> CommentId | None:
    """The next comments of the last days; the last of them, None behind the end."""
    first = CommentId(id_before(tx.now - lately.KEPT_DAYS * lately.DAY))
    found = [comment_of(row) for row in tx.all(_PIECE, site=site, after=max(after, first))]
    for comment in found:
        lately.add(tx, comment, comment.created_at, key=lately.key_of(comment.newest_text.body))
    if len(found) == AT_ONCE:
        return found[-1].id
    tx.run(_KNOW_ARRIVALS, of_site=site)
    return None
