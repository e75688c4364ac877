"""Deciding about many comments at the desk: a page that says what would change, and then exactly this, in pieces."""

from aiohttp import web

from service.errors import BadCursor, PreviewExpired
from service.model import Action, Actor, BatchId, CommentId
from service.moderation import bulk, undos
from service.moderation.bulk import Forecast, Preview, Seen
from service.moderation.record import Reasons
from service.store.database import Transaction
from service.store.queue_filter import Filter
from service.web import undos as sealing
from service.web.call import Call
from service.web.cursors import Position
from service.web.desk import forms, reply
from service.web.desk.session import sender_of
from service.web.queue import filter_of, held_by


# POST /desk/{site}/bulk/preview
async def preview_bulk(call: Call, form: forms.BulkForm) -> web.Response:
    """What the decision would change: how many, whose, where, the first of them. Nothing is changed."""
    moderator = await sender_of(call, form.csrf)
    wanted = held_by(moderator, form.claimed, filter_of(form)) if form.which == "matching" else None
    marked = [_seen(mark) for mark in form.marked]
    shown, forecast, is_cut = await call.database.bulk.read(
        _preview, call, Action(form.action), wanted, marked, moderator
    )
    return await reply.page(
        call,
        "bulk.html",
        moderator=moderator,
        back=form.back,
        action=form.action,
        forecast=forecast,
        is_cut=is_cut,
        none_marked=wanted is None and not marked,
        preview=_sealed(call, shown, moderator),
    )


# POST /desk/{site}/bulk
async def carry_out_bulk(call: Call, form: forms.CarryOutForm) -> web.Response:
    """Carry out a preview, 500 comments at a time; say what is done, what stayed and why."""
    moderator = await sender_of(call, form.csrf)
    shown = _opened(call, form.preview, moderator)
    reasons = Reasons(form.reason, form.note, form.note_to_author)
    progress = await bulk.carry_out(call.database, call.site.rules, shown, moderator, start=form.start, reasons=reasons)
    for decision in progress.made:
        call.services.metrics.decisions.labels(call.site_key, decision.action).inc()
    undoing = None
    if progress.number:
        seen, _ = await call.database.bulk.read(undos.preview, call.site.rules, shown.batch, moderator)
        undoing = sealing.sealed(call, seen, moderator)
    return await reply.page(
        call,
        "bulk_result.html",
        moderator=moderator,
        status=201,
        back=form.back,
        progress=progress,
        total=len(shown.members),
        batch=shown.batch,
        preview=form.preview,
        form=form,
        undoing=undoing,
    )


def _preview(
    tx: Transaction, call: Call, action: Action, wanted: Filter | None, marked: list[Seen], moderator: Actor
) -> tuple[Preview, Forecast, bool]:
    seen, is_cut = bulk.matching(tx, call.site.rules, wanted) if wanted is not None else (marked, False)
    return *bulk.preview(tx, call.site.rules, action, seen, moderator), is_cut


def _seen(mark: str) -> Seen:
    comment_id, _, version = mark.partition(":")
    return CommentId(comment_id), int(version)


def _sealed(call: Call, shown: Preview, moderator: Actor) -> str:
    """The preview as text that nobody else can use or make up."""
    members = (f"{comment_id}:{version}" for comment_id, version in shown.members)
    position: Position = (shown.action.value, shown.batch, shown.made_at, *members)
    return str(call.services.cursors.issue(_scope(call, moderator), position))


def _opened(call: Call, sealed: str, moderator: Actor) -> Preview:
    """Raises PreviewExpired for what was not sealed for this moderator of this site."""
    try:
        position = call.services.cursors.read(_scope(call, moderator), sealed)
    except BadCursor:
        raise PreviewExpired from None
    action, batch, made_at, *members = position or ()
    return Preview(
        Action(str(action)), BatchId(str(batch)), int(made_at), tuple(_seen(str(member)) for member in members)
    )


def _scope(call: Call, moderator: Actor) -> str:
    return "\0".join(("bulk", call.site_key, moderator.key))
