"""The desk's page of the record: what was decided, newest first, and what can be taken back."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, get_args

from aiohttp import web

from service.desk.rendering import query as with_query
from service.errors import InvalidRequest
from service.model import (
    Action,
    AuthorKey,
    BatchId,
    Comment,
    CommentId,
    Decision,
    DecisionId,
    Milliseconds,
    Page,
    PostKey,
    Text,
)
from service.moderation import policies
from service.store import comments, decided, record_pages
from service.store.database import Transaction
from service.web.call import Call
from service.web.desk import forms, reply, views
from service.web.desk.queue import done_in
from service.web.desk.session import moderator_of
from service.web.outgoing import ActionName

PAGE_SIZE: Final = 50
FILTERS: Final = ("comment", "author", "post", "actor", "action", "reason", "batch", "since", "until")


# GET /desk/{site}/record
async def show_record(call: Call, query: forms.RecordPage) -> web.Response:
    """What was decided, newest first: by whom, about what, and why."""
    moderator = await moderator_of(call)
    wanted = record_pages.Filter(
        comment_id=CommentId(query.comment) if query.comment else None,
        author=AuthorKey(query.author) if query.author else None,
        post=PostKey(query.post) if query.post else None,
        actor=AuthorKey(query.actor) if query.actor else None,
        action=Action(query.action) if query.action else None,
        reason=query.reason,
        batch=BatchId(query.batch) if query.batch else None,
        since=_midnight("since", query.since) if query.since else None,
        until=_midnight("until", query.until, days_later=1) if query.until else None,
    )
    page, about, texts, codes, done = await call.database.bulk.read(
        _page, call, wanted, after=call.position(query.cursor), done=query.done
    )
    filters = {name: value for name in FILTERS if (value := getattr(query, name))}
    following = call.cursor(page.next)
    return await reply.page(
        call,
        "record.html",
        moderator=moderator,
        back=with_query("record", **filters, cursor=query.cursor),
        lines=views.lines_of(page.items, about, texts),
        filters=filters,
        names=_names(page.items, about),
        actions=get_args(ActionName),
        reasons=sorted({*codes, *(decision.reason for decision in page.items if decision.reason)}),
        next=f"./{with_query('record', **filters, cursor=following)}" if following else None,
        **done,
    )


def _page(
    tx: Transaction, call: Call, wanted: record_pages.Filter, *, after: tuple[str | int, ...] | None, done: str | None
) -> tuple[Page[Decision], dict[CommentId, Comment], dict[DecisionId, Text], set[str], dict[str, Any]]:
    page = record_pages.page(tx, call.site_key, wanted, newest_first=True, limit=PAGE_SIZE, after=after)
    about = comments.get_many(tx, call.site_key, (decision.comment_id for decision in page.items))
    codes = {reason.code for reason in policies.holding(tx, call.site.rules).reasons}
    return page, about, decided.texts_of(tx, page.items, about), codes, done_in(tx, call.site_key, done)


def _midnight(name: str, day: str, *, days_later: int = 0) -> Milliseconds:
    """The beginning of a day, in UTC. Raises InvalidRequest for one that is in no calendar."""
    try:
        found = date.fromisoformat(day) + timedelta(days=days_later)
    except (ValueError, OverflowError):
        raise InvalidRequest([(f"/{name}", "is not a day in the calendar")], place="query") from None
    return int(datetime.combine(found, time(), UTC).timestamp() * 1000)


def _names(decisions: Sequence[Decision], about: Mapping[CommentId, Comment]) -> dict[str, str | None]:
    """How the people are called that a filter names, as far as the page knows."""
    if not decisions:
        return {"actor": None, "author": None}
    comment = about.get(decisions[0].comment_id)
    return {"actor": decisions[0].actor.name, "author": comment.author.name if comment else None}
