"""Queries on the lists of a site and their entries."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace

from sqlalchemy import and_, bindparam, delete, func, insert, or_, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from service.model import Action, Actor, ActorKind, CommentId, Milliseconds, SiteKey, Status, new_id
from service.store.arrivals import DAY, HITS_KEPT_DAYS
from service.store.database import Row, Transaction
from service.store.tables import comments, decisions, list_entries, list_hits, lists, sites
from service.triage.lists.entry import Entry, ListKind


@dataclass(frozen=True, slots=True)
class KeptList:
    """One list. `version` rises with every change of it; `entries` is how many it has."""

    name: str
    title: str
    kind: ListKind
    note: str | None
    version: int
    entries: int
    changed_by: Actor
    changed_at: Milliseconds


@dataclass(frozen=True, slots=True)
class KeptEntry:
    """One entry. `key` is by what it is known again."""

    key: str
    entry: Entry
    note: str | None
    added_by: Actor
    added_at: Milliseconds


@dataclass(frozen=True, slots=True)
class Hits:
    """In how many texts of 30 days an entry stood, and how many of those a human approved all the same."""

    matched: int = 0
    overturned: int = 0
    last_at: Milliseconds | None = None


_OF = (lists.c.site == bindparam("site"), lists.c.name == bindparam("name"))
_ALL = select(lists).where(lists.c.site == bindparam("site")).order_by(lists.c.name)
_ONE = select(lists).where(*_OF)
_PUT = upsert(lists).values({column.name: bindparam(column.name) for column in lists.c})
_PUT = _PUT.on_conflict_do_update(
    index_elements=["site", "name"],
    set_={column.name: _PUT.excluded[column.name] for column in lists.c if not column.primary_key},
)
_REMOVE = delete(lists).where(*_OF)
_REMOVE_ENTRIES = delete(list_entries).where(
    list_entries.c.site == bindparam("site"), list_entries.c.list == bindparam("name")
)
_REMOVE_HITS = delete(list_hits).where(list_hits.c.site == bindparam("site"), list_hits.c.list == bindparam("name"))
_ENTRIES = (
    select(list_entries)
    .where(list_entries.c.site == bindparam("site"), list_entries.c.list == bindparam("name"))
    .order_by(list_entries.c.key)
)
_ADD_ENTRY = insert(list_entries).values({column.name: bindparam(column.name) for column in list_entries.c})
_REMOVE_ENTRY = delete(list_entries).where(
    list_entries.c.site == bindparam("of_site"),
    list_entries.c.list == bindparam("of_list"),
    list_entries.c.key == bindparam("of_key"),
)
_MARK = update(sites).where(sites.c.site == bindparam("of_site")).values(lists_mark=bindparam("mark"))
_MARK_OF = select(sites.c.lists_mark).where(sites.c.site == bindparam("site"))
_GONE = (
    update(sites)
    .where(sites.c.site == bindparam("of_site"), sites.c.lists_gone < bindparam("version"))
    .values(lists_gone=bindparam("version"))
)
_GONE_OF = select(sites.c.lists_gone).where(sites.c.site == bindparam("site"))
_ADD_HIT = upsert(list_hits).values({column.name: bindparam(column.name) for column in list_hits.c})
_ADD_HIT = _ADD_HIT.on_conflict_do_nothing()
_last_by_humans = (
    select(decisions.c.action)
    .where(
        decisions.c.comment_id == list_hits.c.comment_id,
        decisions.c.actor_kind == ActorKind.MODERATOR.value,
        decisions.c.created_at >= list_hits.c.created_at,
    )
    .order_by(decisions.c.seq.desc())
    .limit(1)
    .scalar_subquery()
)
_is_shown = and_(comments.c.status == Status.APPROVED.value, comments.c.edit_version.is_(None))
_IS_OVERTURNED = and_(
    list_hits.c.acted,
    or_(
        _last_by_humans == Action.APPROVE.value,
        and_(_last_by_humans == Action.UNDO.value, _is_shown),  # what had been decided after the approval was undone
    ),
)
_HITS = (
    select(
        list_hits.c.value,
        func.count().label("matched"),
        func.count().filter(_IS_OVERTURNED).label("overturned"),
        func.max(list_hits.c.created_at).label("last_at"),
    )
    .select_from(list_hits.join(comments, comments.c.id == list_hits.c.comment_id))
    .where(
        list_hits.c.site == bindparam("site"),
        list_hits.c.list == bindparam("name"),
        list_hits.c.created_at > bindparam("since"),
    )
    .group_by(list_hits.c.value)
)


def of_site(tx: Transaction, site: SiteKey) -> list[KeptList]:
    """All lists of a site, by name."""
    return [_list(row) for row in tx.all(_ALL, site=site)]


def get(tx: Transaction, site: SiteKey, name: str) -> KeptList | None:
    """One list; None where there is none of this name."""
    row = tx.first(_ONE, site=site, name=name)
    return _list(row) if row else None


def mark_of(tx: Transaction, site: SiteKey) -> str | None:
    """What names the present state of the site's lists; None where it never had one."""
    row = tx.first(_MARK_OF, site=site)
    return row["lists_mark"] if row else None


