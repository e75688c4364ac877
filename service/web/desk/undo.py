"""Taking a batch back at the desk: first a page that says what that would change, then exactly this, in pieces."""

from aiohttp import web

from service.model import Actor, BatchId
from service.moderation import undos
from service.web.call import Call
from service.web.desk import forms, reply
from service.web.undos import opened, sealed


async def undo_many(call: Call, form: forms.UndoForm, moderator: Actor) -> web.Response:
    """Show what undoing a batch would change, or carry out a preview: up to 500 decisions, as often as is needed."""
    if form.batch is not None:
        shown, forecast = await call.database.bulk.read(undos.preview, call.site.rules, BatchId(form.batch), moderator)
        return await reply.page(
            call,
            "undo.html",
            moderator=moderator,
            back=form.back,
            preview=sealed(call, shown, moderator),
            forecast=forecast,
            undone=None,
        )
    preview = form.preview or ""
    shown = opened(call, preview, moderator)
    undone = await undos.undo(call.database, call.site.rules, shown, moderator, note=None)
    for decision in undone.decisions:
        call.services.metrics.decisions.labels(call.site_key, decision.action).inc()
    return await reply.page(
        call,
        "undo.html",
        moderator=moderator,
        status=201,
        back=form.back,
        preview=preview,
        undone=undone,
        batch=shown.undoing,
        forecast=None,
    )
