"""Queries on what arrived lately, and on the hosts that approved comments link to: what some checks want to know."""

import hashlib
from collections.abc import Iterable

from sqlalchemy import bindparam, delete, select
from sqlalchemy.dialects.sqlite import insert

from service.model import Comment, Milliseconds, SiteKey
from service.store.among import each, listed
from service.store.database import Transaction
from service.store.tables import arrivals, linked_hosts, list_hits
from service.text import disguises

DAY = 86_400_000
KEPT_DAYS = 7
HITS_KEPT_DAYS = 30

_ADD = insert(arrivals).values({column.name: bindparam(column.name) for column in arrivals.c}).on_conflict_do_nothing()
_ADD_HOST = (
    insert(linked_hosts)
    .values({column.name: bindparam(column.name) for column in linked_hosts.c})
    .on_conflict_do_nothing()
)
_REMOVE_HOST = delete(linked_hosts).where(
    linked_hosts.c.site == bindparam("of_site"),
    linked_hosts.c.host == bindparam("of_host"),
    linked_hosts.c.comment_id == bindparam("of_comment"),
)
_asked = each("hosts")
_NEW_HOSTS = select(_asked.c.value.label("host")).where(
    ~select(linked_hosts.c.host)
    .where(linked_hosts.c.site == bindparam("site"), linked_hosts.c.host == _asked.c.value)
    .exists()
)
_FORGET = delete(arrivals).where(arrivals.c.site == bindparam("site"), arrivals.c.created_at < bindparam("before"))
_FORGET_HITS = delete(list_hits).where(
    list_hits.c.site == bindparam("site"), list_hits.c.created_at < bindparam("before")
)


def key_of(body: str) -> str:
    """By what texts are equal that differ in nothing but their disguise."""
    return hashlib.blake2b(disguises.keyed(body).encode("utf-8", "replace"), digest_size=8).hexdigest()


def add(tx: Transaction, comment: Comment, at: Milliseconds, *, key: str) -> None:
    """Remember that the comment's newest text came. `key` is the text's (`key_of`)."""
    tx.send(_ADD, (comment.site, at, comment.id, comment.post, comment.author_key, key))


def link(tx: Transaction, comment: Comment, hosts: Iterable[str]) -> None:
    """Readers see links of the comment to these hosts from now on."""
    for host in sorted(hosts):
        tx.send(_ADD_HOST, (comment.site, host, comment.id))


def unlink(tx: Transaction, comment: Comment, hosts: Iterable[str]) -> None:
    """They do not any more."""
    for host in sorted(hosts):
        tx.run(_REMOVE_HOST, of_site=comment.site, of_host=host, of_comment=comment.id)


def new_hosts(tx: Transaction, site: SiteKey, hosts: frozenset[str]) -> frozenset[str]:
    """Those of some hosts that no approved comment of the site links to."""
    if not hosts:
        return hosts
    return frozenset(row["host"] for row in tx.all(_NEW_HOSTS, site=site, hosts=listed(sorted(hosts))))


def forget_old(tx: Transaction, site: SiteKey) -> None:
    """Remove what is too old for any check, and for what lists count."""
    tx.run(_FORGET, site=site, before=tx.now - KEPT_DAYS * DAY)
    tx.run(_FORGET_HITS, site=site, before=tx.now - HITS_KEPT_DAYS * DAY)
