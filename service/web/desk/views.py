"""From cases and decisions to what the desk's templates show. Called by the handlers of its pages."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from service.desk.cards import Card, State, card
from service.desk.lines import Line, line
from service.model import Action, Actor, Comment, CommentId, Decision, DecisionId, Text
from service.moderation import lifecycle
from service.moderation.cases import Case
from service.reading.show import address_of
from service.web.call import Call


def card_of(call: Call, case: Case, moderator: Actor, *, state: State = "waiting") -> Card:
    """The card of a case, for this moderator."""
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
        now=call.services.clock(),
        state=state,
    )


def cards_of(call: Call, cases: Iterable[Case], moderator: Actor) -> list[Card]:
    """The cards of several."""
    return [card_of(call, case, moderator) for case in cases]


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


def is_mine_already(decision: object, moderator: Actor, action: Action, version: int) -> bool:
    """Whether what stands is this very decision of this moderator: the reply to it was lost, or they pressed twice."""
    return (
        isinstance(decision, Decision)
        and decision.actor.key == moderator.key
        and decision.action is action
        and decision.version == version
    )
