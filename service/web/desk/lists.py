"""The desk's pages of lists: all of a site's, and one with its entries. What the API takes, they take."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from aiohttp import web
from markupsafe import Markup

from service.desk.numbered import Told, excerpts
from service.desk.rendering import query as with_query
from service.errors import DocumentChanged, InvalidRequest, ListInUse, Problem
from service.model import Actor, Milliseconds
from service.moderation import lists, policies
from service.moderation.lists import Addition, Wanted
from service.store import lists as stored
from service.store.database import Transaction
from service.store.lists import Hits, KeptEntry, KeptList
from service.triage.lists import written
from service.triage.lists.entry import Entry, ListKind
from service.triage.rule import Rule
from service.web.call import Call
from service.web.desk import forms, reply, rule_forms
from service.web.desk.rule_forms import ListForm, ListPage, NewListForm
from service.web.desk.session import moderator_of, sender_of
from service.web.incoming_lists import MAX_TOGETHER, ListBody
from service.web.lists import NO_HITS, in_order, name_of, with_entries
from service.web.surface import validated

MOST_LINES: Final = 4 * MAX_TOGETHER
"""Lines that are read at once, most of which say nothing: to read more would take long."""
PAGE_SIZE: Final = 100
NOTHING_TYPED: Final = NewListForm()


@dataclass(frozen=True, slots=True)
class Shown:
    """A list with its entries and what they found, and the rules that ask about it."""

    kept: KeptList
    entries: Sequence[KeptEntry]
    hits: dict[str, Hits]
    rules: Sequence[Rule]


class WrongError(Exception):
    """What was typed cannot be done: what to say beside it."""

    def __init__(self, *told: Told, status: int = 422) -> None:
        self.told = told
        self.status = status
        super().__init__("; ".join(one.detail for one in told))


# GET /desk/{site}/lists
async def show_lists(call: Call, query: rule_forms.ListsPage) -> web.Response:
    """All lists of the site, and the form that makes one."""
    return await _lists_page(call, await moderator_of(call), gone=query.gone)


# POST /desk/{site}/lists
async def make_list(call: Call, form: NewListForm) -> web.Response:
    """Make a list, without entries."""
    moderator = await sender_of(call, form.csrf)
    try:
        wanted = _wanted(form)
        await call.database.write(lists.put, call.site_key, form.name, wanted, moderator, expected=0)
    except (InvalidRequest, DocumentChanged) as problem:
        return await _lists_page(call, moderator, form=form, told=_told(problem, call), status=problem.status)
    return reply.go_back(call, f"lists/{form.name}", saved=1)


# GET /desk/{site}/lists/{list}
async def show_list(call: Call, query: ListPage) -> web.Response:
    """One list: its entries with what they found, and the rules that ask about it."""
    return await _list_page(call, await moderator_of(call), query)


# POST /desk/{site}/lists/{list}
async def change_list(call: Call, form: ListForm) -> web.Response:
    """Add entries, end or remove some, call the list otherwise, or delete it: upon the version that was shown."""
    moderator = await sender_of(call, form.csrf)
    try:
        done = await _change(call, form, moderator)
    except DocumentChanged as problem:
        return await _list_page(call, moderator, ListPage(), form=form, conflict=True, status=problem.status)
    except (InvalidRequest, ListInUse) as problem:
        told, status = _told(problem, call), problem.status
        return await _list_page(call, moderator, ListPage(), form=form, told=told, status=status)
    except WrongError as wrong:
        return await _list_page(call, moderator, ListPage(), form=form, told=wrong.told, status=wrong.status)
    if form.do == "delete":
        return reply.go_back(call, "lists", gone=name_of(call))
    return reply.go_back(call, f"lists/{name_of(call)}", **done)


async def _change(call: Call, form: ListForm, moderator: Actor) -> Mapping[str, object]:
    """Do it; what to say of it."""
    name = name_of(call)
    match form.do:
        case "add":
            return await _add(call, form, moderator)
        case "remove" | "until" if not form.marked:
            raise WrongError(Told(None, reply.language_of(call).say("list.none-marked")))
        case "remove":
            return await _change_entries(call, form, moderator, remove=form.marked)
        case "until":
            await _change_entries(call, form, moderator, add=await _ending(call, form))
        case "call":
            await call.database.write(lists.put, call.site_key, name, _wanted(form), moderator, expected=form.version)
        case "delete":
            await call.database.write(lists.delete, call.site.rules, name, moderator, expected=form.version)
    return {"saved": 1}


async def _add(call: Call, form: ListForm, moderator: Actor) -> Mapping[str, object]:
    """Raises WrongError, each mistake beside its line."""
    say = reply.language_of(call).say
    kept = await call.database.read(lists.get, call.site_key, name_of(call))
    is_short = len(form.entries.splitlines()) <= MOST_LINES
    found = _typed(form.entries, kept.kind) if is_short else []
    if is_short and not found:
        raise WrongError(Told(None, say("list.no-entry")))
    if not is_short or len(found) > MAX_TOGETHER:
        raise WrongError(Told(None, say("list.too-many", number=MAX_TOGETHER)))
    try:
        until = _end(form)
        additions = [Addition(replace(entry, until=until), form.entry_note) for _, entry in found]
        return await _change_entries(call, form, moderator, add=additions)
    except InvalidRequest as problem:
        lines = [line for line, _ in found]
        raise WrongError(*(_beside(*one, lines) for one in problem.mistakes)) from None


async def _ending(call: Call, form: ListForm) -> list[Addition]:
    """The marked entries as they are, with another end. Raises InvalidRequest."""
    until, marked = _end(form), set(form.marked)
    kept = await call.database.read(stored.entries, call.site_key, name_of(call))
    return [Addition(replace(one.entry, until=until), one.note) for one in kept if one.entry.value in marked]


def _end(form: ListForm) -> Milliseconds | None:
    """From when on entries hold no more; None: they hold for ever. Raises InvalidRequest."""
    return forms.moment("until", form.until) if form.until else None


async def _change_entries(
    call: Call, form: ListForm, moderator: Actor, *, add: Sequence[Addition] = (), remove: Sequence[str] = ()
) -> Mapping[str, object]:
    changed = await call.database.write(
        lists.change_entries,
        call.site.rules,
        name_of(call),
        moderator,
        expected=form.version,
        add=add,
        remove=remove,
    )
    return {"added": changed.added, "removed": changed.removed, "unchanged": changed.unchanged}


def _typed(text: str, kind: ListKind) -> list[tuple[int, Entry]]:
    """The entries in a field. No tab can be typed there, so ` | ` stands for one; in a pattern it means itself."""
    return written.read(text if kind is ListKind.PATTERNS else text.replace(" | ", "\t"))


def _beside(pointer: str, detail: str, lines: Sequence[int]) -> Told:
    """A mistake in what is added, with the line that it is about."""
    steps = pointer.split("/")
    has_line = steps[1:2] == ["add"] and len(steps) > 2
    return Told(lines[int(steps[2])] if has_line else None, detail)


def _wanted(form: NewListForm | ListForm) -> Wanted:
    """Raises InvalidRequest."""
    body = validated(ListBody, {"title": form.title, "kind": form.kind, "note": form.note}, "form")
    return Wanted(body.title, ListKind(body.kind), body.note)


def _told(problem: Problem, call: Call) -> Sequence[Told]:
    """What to say of a failure: each mistake with the field that it is about."""
    say = reply.language_of(call).say
    match problem:
        case ListInUse():
            return [Told(None, say("list.in-use"))]
        case DocumentChanged():
            return [Told(None, say("list.taken"))]
        case InvalidRequest():
            return [Told(None, _named(call, *one)) for one in problem.mistakes]
    raise problem


def _named(call: Call, pointer: str, detail: str) -> str:
    """A mistake, with the field that it is about."""
    field = {
        "/list": "list.name",
        "/title": "list.title",
        "/note": "list.note",
        "/kind": "list.kind",
        "/until": "list.until",
    }
    name = field.get(pointer)
    told = Markup("{}: {}")
    return told.format(reply.language_of(call).say(name), detail) if name else detail


async def _lists_page(
    call: Call,
    moderator: Actor,
    *,
    form: NewListForm = NOTHING_TYPED,
    told: Sequence[Told] = (),
    status: int = 200,
    gone: str | None = None,
) -> web.Response:
    return await reply.page(
        call,
        "lists.html",
        moderator=moderator,
        status=status,
        back="lists",
        lists=await call.database.read(stored.of_site, call.site_key),
        kinds=list(ListKind),
        form=form,
        told=told,
        gone=gone,
    )


async def _list_page(
    call: Call,
    moderator: Actor,
    query: ListPage,
    *,
    form: ListForm | None = None,
    told: Sequence[Told] = (),
    conflict: bool = False,
    status: int = 200,
) -> web.Response:
    """`form` is what somebody typed, where it was not done."""
    found = await call.database.read(_shown, call)
    entries = in_order(found.entries, found.hits, query.q, query.order)
    scope = (name_of(call), query.q or "", query.order)
    position = call.position(query.cursor, *scope)
    start = int(position[0]) if position else 0
    following = call.cursor((start + PAGE_SIZE,) if start + PAGE_SIZE < len(entries) else None, *scope)
    here, filters = f"lists/{found.kept.name}", {"q": query.q, "order": query.order if query.order != "value" else None}
    return await reply.page(
        call,
        "list.html",
        moderator=moderator,
        status=status,
        back=with_query(here, **filters),
        here=here,
        found=found,
        entries=entries[start : start + PAGE_SIZE],
        no_hits=NO_HITS,
        next=reply.root_of(call) + with_query(here, **filters, cursor=following) if following else None,
        query_of=query,
        form=form,
        told=told,
        excerpts=excerpts(form.entries.splitlines() if form else [], told),
        conflict=conflict,
        kinds=list(ListKind),
        saved=query.saved is not None,
    )


def _shown(tx: Transaction, call: Call) -> Shown:
    """Raises UnknownList."""
    name = name_of(call)
    kept, entries, hits = with_entries(tx, call.site_key, name)
    return Shown(kept, entries, hits, policies.rules_with_list(tx, call.site.rules, name))
