"""The lists of each site: words, hosts and patterns that its moderators keep.

A list has a version, so that nobody changes what they did not see. Compiled lists are remembered in the process: each
by its version, all of a site by the mark of their state (`store/lists`), which is another one after every change. To
compile takes tenths of a second, so it is not done where writes wait: there `ready` says that it must be done first.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

from service.errors import DocumentChanged, IfMatchRequired, InvalidRequest, ListInUse, UnknownList
from service.model import Actor, Milliseconds, SiteKey, SiteRules
from service.moderation import brakes, policies
from service.store import events, lists
from service.store.database import Transaction
from service.store.lists import KeptEntry, KeptList
from service.triage.lists.compiled import NO_LISTS, Compiled, Lists, compile_list
from service.triage.lists.entry import (
    MAX_EXCEPTIONS,
    Entry,
    ListKind,
    exception_mistake,
    is_name,
    key_of,
    mistake,
    most_entries,
)

MAX_LISTS = 20
_of_site: dict[SiteKey, Lists] = {}
_compiled: dict[SiteKey, list[Compiled]] = {}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a list is to be called, and what its entries are."""

    title: str
    kind: ListKind
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Addition:
    """An entry that somebody adds."""

    entry: Entry
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Changed:
    """What became of a change."""

    kept: KeptList
    added: int
    removed: int
    unchanged: int


def get(tx: Transaction, site: SiteKey, name: str) -> KeptList:
    """One list. Raises UnknownList."""
    kept = lists.get(tx, site, name)
    if kept is None:
        raise UnknownList
    return kept


def put(
    tx: Transaction, site: SiteKey, name: str, wanted: Wanted, actor: Actor, *, expected: int | None
) -> tuple[KeptList, bool]:
    """Make a list (`expected` is 0), or say otherwise what it is called; whether it is new.

    An equal one makes no new version. Raises IfMatchRequired, DocumentChanged or InvalidRequest.
    """
    if not is_name(name):
        detail = 'must be lower-case letters, digits and single hyphens, for example "rivals"'
        raise InvalidRequest([("/list", detail)])
    before = lists.get(tx, site, name)
    require_version(before, expected)
    if before is None:
        if len(lists.of_site(tx, site)) >= MAX_LISTS:
            raise InvalidRequest([("", f"a site has at most {MAX_LISTS} lists")], place="body")
        version = lists.first_version(tx, site)
        after = KeptList(name, wanted.title, wanted.kind, wanted.note, version, 0, actor, tx.now)
    else:
        if Wanted(before.title, before.kind, before.note) == wanted:
            return before, False
        if before.kind is not wanted.kind and before.entries:
            raise InvalidRequest([("/kind", f"must stay {before.kind} while the list has entries")], place="body")
        after = KeptList(
            name, wanted.title, wanted.kind, wanted.note, before.version + 1, before.entries, actor, tx.now
        )
    _tell(tx, site, after, actor)
    lists.put(tx, site, after)
    return after, before is None


def delete(tx: Transaction, rules: SiteRules, name: str, actor: Actor, *, expected: int | None) -> None:
    """Remove a list that no rule of the site's policy names.

    Raises UnknownList, IfMatchRequired, DocumentChanged or ListInUse.
    """
    site = rules.key
    before = get(tx, site, name)
    require_version(before, expected)
    if used_by := policies.rules_with_list(tx, rules, name):
        raise ListInUse(members={"rules": sorted(rule.id for rule in used_by)})
    _tell(tx, site, before, actor, version=before.version + 1)
    lists.remove(tx, site, name, version=before.version + 1)


def change_entries(
    tx: Transaction,
    rules: SiteRules,
    name: str,
    actor: Actor,
    *,
    expected: int | None,
    add: Sequence[Addition],
    remove: Sequence[str],
) -> Changed:
    """Add entries and remove others. What is there already stays as it is, unless it has other members now.

    Rules of the site's policy that act alone and name the list are watched from then on (`brakes`).
    Raises UnknownList, IfMatchRequired, DocumentChanged or InvalidRequest, which names each bad entry.
    """
    site = rules.key
    before = get(tx, site, name)
    require_version(before, expected)
    _refuse_mistakes(before.kind, add)
    there = {kept.key: kept for kept in lists.entries(tx, site, name)}
    leaving = {key for value in remove if (key := key_of(before.kind, value)) in there}
    coming = {key_of(before.kind, one.entry.value): one for one in add}
    same = {
        key
        for key, one in coming.items()
        if key in there and key not in leaving and (there[key].entry, there[key].note) == (one.entry, one.note)
    }
    number = len((there.keys() - leaving) | coming.keys())
    if number > most_entries(before.kind):
        detail = f"a list of {before.kind} has at most {most_entries(before.kind)} entries"
        raise InvalidRequest([("/add", detail)], place="body")
    unchanged = len(same) + len(remove) - len(leaving)
    new = {key: one for key, one in coming.items() if key not in same}
    if not new and not leaving:
        return Changed(before, 0, 0, unchanged)
    after = lists.changed(before, actor, tx.now, entries=number)
    _tell(tx, site, after, actor)
    lists.change(
        tx,
        site,
        after,
        add=[KeptEntry(key, one.entry, one.note, actor, tx.now) for key, one in new.items()],
        remove=leaving | (new.keys() & there.keys()),
    )
    lists.put(tx, site, after)
    brakes.list_changed(tx, site, policies.holding(tx, rules), name)
    return Changed(after, len(new), len(leaving - new.keys()), unchanged)


