"""The desk's page of one comment: in its thread, with the versions of its text and its record."""

import asyncio
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from aiohttp import web
from markupsafe import Markup

from service.desk import difference, texts
from service.desk.cards import State
from service.model import CommentId, Text
from service.moderation import dossiers
from service.moderation.dossiers import CommentDossier
from service.store.database import Transaction
from service.web.call import Call
from service.web.desk import forms, reply, views
from service.web.desk.queue import done_in
from service.web.desk.session import moderator_of


# GET /desk/{site}/c/{id}
async def show_comment(call: Call, query: forms.OnePage) -> web.Response:
    """One comment in its thread, with every text that it had, and everything that was decided about it.

    As a part of a page, its card alone: of one that waits no more, only what became of it.
    """
    moderator = await moderator_of(call)
    found, done = await call.database.read(_page, call, call.comment_id, query.done)
    comment = found.case.comment
    part = reply.wants_part(call)
    state: State = "gone" if part and found.case.entry is None else "waiting"
    return await reply.page(
        call,
        "card.html" if part else "comment.html",
        moderator=moderator,
        back=f"c/{comment.id}",
        card=await views.card_of(call, found.case, moderator, state=state),
        marks=part,
        above=found.above,
        below=found.below,
        shown=texts.shown,
        versions=list(enumerate(found.versions, start=1)) if len(found.versions) > 1 else [],
        changes=await asyncio.to_thread(_changes, found.versions),
        original=found.original,
        lines=views.lines_of(found.record, {comment.id: comment}),
        **done,
    )


def _changes(versions: Sequence[Text]) -> list[Markup]:
    """What each text changed of the one before it. It takes long for some texts."""
    return [difference.marked(old.body, new.body)[1] for old, new in pairwise(versions)]


def _page(
    tx: Transaction, call: Call, comment_id: CommentId, done: str | None
) -> tuple[CommentDossier, dict[str, Any]]:
    return dossiers.of_comment(tx, call.site.rules, comment_id), done_in(tx, call.site_key, done)
