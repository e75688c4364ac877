"""Moderators' calls; those on the queue are in `queue`. The first line of each asks for the permission."""

from typing import Any

from service.errors import Problem, UnknownAuthor
from service.model import Action, AuthorKey, BatchId, Comment, CommentId, Decision, PostKey, Status, new_id
from service.moderation import authors, decisions, dossiers, finding, judged, posts
from service.moderation.decisions import Ruling
from service.moderation.finding import Wanted
from service.moderation.record import Reasons
from service.store import authors as stored_authors
from service.store import posts as stored_posts
from service.store import record_pages
from service.web import incoming, outgoing, outgoing_policy, problems, queries, show
from service.web.call import Call, Reply, require_own_page


# POST /v1/sites/{site}/comments/{id}/decisions
async def decide(call: Call, body: incoming.DecisionRequest) -> Reply[outgoing.DecisionReply]:
    """Decide about a comment, naming the version that was seen."""
    moderator = await call.moderator()
    ruling = Ruling(call.comment_id, Action(body.action), body.version, _reasons(body))
    decision, comment = await call.database.write(decisions.decide, call.site.rules, ruling, moderator)
    _count(call, decision)
    return Reply({"decision": show.decision(decision), "comment": _comment(call, comment, decision)}, 201)


# GET /v1/sites/{site}/comments/{id}/judgements
async def list_judgements(call: Call, query: queries.PageQuery) -> Reply[outgoing_policy.JudgementList]:
    """What the site's policy said of each text of a comment, the newest first."""
    await call.moderator()
    page = await call.database.read(
        judged.page,
        call.site.rules,
        call.comment_id,
        limit=query.limit,
        after=call.position(query.cursor, call.comment_id),
    )
    following = call.cursor(page.next, call.comment_id)
    shown = [show.judgement(kept) for kept in page.items]
    return Reply({"judgements": shown, "next": following}, headers=call.next_link(following))


# GET /v1/sites/{site}/comments/{id}/original
async def get_original(call: Call) -> Reply[outgoing.OriginalReply]:
    """What the text of an imported comment was made of, as the other system had it."""
    await call.moderator()
    found = await call.database.read(dossiers.original_of, call.site.rules, call.comment_id)
    return Reply({"original": show.original(found) if found else None})


# POST /v1/sites/{site}/decisions
async def decide_many(call: Call, body: incoming.BulkRequest) -> Reply[outgoing.BulkReply]:
    """Up to 500 decisions in one call, which together are a `batch`. Each stands alone; the results come in the order
    of the request."""
    moderator = await call.moderator()
    rulings = [
        Ruling(CommentId(item.comment_id), Action(item.action), item.version, _reasons(item)) for item in body.decisions
    ]
    batch = BatchId(new_id(call.services.clock()))
    outcomes = await decisions.decide_all(call.database, call.site.rules, rulings, moderator, batch=batch)
    results: list[outgoing.BulkDone | outgoing.BulkRefused] = []
    for ruling, outcome in zip(rulings, outcomes, strict=True):
        if isinstance(outcome, Problem):
            request_id = problems.request_id_of(call.request)
            problem = problems.view(outcome, call.services.links, request_id=request_id, site=call.site)
            results.append({"comment_id": ruling.comment_id, "problem": problem})
        else:
            _count(call, outcome[0])
            results.append({"comment_id": ruling.comment_id, "decision": show.decision(outcome[0])})
    return Reply({"batch": batch, "results": results})


# POST /v1/sites/{site}/decisions/{id}/undo
async def undo(call: Call) -> Reply[outgoing.DecisionReply]:
    """Take a decision back, unless something newer stands on it."""
    moderator = await call.moderator()
    decision, comment = await call.database.write(decisions.undo, call.site.rules, call.decision_id, moderator)
    _count(call, decision)
    return Reply({"decision": show.decision(decision), "comment": _comment(call, comment, decision)}, 201)


