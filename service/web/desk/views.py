"""From cases and decisions to what the desk's templates show. Called by the handlers of its pages.

Cards are made in a thread: what an edit changes, and where marks stand, takes long for some texts.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from service.desk import why
from service.desk.cards import Card, State, card
from service.desk.lines import Line, line
from service.model import Actor, Comment, CommentId, Decision, DecisionId, Text
from service.moderation import lifecycle
from service.moderation.cases import Case
from service.moderation.decisions import Ruling
from service.moderation.record import Reasons
from service.reading.show import address_of
from service.web import show
from service.web.call import Call
from service.web.desk import reply


async def card_of(call: Call, case: Case, moderator: Actor, *, state: State = "waiting") -> Card:
    """The card of a case, for this moderator."""
    return await asyncio.to_thread(_card, call, case, moderator, state=state)


async def cards_of(call: Call, cases: Iterable[Case], moderator: Actor, *, says_urgency: bool = False) -> list[Card]:
    """The cards of several. `says_urgency`: by which the page is ordered."""
    return await asyncio.to_thread(lambda: [_card(call, case, moderator, says_urgency=says_urgency) for case in cases])


def _card(call: Call, case: Case, moderator: Actor, *, state: State = "waiting", says_urgency: bool = False) -> Card:
    now = call.services.clock()
    parts = show.priority_parts(case.entry, now) if says_urgency and case.entry else []
    return card(
        case.comment,
        case.author,
        case.post,
        post_url=address_of(call.site, case.post),
        parent=case.parent,
        label=case.label,
        entry=case.entry,
        decision=case.decision,
        allowed=lifecycle.allowed(case.comment),
        moderator=moderator,
        now=now,
        state=state,
        is_ruled=case.is_ruled,
        told=_told(call, case),
        urgency=[(part["code"], part["points"]) for part in parts],
    )


def _told(call: Call, case: Case) -> why.Told | None:
    """What rules said, where that is why it waits or what it is: a human's decision needs no other reason."""
    if case.judgement is None or not (case.entry or case.is_ruled):
        return None
    return why.told(case.judgement, case.comment.newest_text.body, case.list_titles, reply.language_of(call))


def lines_of(
    decisions: Sequence[Decision],
    about: Mapping[CommentId, Comment],
    texts: Mapping[DecisionId, Text] = MappingProxyType({}),
) -> list[Line]:
    """Lines of the record, with the texts that were decided about. What was undone by another one of them knows by
    which."""
    undone = {decision.undoes: decision.id for decision in decisions if decision.undoes}
    return [
        line(decision, about.get(decision.comment_id), undone.get(decision.id), texts.get(decision.id))
        for decision in decisions
    ]


def is_mine_already(standing: Decision, moderator: Actor, ruling: Ruling) -> bool:
    """Whether what stands is this very decision of this moderator, in the same words: the reply to it was lost, or they
    pressed twice."""
    words = Reasons(standing.reason, standing.note, standing.note_to_author)
    stands = (standing.actor.key, standing.action, standing.version, words)
    return stands == (moderator.key, ruling.action, ruling.version, ruling.reasons)
