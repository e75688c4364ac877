"""Moderators' calls that take back what one call decided. The first line of each asks for the permission."""

from service.errors import BadCursor, PreviewExpired
from service.model import Actor, BatchId
from service.moderation import undos
from service.moderation.undos import Preview
from service.reading.show import timestamp
from service.web import incoming, outgoing_undos
from service.web.call import Call, Reply
from service.web.cursors import Position


# POST /v1/sites/{site}/undos/previews
async def preview_undo(call: Call, body: incoming.UndoPreview) -> Reply[outgoing_undos.UndoPreviewReply]:
    """What undoing a batch would change now. Nothing is changed; `POST .../undos` carries it out."""
    moderator = await call.moderator()
    shown, forecast = await call.database.bulk.read(undos.preview, call.site.rules, BatchId(body.batch), moderator)
    return Reply(
        {
            "preview": sealed(call, shown, moderator),
            "expires_at": timestamp(shown.good_until),
            "would_change": forecast.would_change,
            "stays": [{"why": why.value, "count": count} for why, count in sorted(forecast.stays.items())],
            "by_action": {action.value: count for action, count in sorted(forecast.by_action.items())},
            "examples": list(forecast.examples),
        }
    )


# POST /v1/sites/{site}/undos
async def undo_batch(call: Call, body: incoming.UndoRequest) -> Reply[outgoing_undos.UndoReply]:
    """Undo what the preview showed, up to 500 decisions; the same call goes on until `remaining` is 0.

    What has changed since the preview stays, and is named. The undos are a batch, which can be undone as well.
    """
    moderator = await call.moderator()
    shown = opened(call, body.preview, moderator)
    undone = await undos.undo(call.database, call.site.rules, shown, moderator, note=body.note)
    for decision in undone.decisions:
        call.services.metrics.decisions.labels(call.site_key, decision.action).inc()
    return Reply(
        {
            "batch": shown.undoing,
            "undone": undone.number,
            "stayed": [{"comment_id": comment_id, "why": why.value} for comment_id, why in undone.stayed],
            "remaining": undone.remaining,
        },
        201,
    )


def sealed(call: Call, shown: Preview, moderator: Actor) -> str:
    """The preview as text that nobody else can use or make up."""
    position: Position = (shown.batch, shown.undoing, shown.last_seq, shown.made_at, *sorted(shown.held))
    return str(call.services.cursors.issue(_scope(call, moderator), position))


def opened(call: Call, sealed: str, moderator: Actor) -> Preview:
    """Raises PreviewExpired for what was not sealed for this moderator of this site."""
    try:
        position = call.services.cursors.read(_scope(call, moderator), sealed)
    except BadCursor:
        raise PreviewExpired from None
    if position is None:
        raise PreviewExpired
    batch, undoing, last_seq, made_at, *held = position
    return Preview(BatchId(str(batch)), BatchId(str(undoing)), int(last_seq), int(made_at), frozenset(map(int, held)))


def _scope(call: Call, moderator: Actor) -> str:
    return "\0".join(("undo", call.site_key, moderator.key))
