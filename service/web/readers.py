"""The front end's calls: readers with the login that they have at the blog."""

import asyncio
import hashlib
from collections.abc import Callable
from functools import partial

from service.auth.permissions import Permission, permissions_of
from service.errors import InvalidRequest, Problem, UnknownComment
from service.model import (
    NO_LABEL,
    AuthorKey,
    Caller,
    Comment,
    CommentId,
    Decision,
    Identity,
    Label,
    Page,
    PostKey,
    SiteKey,
    Status,
)
from service.moderation import idempotency, publication, submissions
from service.moderation.submissions import Draft, Noted
from service.reading import show as public_show
from service.settings import Site
from service.store import authors, comments, decisions
from service.store.database import Transaction
from service.store.idempotency import Reply as KeptReply
from service.store.idempotency import Scope
from service.text import render
from service.web import incoming, outgoing, queries, show
from service.web.call import Call, Reply, require_own_page, to_json
from service.web.judged import LONG_TEXT, judged

AROUND_TEXT = 1_000
"""Characters of white space that may stand around a text, beyond what the site takes of the text itself."""


# GET /v1/sites/{site}/me
async def show_me(call: Call, query: queries.MeQuery) -> Reply[outgoing.Me]:
    """Who am I here, and what may I do.

    A front end that cannot know whether somebody is logged in (the blog's cookie is not for scripts) asks with
    `visitor=1`: then nobody is an answer, and no error in the browser's console.
    """
    if query.visitor and await call.caller() is None:
        return Reply({"user": None, "roles": [], "may": [], "banned_until": None})
    caller = await call.somebody()
    author = await call.database.read(authors.get, call.site_key, AuthorKey(caller.key))
    until = author.banned_until if author else None
    banned = until is not None and until > call.services.clock()
    return Reply(
        {
            "user": public_show.author(caller.key, caller.profile),
            "roles": sorted(role.value for role in caller.roles),
            "may": sorted(permissions_of(caller, banned=banned)),
            "banned_until": show.banned_until(until) if banned else None,
        }
    )


# POST /v1/sites/{site}/posts/{post}/comments
async def submit(
    call: Call, body: incoming.Submission, headers: incoming.SubmitHeaders
) -> Reply[outgoing.CommentReply]:
    """Post a comment.

    202: it waits for a moderator, or a rule of the site rejected it (`status` says so). 201: the site's policy
    published it at once. Send the same `Idempotency-Key` with a retry: within 24 hours the first reply comes again and
    nothing is posted twice.
    """
    author, identity, _ = await call.reader()
    scope = _scope(call, author, call.post_key, body, headers.idempotency_key)
    try:
        kept = await _take(call, body, author, identity, scope)
    except Problem:  # a retry is answered as it was the first time, whatever stands in its way by now
        first = await call.database.read(idempotency.replay, scope) if scope else None
        if first is None:
            raise
        return _kept(call, first)
    if kept.replayed:  # a retry costs its author nothing
        await call.services.limits.take_back(call.site_key, author)
    else:
        call.services.metrics.submissions(call.site_key, "approved" if kept.status == 201 else "pending").inc()
    return _kept(call, kept)


# POST /v1/sites/{site}/preview
async def preview(call: Call, body: incoming.Preview) -> Reply[outgoing.PreviewReply]:
    """What my text would look like. What a submission refuses in its `body` is refused here; nothing is kept."""
    await call.reader()
    return Reply({"html": await _html(call.site, body.body)})


# GET /v1/sites/{site}/me/comments
async def list_mine(call: Call, query: queries.OwnQuery) -> Reply[outgoing.MyComments]:
    """My comments in any status, newest first; on one post or on all."""
    author, _, _ = await call.reader()
    post = PostKey(query.post) if query.post is not None else None
    scope = (author,) if post is None else (author, post)
    after = call.position(query.cursor, *scope)
    page, last = await call.database.read(_mine, call.site_key, author, post=post, limit=query.limit, after=after)
    following = call.cursor(page.next, *scope)
    shown = [_view(call.site, comment, last.get(comment.id)) for comment in page.items]
    return Reply({"comments": shown, "next": following}, headers=call.next_link(following))


# GET /v1/sites/{site}/comments/{id}
async def show_comment(call: Call) -> Reply[outgoing.SingleReply]:
    """One comment: anyone if it is approved, its author and moderators in any status."""
    caller = await call.caller()
    comment, decision = await call.database.read(_one, call.site_key, call.comment_id)
    if comment is not None and caller is not None and Permission.MODERATE in permissions_of(caller):
        shown = show.comment(comment, edit_window_seconds=call.site.edit_window_seconds, decision=decision)
        return Reply({"comment": shown})
    if comment is not None and caller is not None and caller.key == comment.author_key:
        return Reply({"comment": _view(call.site, comment, decision)})
    if comment is None or not publication.is_public(comment):
        raise UnknownComment
    return Reply({"comment": show.visible(comment)})


# PATCH /v1/sites/{site}/comments/{id}
async def edit(call: Call, body: incoming.Edit) -> Reply[outgoing.CommentReply]:
    """Change my own comment, within the site's window. If it must wait, the approved text stays public meanwhile.

    It counts as a submission does; the text that is there already changes nothing, and costs nothing upon the
    present version.
    """
    author, _, caller = await call.reader()
    await call.services.limits.submit_by(call.site_key, author)
    draft = await _draft(call.site, body.body)
    comment, decision = await judged(
        call, draft, partial(_edit, site=call.site, comment_id=call.comment_id, caller=caller, version=body.version)
    )
    if comment.version == body.version:
        await call.services.limits.take_back(call.site_key, author)
    return Reply({"comment": _view(call.site, comment, decision)})