def put(tx: Transaction, site: SiteKey, kept: KeptList) -> None:
    """Keep a list as it is from now on. The site's row is there: an event was written before."""
    actor = kept.changed_by
    tx.run(
        _PUT,
        site=site,
        name=kept.name,
        title=kept.title,
        kind=kept.kind.value,
        note=kept.note,
        version=kept.version,
        entries=kept.entries,
        actor_kind=actor.kind.value,
        actor=actor.key,
        actor_name=actor.name,
        changed_at=kept.changed_at,
    )
    tx.run(_MARK, of_site=site, mark=new_id(tx.now))


def remove(tx: Transaction, site: SiteKey, name: str, *, version: int) -> None:
    """Remove a list with all that belongs to it. No list of the site will be made anew with this version or a lower
    one, so nobody takes it for the one that they saw."""
    for statement in (_REMOVE_HITS, _REMOVE_ENTRIES, _REMOVE):
        tx.run(statement, site=site, name=name)
    tx.run(_GONE, of_site=site, version=version)
    tx.run(_MARK, of_site=site, mark=new_id(tx.now))


def first_version(tx: Transaction, site: SiteKey) -> int:
    """The version of a list that is made now: 1, where none was ever deleted."""
    row = tx.first(_GONE_OF, site=site)
    return int(row["lists_gone"]) + 1 if row else 1


def entries(tx: Transaction, site: SiteKey, name: str) -> list[KeptEntry]:
    """All entries of a list, by their keys."""
    return [_entry(row) for row in tx.all(_ENTRIES, site=site, name=name)]


def change(tx: Transaction, site: SiteKey, kept: KeptList, *, add: Iterable[KeptEntry], remove: Iterable[str]) -> None:
    """Remove entries by their keys, and add others. `put` tells of it."""
    for key in remove:
        tx.run(_REMOVE_ENTRY, of_site=site, of_list=kept.name, of_key=key)
    for one in add:
        who = (one.added_by.kind.value, one.added_by.key, one.added_by.name)
        exceptions = json.dumps(one.entry.exceptions, ensure_ascii=False)
        what = (one.key, one.entry.value, exceptions, one.note, one.entry.until)
        tx.send(_ADD_ENTRY, (site, kept.name, *what, *who, one.added_at))


def hit(tx: Transaction, site: SiteKey, name: str, value: str, comment_id: CommentId, *, acted: bool) -> None:
    """An entry stood in a text of this comment."""
    tx.send(_ADD_HIT, (site, name, value, tx.now, comment_id, acted))


def hits(tx: Transaction, site: SiteKey, name: str) -> dict[str, Hits]:
    """What the entries of a list found in 30 days, by their values. Those that found nothing are left out."""
    since = tx.now - HITS_KEPT_DAYS * DAY
    rows = tx.all(_HITS, site=site, name=name, since=since)
    return {row["value"]: Hits(row["matched"], row["overturned"], row["last_at"]) for row in rows}


def changed(kept: KeptList, actor: Actor, now: Milliseconds, *, entries: int) -> KeptList:
    """The next version of a list."""
    return replace(kept, version=kept.version + 1, entries=entries, changed_by=actor, changed_at=now)


def _list(row: Row) -> KeptList:
    actor = Actor(ActorKind(row["actor_kind"]), row["actor"], row["actor_name"])
    kind = ListKind(row["kind"])
    return KeptList(
        row["name"], row["title"], kind, row["note"], row["version"], row["entries"], actor, row["changed_at"]
    )


def _entry(row: Row) -> KeptEntry:
    entry = Entry(row["value"], tuple(json.loads(row["exceptions"])), row["until"])
    actor = Actor(ActorKind(row["actor_kind"]), row["actor"], row["actor_name"])
    return KeptEntry(row["key"], entry, row["note"], actor, row["created_at"])
