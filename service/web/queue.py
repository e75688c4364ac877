"""Moderators' calls on the queue. The first line of each asks for the permission."""

from dataclasses import replace
from typing import Protocol

from service.model import Actor, AuthorKey, CommentId, PostKey, Why
from service.moderation import queue
from service.moderation.cases import Case
from service.reading.show import timestamp
from service.store.database import Database, LaneOf
from service.store.judgements import mark
from service.store.queue_filter import Claimed, Filter
from service.web import incoming, incoming_queue, outgoing_queue, queries, show
from service.web.call import Call, Reply
from service.web.stream import EventStream


# GET /v1/sites/{site}/queue
async def browse_queue(call: Call, query: queries.QueueQuery) -> Reply[outgoing_queue.QueueList]:
    """What somebody must look at, with everything to judge it by."""
    moderator = await call.moderator()
    wanted = held_by(moderator, query.claimed, filter_of(query))
    cases, position, total = await lane_of(call, wanted).read(
        queue.browse,
        call.site.rules,
        wanted,
        by_priority=query.order == "priority",
        limit=query.limit,
        after=call.position(query.cursor, query.order),
    )
    following = call.cursor(position, query.order)
    return Reply(
        {
            "entries": _entries(call, cases),
            "next": following,
            "total": total.number,
            "total_is_exact": total.is_exact,
        },
        headers=call.next_link(following),
    )


# GET /v1/sites/{site}/queue/events
async def follow_queue(call: Call, query: queries.StreamQuery, headers: incoming.StreamHeaders) -> EventStream:
    """What enters and leaves the queue, live (Server-Sent Events).

    `queue.entered` and `queue.left` carry `comment_id`, `post` and `why`, `queue.claimed` carries `comment_ids`,
    `claimed_by` and `claimed_until`. `reset` says that something is missing: read
    the queue anew. Go on with the last `id`. The stream ends with the right to moderate.
    """
    await call.moderator()
    return EventStream(
        call, (call.site_key, None), headers.last_event_id or query.last_event_id, may_listen=Call.moderator
    )


# POST /v1/sites/{site}/queue/claims
async def claim(call: Call, body: incoming_queue.ClaimRequest) -> Reply[outgoing_queue.Claimed]:
    """Hand me the next entries, or these, and nobody else until the lease ends.

    Of `comment_ids`, those that I hold already are mine for longer, those that others hold are left out. I hold at most
    200 at once.
    """
    moderator = await call.moderator()
    if body.comment_ids:
        ids = [CommentId(comment_id) for comment_id in body.comment_ids]
        cases, until = await call.database.write(
            queue.claim_these, call.site.rules, moderator, ids, lease_seconds=body.lease_seconds
        )
    else:
        wanted = filter_of(body.filter)
        cases, until = await lane_of(call, wanted).write(
            queue.claim,
            call.site.rules,
            moderator,
            limit=body.limit,
            lease_seconds=body.lease_seconds,
            wanted=wanted,
            by_priority=body.filter.order == "priority",
        )
    return Reply({"entries": _entries(call, cases), "claimed_until": timestamp(until)})


# DELETE /v1/sites/{site}/queue/claims
async def release(call: Call, query: queries.ReleaseQuery) -> Reply[None]:
    """Give back what I hold, or some of it."""
    moderator = await call.moderator()
    ids = [CommentId(comment_id) for comment_id in query.comment] or None
    await call.database.write(queue.release, call.site_key, moderator, ids)
    return Reply(None, 204)


# GET /v1/sites/{site}/queue/{id}
async def show_entry(call: Call) -> Reply[outgoing_queue.EntryReply]:
    """One entry: why somebody must look at this comment, with everything to judge it by."""
    await call.moderator()
    case = await call.database.read(queue.show, call.site.rules, call.comment_id)
    return Reply({"entry": show.entry(call.site, case, now=call.services.clock())})


class Asked(Protocol):
    """What narrows the queue, wherever it comes from; the last four are what the site's policy said of the text."""

    @property
    def reason(self) -> str | None: ...
    @property
    def post(self) -> str | None: ...
    @property
    def author(self) -> str | None: ...
    @property
    def q(self) -> str | None: ...
    @property
    def rule(self) -> str | None: ...
    @property
    def check(self) -> str | None: ...
    @property
    def list_name(self) -> str | None: ...
    @property
    def outcome(self) -> str | None: ...


def filter_of(asked: Asked) -> Filter:
    """The filter that is asked for."""
    said = {"rule": asked.rule, "check": asked.check, "list": asked.list_name, "outcome": asked.outcome}
    return Filter(
        why=Why(asked.reason) if asked.reason else None,
        post=PostKey(asked.post) if asked.post else None,
        author=AuthorKey(asked.author) if asked.author else None,
        text=asked.q,
        marks=tuple(mark(kind, name) for kind, name in said.items() if name is not None),
    )


def held_by(moderator: Actor, claimed: str, wanted: Filter) -> Filter:
    """The same, narrowed to what this moderator holds (`mine`), or nobody (`free`)."""
    if claimed == "any":
        return wanted
    return replace(wanted, claimed=Claimed(claimed), holder=moderator.key if claimed == "mine" else None)


def lane_of(call: Call, wanted: Filter) -> Database | LaneOf:
    """Where what may take long keeps nobody waiting."""
    is_long = wanted.text or wanted.post or wanted.author or wanted.marks
    return call.database.bulk if is_long else call.database


def _entries(call: Call, cases: list[Case]) -> list[outgoing_queue.EntryView]:
    return [show.entry(call.site, case, now=call.services.clock()) for case in cases]