# DELETE /v1/sites/{site}/comments/{id}
async def withdraw(call: Call) -> Reply[None]:
    """Take my own comment back. Where visible replies stand on it, a tombstone stays."""
    _, _, caller = await call.reader()
    await call.database.write(submissions.withdraw, call.site.rules, call.comment_id, caller)
    return Reply(None, 204)


async def _take(
    call: Call, body: incoming.Submission, author: AuthorKey, identity: Identity, scope: Scope | None
) -> KeptReply:
    await call.services.limits.submit_by(call.site_key, author)
    draft = await _draft(call.site, body.body, parent_id=body.parent_id, label=body.post)
    work = partial(_submit, site=call.site, post=call.post_key, author=author, identity=identity)
    return await judged(call, draft, partial(_once, scope=scope, work=work))


async def _draft(
    site: Site, body: str, *, parent_id: str | None = None, label: incoming.PostLabel | None = None
) -> Draft:
    """The text as it will be shown, and what belongs to it. Raises InvalidRequest for what the site does not take."""
    html = await _html(site, body)
    return Draft(
        body=body,
        html=html,
        parent_id=CommentId(parent_id) if parent_id else None,
        label=_label(site, label) if label else NO_LABEL,
    )


async def _html(site: Site, body: str) -> str:
    """What a text looks like. Raises InvalidRequest for one that is too long for the site, or shows nothing."""
    if len(body.strip()) > site.max_body_length:
        raise _refused(f"must have at most {site.max_body_length} characters")
    if len(body) > (longest := site.max_body_length + AROUND_TEXT):
        raise _refused(f"must have at most {longest} characters, white space around it included")
    html = await asyncio.to_thread(render.to_html, body) if len(body) > LONG_TEXT else render.to_html(body)
    if render.shows_nothing(html):
        raise _refused("shows nothing")
    return html


def _refused(why: str) -> InvalidRequest:
    return InvalidRequest([("/body", why)], place="body")


def _label(site: Site, sent: incoming.PostLabel) -> Label:
    """What a submission says of its post. Raises InvalidRequest for an address that is not the site's.

    Whose the site's own pages are is not known where it has no origins: then no reader says where a post is.
    """
    if not site.origins:
        return Label(sent.title)
    require_own_page(site, sent.url, pointer="/post/url")
    return Label(sent.title, sent.url)


def _kept(call: Call, kept: KeptReply) -> Reply[outgoing.CommentReply]:
    """The store keeps the location as a path: a retry may come after the service has moved."""
    replayed = {"Idempotency-Replayed": "true"} if kept.replayed else {}
    location = call.services.links.to(kept.location or "/")
    return Reply(kept.body.encode(), kept.status, {"Location": location, **replayed})


def _scope(call: Call, author: AuthorKey, post: PostKey, body: incoming.Submission, key: str | None) -> Scope | None:
    if key is None:
        return None
    asked = to_json([post, body])
    return Scope(call.site_key, author, "submit", key, hashlib.sha256(asked).hexdigest())


def _once(
    tx: Transaction, *, scope: Scope | None, work: Callable[..., KeptReply], draft: Draft, noted: Noted
) -> KeptReply:
    return idempotency.once(tx, scope, partial(work, draft=draft, noted=noted))


def _submit(
    tx: Transaction, *, site: Site, post: PostKey, author: AuthorKey, identity: Identity, draft: Draft, noted: Noted
) -> KeptReply:
    comment = submissions.submit(tx, site.rules, post, author, identity, draft, noted=noted)
    status = 201 if comment.status is Status.APPROVED else 202
    location = f"/v1/sites/{site.key}/comments/{comment.id}"
    return KeptReply(status, to_json({"comment": _view(site, comment, None)}).decode(), location)


def _edit(
    tx: Transaction, *, site: Site, comment_id: CommentId, caller: Caller, draft: Draft, version: int, noted: Noted
) -> tuple[Comment, Decision | None]:
    comment = submissions.edit(tx, site.rules, comment_id, caller, draft, version=version, noted=noted)
    return comment, decisions.last_on(tx, comment_id)


def _one(tx: Transaction, site: SiteKey, comment_id: CommentId) -> tuple[Comment | None, Decision | None]:
    return comments.get(tx, site, comment_id), decisions.last_on(tx, comment_id)


def _mine(
    tx: Transaction,
    site: SiteKey,
    author: AuthorKey,
    *,
    post: PostKey | None,
    limit: int,
    after: tuple[str | int, ...] | None,
) -> tuple[Page[Comment], dict[CommentId, Decision]]:
    if post is None:
        page = comments.of_author(tx, site, author, limit=limit, after=after)
    else:
        page = comments.of_author_on(tx, site, author, post=post, limit=limit, after=after)
    return page, decisions.last_on_each(tx, [comment.id for comment in page.items])


def _view(site: Site, comment: Comment, decision: Decision | None) -> outgoing.CommentView:
    return show.own(comment, edit_window_seconds=site.edit_window_seconds, decision=decision)
