"""The desk's pages of an author and of a post."""

from typing import Any, Final

from aiohttp import web

from service.desk import texts
from service.desk.cards import author_path, post_path
from service.desk.rendering import query as with_query
from service.model import FOREVER, AuthorKey, Comment, Milliseconds, PostKey, Status
from service.moderation import authors, cases, dossiers, finding, posts
from service.moderation.cases import Case
from service.moderation.dossiers import AuthorDossier, PostDossier
from service.moderation.finding import Wanted
from service.reading.show import address_of
from service.store.database import Transaction
from service.web.call import Call
from service.web.desk import forms, reply, views
from service.web.desk.queue import done_in, shown_numbers, shown_total
from service.web.desk.session import moderator_of, sender_of

PAGE_SIZE: Final = 20
DAY: Final[Milliseconds] = 86_400_000
BANS: Final[dict[str, int]] = {"ban-1": 1, "ban-7": 7, "ban-30": 30}
"""Days by the name of the button."""


# GET /desk/{site}/authors/{key}
async def show_author(call: Call, query: forms.OnePage) -> web.Response:
    """An author: what moderators hold of them, and all that they wrote."""
    moderator = await moderator_of(call)
    key = call.author_key
    found, done = await call.database.bulk.read(_author, call, key, query.done)
    status = Status(query.status) if query.status else None
    scope = ("waiting" if status is Status.PENDING else "written",)
    place = call.position(query.cursor, *scope)
    listed = await finding.find(
        call.database,
        call.site_key,
        Wanted(author=key, status=status),
        newest_first=True,
        limit=PAGE_SIZE,
        after=finding.position(place),
    )
    written = [comment for comment, _ in listed.comments]
    here, following = author_path(key), call.cursor(listed.next, *scope)
    return await reply.page(
        call,
        "author.html",
        moderator=moderator,
        back=with_query(here, status=query.status, cursor=query.cursor),
        author=found.author,
        here=here,
        is_banned=(found.author.banned_until or 0) > call.services.clock(),
        is_forever=found.author.banned_until == FOREVER,
        waiting=found.waiting.number,
        cards=await views.cards_of(call, await call.database.read(_cases, call, written), moderator),
        marks=False,
        chosen=query.status,
        numbers=shown_numbers(call, found.numbers),
        lines=views.lines_of(found.record, found.about, found.texts),
        next=f"../{with_query(here, status=query.status, cursor=following)}" if following else None,
        saved=query.saved is not None,
        **done,
    )


# POST /desk/{site}/authors/{key}
async def judge_author(call: Call, form: forms.AuthorForm) -> web.Response:
    """Ban, trust, or note something about an author."""
    moderator = await sender_of(call, form.csrf)
    changes = _changes(form, call.services.clock())
    await call.database.write(authors.judge, call.site_key, call.author_key, moderator, changes=changes)
    return reply.go_back(call, form.back or author_path(call.author_key), saved=1)


# GET /desk/{site}/posts/{post}
async def show_post(call: Call, query: forms.OnePage) -> web.Response:
    """A post: whether it is open, what waits on it, and what readers see."""
    moderator = await moderator_of(call)
    found, done = await call.database.bulk.read(_post, call, call.post_key, query.done)
    return await reply.page(
        call,
        "post.html",
        moderator=moderator,
        back=post_path(found.post.key),
        post=found.post,
        url=address_of(call.site, found.post),
        here=post_path(found.post.key),
        cards=await views.cards_of(call, found.waiting, moderator),
        marks=False,
        waiting=found.total.number,
        waiting_shown=shown_total(call, found.total),
        numbers=shown_numbers(call, found.numbers),
        thread=found.thread,
        is_more=found.is_more,
        shown=texts.shown,
        author_path=author_path,
        saved=query.saved is not None,
        **done,
    )


# POST /desk/{site}/posts/{post}
async def change_post(call: Call, form: forms.PostForm) -> web.Response:
    """Open a post for comments, or close it."""
    moderator = await sender_of(call, form.csrf)
    await call.database.write(
        posts.change, call.site_key, call.post_key, moderator, changes={"open": form.do == "open"}
    )
    return reply.go_back(call, form.back or post_path(call.post_key), saved=1)


def _author(tx: Transaction, call: Call, key: AuthorKey, done: str | None) -> tuple[AuthorDossier, dict[str, Any]]:
    return dossiers.of_author(tx, call.site.rules, key), done_in(tx, call.site_key, done)


def _post(tx: Transaction, call: Call, key: PostKey, done: str | None) -> tuple[PostDossier, dict[str, Any]]:
    return dossiers.of_post(tx, call.site.rules, key), done_in(tx, call.site_key, done)


def _cases(tx: Transaction, call: Call, written: list[Comment]) -> list[Case]:
    return cases.of_comments(tx, call.site.rules, written)


def _changes(form: forms.AuthorForm, now: Milliseconds) -> Any:
    """Raises InvalidRequest for a ban until no time."""
    if form.do in BANS:
        return {"banned_until": now + BANS[form.do] * DAY}
    match form.do:
        case "ban-forever":
            return {"banned_until": FOREVER}
        case "ban-until":
            return {"banned_until": forms.moment("until", form.until)}
        case "unban":
            return {"banned_until": None}
        case "note":
            return {"note": form.note}
    typed = {"note": form.note} if form.note != form.note_was else {}  # it stands beside the button
    return {"trusted": form.do == "trust", **typed}
