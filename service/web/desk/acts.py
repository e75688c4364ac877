"""What a button of a card does: decide, undo, take from the queue and give back."""

from typing import Final

from aiohttp import web

from service.desk.cards import State
from service.desk.rendering import query as with_query
from service.errors import AlreadyDecided, IllegalTransition, NewerDecision, Problem, StaleVersion
from service.model import Action, Actor, Comment, CommentId, Decision, DecisionId
from service.moderation import cases, decisions, queue
from service.moderation.cases import Case
from service.moderation.decisions import Ruling
from service.moderation.record import Reasons
from service.reading.show import timestamp
from service.store.database import Transaction
from service.web.call import Call
from service.web.desk import forms, reply, views
from service.web.desk.queue import PAGE_SIZE, filters_of
from service.web.desk.session import sender_of
from service.web.desk.undo import undo_many
from service.web.queue import filter_of, lane_of

LEASE_SECONDS: Final = 600
CONFLICTS: Final = (AlreadyDecided, IllegalTransition, NewerDecision, StaleVersion)


# POST /desk/{site}/decide
async def decide(call: Call, form: forms.DecideForm) -> web.Response:
    """Decide about the version that the card showed."""
    moderator = await sender_of(call, form.csrf)
    reasons = Reasons(form.reason, form.note, form.note_to_author)
    ruling = Ruling(CommentId(form.comment), Action(form.action), form.version, reasons)
    try:
        decision, _ = await call.database.write(decisions.decide, call.site.rules, ruling, moderator)
    except CONFLICTS as problem:
        standing = problem.members.get("decision")
        if isinstance(standing, Decision) and views.is_mine_already(standing, moderator, ruling):
            return await _done(call, form, standing, moderator)
        return await _conflict(call, form, CommentId(form.comment), problem, moderator)
    call.services.metrics.decisions.labels(call.site_key, decision.action).inc()
    return await _done(call, form, decision, moderator)


# POST /desk/{site}/undo
async def undo(call: Call, form: forms.UndoForm) -> web.Response:
    """Take back a decision; or show what taking back a batch would change, and then do that."""
    moderator = await sender_of(call, form.csrf)
    if form.decision is None:
        return await undo_many(call, form, moderator)
    decision_id = DecisionId(form.decision)
    try:
        decision, _ = await call.database.write(decisions.undo, call.site.rules, decision_id, moderator)
    except CONFLICTS as problem:
        comment = _comment_in(problem)
        standing = problem.members.get("decision")
        if isinstance(standing, Decision) and standing.undoes == decision_id and standing.actor.key == moderator.key:
            return await _undone(call, form, standing, moderator)
        return await _conflict(call, form, comment.id, problem, moderator)
    call.services.metrics.decisions.labels(call.site_key, decision.action).inc()
    return await _undone(call, form, decision, moderator)


# POST /desk/{site}/claims
async def change_claims(call: Call, form: forms.ClaimsForm) -> web.Response:
    """Take the next entries, hold some for longer, or give back what I hold."""
    moderator = await sender_of(call, form.csrf)
    ids = [CommentId(comment_id) for comment_id in form.comment]
    handed: list[Case] = []
    until = None
    if form.do == "take":
        wanted = filter_of(form)
        handed, until = await lane_of(call, wanted).write(
            queue.claim,
            call.site.rules,
            moderator,
            limit=PAGE_SIZE,
            lease_seconds=LEASE_SECONDS,
            wanted=wanted,
            by_priority=form.order == "priority",
        )
    elif form.do == "renew":
        handed, until = await call.database.write(
            queue.claim_these, call.site.rules, moderator, ids, lease_seconds=LEASE_SECONDS
        )
    else:
        await call.database.write(queue.release, call.site_key, moderator, ids or None)
    if not reply.wants_part(call):
        claimed = "mine" if form.do == "take" else None
        return reply.go_back(call, with_query("", **{**filters_of(form), "claimed": claimed}))
    return await reply.page(
        call,
        "claimed.html",
        moderator=moderator,
        back=form.back,
        cards=await views.cards_of(call, handed, moderator),
        is_renewed=form.do == "renew",
        until=timestamp(until) if until else None,
        marks=True,
    )


async def _done(call: Call, form: forms.Form, decision: Decision, moderator: Actor) -> web.Response:
    if not reply.wants_part(call):
        return reply.go_back(call, form.back, done=decision.id)
    return await _made(call, form, decision, moderator, state="decided")


async def _undone(call: Call, form: forms.Form, decision: Decision, moderator: Actor) -> web.Response:
    """The card opens again. Whoever works on what they hold holds it again."""
    if "claimed=mine" in form.back:
        await call.database.write(
            queue.claim_these, call.site.rules, moderator, [decision.comment_id], lease_seconds=LEASE_SECONDS
        )
    if not reply.wants_part(call):
        return reply.go_back(call, form.back, done=decision.id)
    return await _made(call, form, decision, moderator, state="waiting")


async def _made(call: Call, form: forms.Form, decision: Decision, moderator: Actor, *, state: State) -> web.Response:
    """The card behind a decision of this moderator; a conflict, where somebody has decided again by now."""
    case = await call.database.read(_case, call, decision.comment_id)
    if case.decision is None or case.decision.id != decision.id:
        return await _conflict(call, form, decision.comment_id, NewerDecision(), moderator)
    return await _card(call, form, case, moderator, status=201, state=state)


async def _conflict(
    call: Call, form: forms.Form, comment_id: CommentId, problem: Problem, moderator: Actor
) -> web.Response:
    """The card as it stands now, and what has happened to it."""
    call.services.metrics.problems.labels(problem.code).inc()
    case = await call.database.read(_case, call, comment_id)
    return await _card(call, form, case, moderator, status=problem.status, state="conflict", conflict=problem.code)


async def _card(
    call: Call,
    form: forms.Form,
    case: Case,
    moderator: Actor,
    *,
    status: int,
    state: State,
    conflict: str | None = None,
) -> web.Response:
    part = reply.wants_part(call)
    return await reply.page(
        call,
        "card.html" if part else "conflict.html",
        moderator=moderator,
        status=status,
        back=form.back,
        card=await views.card_of(call, case, moderator, state=state),
        conflict=conflict,
        marks=part,
    )


def _case(tx: Transaction, call: Call, comment_id: CommentId) -> Case:
    """Raises UnknownComment."""
    return cases.of_one(tx, call.site.rules, comment_id)


def _comment_in(problem: Problem) -> Comment:
    comment = problem.members.get("comment")
    if not isinstance(comment, Comment):
        raise problem
    return comment
