"""Moderators' calls on the site's lists. The first line of each asks for the permission."""

from collections.abc import Sequence
from typing import Any

from service.errors import UnknownList
from service.model import SiteKey
from service.moderation import lists
from service.moderation.lists import Addition, Wanted
from service.reading.show import optional_timestamp, timestamp
from service.store import lists as stored
from service.store.database import Transaction
from service.store.lists import Hits, KeptEntry, KeptList
from service.text import folding
from service.triage.lists.entry import Entry, ListKind
from service.web import incoming_lists, outgoing_lists, show
from service.web.call import Call, Reply
from service.web.incoming_lists import IfMatch, IfMatchOrNone

NO_HITS = Hits()


# GET /v1/sites/{site}/lists
async def list_lists(call: Call) -> Reply[outgoing_lists.ListsReply]:
    """All lists of the site."""
    await call.moderator()
    found = await call.database.read(stored.of_site, call.site_key)
    return Reply({"lists": [_list(kept) for kept in found]})


# GET /v1/sites/{site}/lists/{list}
async def show_list(call: Call) -> Reply[outgoing_lists.ListReply]:
    """One list, without its entries."""
    await call.moderator()
    kept = await call.database.read(lists.get, call.site_key, name_of(call))
    return Reply({"list": _list(kept)}, headers=_etag(kept))


# PUT /v1/sites/{site}/lists/{list}
async def put_list(
    call: Call, body: incoming_lists.ListBody, headers: IfMatchOrNone
) -> Reply[outgoing_lists.ListReply]:
    """Make a list (with `If-None-Match: *`), or call it otherwise (with `If-Match`)."""
    moderator = await call.moderator()
    wanted = Wanted(body.title, ListKind(body.kind), body.note)
    kept, is_new = await call.database.write(
        lists.put, call.site_key, name_of(call), wanted, moderator, expected=headers.expected
    )
    return Reply({"list": _list(kept)}, 201 if is_new else 200, headers=_etag(kept))


# DELETE /v1/sites/{site}/lists/{list}
async def delete_list(call: Call, headers: IfMatch) -> Reply[None]:
    """Delete a list with its entries, unless a rule of the policy names it."""
    moderator = await call.moderator()
    await call.database.write(lists.delete, call.site.rules, name_of(call), moderator, expected=headers.expected)
    return Reply(None, 204)


# GET /v1/sites/{site}/lists/{list}/entries
async def list_entries(call: Call, query: incoming_lists.EntriesQuery) -> Reply[outgoing_lists.ListEntries]:
    """The entries of a list, with what each found in 30 days."""
    await call.moderator()
    scope = (name_of(call), query.q or "", query.order)
    position = call.position(query.cursor, *scope)
    kept, entries, hits = await call.database.read(with_entries, call.site_key, name_of(call))
    found = in_order(entries, hits, query.q, query.order)
    start = int(position[0]) if position else 0
    following = call.cursor((start + query.limit,) if start + query.limit < len(found) else None, *scope)
    shown = [_entry(one, hits.get(one.entry.value, NO_HITS)) for one in found[start : start + query.limit]]
    return Reply({"entries": shown, "next": following}, headers={**_etag(kept), **call.next_link(following)})


# PATCH /v1/sites/{site}/lists/{list}/entries
async def change_entries(
    call: Call, body: incoming_lists.EntriesChange, headers: IfMatch
) -> Reply[outgoing_lists.EntriesChanged]:
    """Add entries to a list and remove others, up to 500 together."""
    moderator = await call.moderator()
    add = [Addition(Entry(one.value, tuple(one.exceptions), one.until), one.note) for one in body.add]
    changed = await call.database.write(
        lists.change_entries,
        call.site.rules,
        name_of(call),
        moderator,
        expected=headers.expected,
        add=add,
        remove=body.remove,
    )
    reply: outgoing_lists.EntriesChanged = {
        "list": _list(changed.kept),
        "added": changed.added,
        "removed": changed.removed,
        "unchanged": changed.unchanged,
    }
    return Reply(reply, headers=_etag(changed.kept))


def name_of(call: Call) -> str:
    """The list in the path. Raises UnknownList where it cannot be one."""
    return call.known("list", UnknownList)


def with_entries(tx: Transaction, site: SiteKey, name: str) -> tuple[KeptList, list[KeptEntry], dict[str, Hits]]:
    """A list, its entries, and what they found. Raises UnknownList."""
    return lists.get(tx, site, name), stored.entries(tx, site, name), stored.hits(tx, site, name)


def in_order(entries: Sequence[KeptEntry], hits: dict[str, Hits], q: str | None, order: str) -> list[KeptEntry]:
    """The entries with `q` in them, in this order. A list is short enough to be sorted here."""
    wanted = folding.fold(q) if q else ""
    found = [one for one in entries if wanted in folding.fold(one.entry.value)]
    match order:
        case "newest":
            return sorted(found, key=lambda one: (-one.added_at, one.key))
        case "matched":
            return sorted(found, key=lambda one: (-hits.get(one.entry.value, NO_HITS).matched, one.key))
        case "overturned":
            return sorted(found, key=lambda one: (-hits.get(one.entry.value, NO_HITS).overturned, one.key))
    return sorted(found, key=lambda one: one.key)


def _etag(kept: KeptList) -> dict[str, str]:
    return {"ETag": f'"{kept.version}"'}


def _list(kept: KeptList) -> outgoing_lists.ListView:
    return {
        "name": kept.name,
        "title": kept.title,
        "kind": kept.kind.value,
        "note": kept.note,
        "version": kept.version,
        "entries": kept.entries,
        "changed_by": show.actor(kept.changed_by),
        "changed_at": timestamp(kept.changed_at),
    }


def _entry(one: KeptEntry, hits: Hits) -> Any:
    return {
        "value": one.entry.value,
        "not": list(one.entry.exceptions),
        "note": one.note,
        "until": optional_timestamp(one.entry.until),
        "added_by": show.actor(one.added_by),
        "added_at": timestamp(one.added_at),
        "matched_30d": hits.matched,
        "overturned_30d": hits.overturned,
        "last_matched_at": optional_timestamp(hits.last_at),
    }