def require_version(before: KeptList | None, expected: int | None) -> None:
    """Whether a change was made upon what is there. `expected` is 0 for what is to be made, None where nobody said.

    Raises IfMatchRequired or DocumentChanged.
    """
    version = before.version if before else 0
    if expected is None:
        raise IfMatchRequired(members={"version": version})
    if expected != version:
        changed = {"changed_by": before.changed_by, "changed_at": before.changed_at} if before else {}
        raise DocumentChanged(members={"version": version, **changed})


class NotCompiled(Exception):  # noqa: N818  # no fault: whoever began the transaction compiles, and begins it anew
    """The lists of a site are others than those that this process has compiled."""


class _Uncompiled(NamedTuple):
    """A list, with its entries where nothing has been made of this very state of it."""

    kept: KeptList
    entries: Sequence[Entry]
    made: Compiled | None


class AsKept(NamedTuple):
    """The lists of a site as the store has them at one moment; `made` where they are compiled already."""

    mark: str | None
    lists: Sequence[_Uncompiled]
    at: Milliseconds
    made: Lists | None = None


def ready(tx: Transaction, site: SiteKey, mark: str | None, looked_with: Lists = NO_LISTS) -> Lists:
    """The site's lists as texts are compared with them, whose state has this mark (None: it never had one).

    `looked_with`: those that somebody has in hand. They are taken where they are these: another request may have made
    the process remember others meanwhile. Raises NotCompiled.
    """
    if mark is None:
        _of_site.pop(site, None)
        return NO_LISTS
    for one in (looked_with, remembered(site)):
        if one.mark == mark and one.holds_at(tx.now):
            return one
    raise NotCompiled(site)


def holding(tx: Transaction, site: SiteKey) -> Lists:
    """The site's lists as they are now, compiled here if they are not yet."""
    try:
        return ready(tx, site, lists.mark_of(tx, site))
    except NotCompiled:
        return compile_lists(site, as_kept(tx, site))


def as_kept(tx: Transaction, site: SiteKey) -> AsKept:
    """What `compile_lists` needs."""
    mark = lists.mark_of(tx, site)
    with suppress(NotCompiled):
        return AsKept(mark, (), tx.now, ready(tx, site, mark))
    before = {one.name: one for one in _compiled.get(site, ())}
    found = [_as_kept(tx, site, kept, before.get(kept.name)) for kept in lists.of_site(tx, site)]
    return AsKept(mark, found, tx.now)


def remembered(site: SiteKey) -> Lists:
    """The site's lists as they were when this process judged a text last: probably as they are now."""
    return _of_site.get(site, NO_LISTS)


def compile_lists(site: SiteKey, kept: AsKept) -> Lists:
    """Make lists ready, and remember them: every one that has changed. 2,000 words take some hundredths of a second."""
    if kept.made is not None:
        return kept.made
    found = [one.made or _compile(one, kept.at) for one in kept.lists]
    _compiled[site] = found
    until = min((one.until for one in found if one.until is not None), default=None)
    made = _of_site[site] = Lists(found, mark=kept.mark, until=until)
    return made


def _compile(one: _Uncompiled, now: Milliseconds) -> Compiled:
    return compile_list(one.kept.name, one.kept.kind, one.entries, now=now, made=_state(one.kept))


def _as_kept(tx: Transaction, site: SiteKey, kept: KeptList, before: Compiled | None) -> _Uncompiled:
    if before is not None and before.made == _state(kept) and (before.until is None or tx.now < before.until):
        return _Uncompiled(kept, (), before)
    return _Uncompiled(kept, [one.entry for one in lists.entries(tx, site, kept.name)], None)


def _state(kept: KeptList) -> tuple[int, Milliseconds]:
    return kept.version, kept.changed_at


def _tell(tx: Transaction, site: SiteKey, kept: KeptList, actor: Actor, *, version: int | None = None) -> None:
    about = {"list": kept.name, "list_version": version or kept.version}
    events.append(tx, site, "list.changed", actor, about=about)


def _refuse_mistakes(kind: ListKind, add: Sequence[Addition]) -> None:
    mistakes: list[tuple[str, str]] = []
    for number, one in enumerate(add):
        if (why := mistake(kind, one.entry.value)) is not None:
            mistakes.append((f"/add/{number}/value", why))
            continue
        if len(one.entry.exceptions) > MAX_EXCEPTIONS:
            mistakes.append((f"/add/{number}/not", f"must have at most {MAX_EXCEPTIONS} items"))
        for place, exception in enumerate(one.entry.exceptions):
            if (why := exception_mistake(kind, one.entry.value, exception)) is not None:
                mistakes.append((f"/add/{number}/not/{place}", why))
    if mistakes:
        raise InvalidRequest(mistakes, place="body")
