"""The desk's page of what only rules have decided: to confirm it, or to take it out."""

from typing import Any

from aiohttp import web

from service.desk.cards import CONFIRMING
from service.desk.rendering import query as with_query
from service.model import Comment, Status
from service.moderation import cases, finding
from service.moderation.cases import Case
from service.moderation.finding import Wanted
from service.store.database import Transaction
from service.web.call import Call
from service.web.desk import forms, reply, views
from service.web.desk.queue import PAGE_SIZE, done_in
from service.web.desk.session import moderator_of

STATUSES = (Status.SPAM, Status.REJECTED, Status.APPROVED)


# GET /desk/{site}/ruled
async def show_ruled(call: Call, query: forms.RuledPage) -> web.Response:
    """What rules called spam, rejected or published and no human has looked at: a card for each, newest first."""
    moderator = await moderator_of(call)
    status = Status(query.status)
    place = call.position(query.cursor, "ruled", status)
    found = await finding.find(
        call.database,
        call.site_key,
        Wanted(status=status, by_policy=True),
        newest_first=True,
        limit=PAGE_SIZE,
        after=finding.position(place),
    )
    shown, done = await call.database.bulk.read(_page, call, [comment for comment, _ in found.comments], query.done)
    chosen = None if status is Status.SPAM else status.value
    following = call.cursor(found.next, "ruled", status)
    return await reply.page(
        call,
        "ruled.html",
        moderator=moderator,
        back=with_query("ruled", status=chosen, cursor=query.cursor),
        cards=await views.cards_of(call, shown, moderator),
        marks=True,
        chosen=status.value,
        statuses=[one.value for one in STATUSES],
        confirming=CONFIRMING[status],
        stopped=found.stopped,
        next=f"./{with_query('ruled', status=chosen, cursor=following)}" if following else None,
        **done,
    )


def _page(tx: Transaction, call: Call, found: list[Comment], done: str | None) -> tuple[list[Case], dict[str, Any]]:
    return cases.of_comments(tx, call.site.rules, found), done_in(tx, call.site_key, done)