# GET /v1/sites/{site}/decisions
async def list_decisions(call: Call, query: queries.DecisionsQuery) -> Reply[outgoing.DecisionsList]:
    """The append-only record. A page can be short or empty although `next` leads on."""
    await call.moderator()
    wanted = record_pages.Filter(
        comment_id=CommentId(query.comment) if query.comment else None,
        author=AuthorKey(query.author) if query.author else None,
        post=PostKey(query.post) if query.post else None,
        actor=AuthorKey(query.actor) if query.actor else None,
        action=Action(query.action) if query.action else None,
        reason=query.reason,
        batch=BatchId(query.batch) if query.batch else None,
        since=query.since,
        until=query.until,
    )
    page = await call.database.bulk.read(
        record_pages.page,
        call.site_key,
        wanted,
        newest_first=query.order == "newest",
        limit=query.limit,
        after=call.position(query.cursor, query.order),
    )
    following = call.cursor(page.next, query.order)
    shown = [show.decision(decision) for decision in page.items]
    return Reply({"decisions": shown, "next": following}, headers=call.next_link(following))


# GET /v1/sites/{site}/moderation/comments
async def find_comments(call: Call, query: queries.FindQuery) -> Reply[outgoing.FoundComments]:
    """Comments in every status. After ten seconds, what was found by then; `next` looks through the rest."""
    await call.moderator()
    wanted = Wanted(
        status=Status(query.status) if query.status else None,
        author=AuthorKey(query.author) if query.author else None,
        post=PostKey(query.post) if query.post else None,
        text=query.q,
        since=query.since,
        until=query.until,
        by_policy=query.by == "policy",
    )
    scope = (query.order, "waiting" if wanted.status is Status.PENDING else "written")
    place = call.position(query.cursor, *scope)
    found = await finding.find(
        call.database,
        call.site_key,
        wanted,
        newest_first=query.order == "newest",
        limit=query.limit,
        after=(int(place[0]), str(place[1])) if place is not None else None,
    )
    following = call.cursor(found.next, *scope)
    shown = [
        show.comment(comment, edit_window_seconds=call.site.edit_window_seconds, decision=decision)
        for comment, decision in found.comments
    ]
    return Reply({"comments": shown, "next": following, "stopped": found.stopped}, headers=call.next_link(following))


# GET /v1/sites/{site}/authors/{key}
async def show_author(call: Call) -> Reply[outgoing.AuthorReply]:
    """An author's record."""
    await call.moderator()
    author = await call.database.read(stored_authors.get, call.site_key, call.author_key)
    if author is None:
        raise UnknownAuthor
    return Reply({"author": show.standing(author)})


# PATCH /v1/sites/{site}/authors/{key}
async def judge_author(call: Call, body: incoming.AuthorPatch) -> Reply[outgoing.AuthorReply]:
    """Ban (until a time, or "forever"; null ends it), trust, or note something about an author."""
    moderator = await call.moderator()
    changes: Any = body.model_dump(exclude_unset=True)
    author = await call.database.write(authors.judge, call.site_key, call.author_key, moderator, changes=changes)
    return Reply({"author": show.standing(author)})


# GET /v1/sites/{site}/posts/{post}
async def show_post(call: Call) -> Reply[outgoing.PostReply]:
    """A post: its count, and whether it is open for comments."""
    await call.moderator()
    post = await call.database.read(stored_posts.get, call.site_key, call.post_key)
    return Reply({"post": show.post_for_moderators(call.site, post)})


# PATCH /v1/sites/{site}/posts/{post}
async def change_post(call: Call, body: incoming.PostPatch) -> Reply[outgoing.PostReply]:
    """Close a post for comments or open it again; say how it is called, where it is, and when the blog published it.

    A `title` and a `url` given here are pinned: no comment changes them, until null gives them back to what approved
    comments say.
    """
    moderator = await call.moderator()
    require_own_page(call.site, body.url, pointer="/url")
    changes: Any = body.model_dump(exclude_unset=True)
    post = await call.database.write(posts.change, call.site_key, call.post_key, moderator, changes=changes)
    return Reply({"post": show.post_for_moderators(call.site, post)})


def _count(call: Call, decision: Decision) -> None:
    call.services.metrics.decisions.labels(call.site_key, decision.action).inc()


def _reasons(given: incoming.DecisionRequest) -> Reasons:
    return Reasons(given.reason, given.note, given.note_to_author)


def _comment(call: Call, comment: Comment, decision: Decision) -> outgoing.CommentView:
    return show.comment(comment, edit_window_seconds=call.site.edit_window_seconds, decision=decision)
