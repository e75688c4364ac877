"""What puts a comment into the queue and what takes it out: which reasons each verb gives, and which it answers.

A comment is in the queue for as long as it has a reason, whatever its status: what readers see can be there as well.
Called by the verbs that change comments, inside their transactions. Each says by how many the queue grew or (below 0)
shrank: with the event of the change the site's entries are counted (`store/events.append`).
"""

from collections.abc import Mapping
from typing import Any

from service.model import (
    POLICY,
    Action,
    Actor,
    ActorKind,
    Comment,
    Decision,
    Milliseconds,
    QueueEntry,
    Reason,
    Status,
    Why,
)
from service.store import queue
from service.store.database import Transaction

_ALL = frozenset(Why)
ANSWERED: dict[Action, frozenset[Why]] = {
    Action.APPROVE: _ALL,
    Action.REJECT: _ALL,
    Action.SPAM: _ALL,
    Action.DELETE: _ALL,
    Action.WITHDRAW: _ALL,
    Action.DISCARD_EDIT: frozenset({Why.EDITED}),
    Action.RESTORE: frozenset(),
}
"""Which reasons a decision answers: the others stay. Who judges the comment as it stands has seen them all."""
OF_A_STATE = frozenset({Why.AWAITING_APPROVAL, Why.HELD, Why.COULD_NOT_JUDGE, Why.RESTORED, Why.EDITED, Why.IMPORTED})
"""Reasons that say how a comment stands: it is pending, or an edit of it waits. They end with that, and only then."""
_UNKNOWN = Actor(ActorKind.SYSTEM, "unknown", "An older release did not keep who it was")


def submitted(tx: Transaction, comment: Comment, why: Why, of_rules: int, of_author: int) -> int:
    """A new comment: where the site's policy holds it back, somebody must look. `why` is what it says then, `of_rules`
    and `of_author` what its rules and who wrote it add to the priority."""
    if comment.status is not Status.PENDING:
        return 0
    return queue.add(tx, comment, Reason(why, POLICY, tx.now), of_rules=of_rules, of_author=of_author)


def edited(tx: Transaction, before: Comment, after: Comment, author: Actor, why: Why, of_rules: int) -> int:
    """A new text, which the policy has judged. What was said of the text that it replaces ends; what else there is to
    look at stays."""
    if after.pending_edit is not None:
        return queue.put(tx, after, Reason(Why.EDITED, author, tx.now), of_rules=of_rules)
    if before.pending_edit is not None:  # published at once, over one that waited from when the site was stricter
        return queue.settle(tx, after, {Why.EDITED})
    if after.status is Status.PENDING and before.status is not Status.PENDING:
        return queue.put(tx, after, Reason(why, POLICY, tx.now), of_rules=of_rules)
    if after.status is Status.PENDING:
        queue.judged_again(tx, after, why, of_rules)
    elif before.status is Status.PENDING:
        return queue.settle(tx, after, OF_A_STATE)
    queue.put_text(tx, after)
    return 0


def decided(tx: Transaction, after: Comment, entry: QueueEntry | None, action: Action, actor: Actor) -> int:
    """A decision about a comment that had `entry`."""
    if action is Action.RESTORE:
        return put_back(tx, after, actor)
    if entry is None:
        return 0
    if set(entry.why) <= ANSWERED[action]:
        return queue.take_out(tx, after.id)
    return queue.settle(tx, after, ANSWERED[action])


def put_back(tx: Transaction, after: Comment, actor: Actor) -> int:
    """What the policy had decided alone waits now, because a moderator wants that; an edit of it waits no more by
    itself."""
    settled = queue.settle(tx, after, {Why.EDITED})
    return settled + queue.put(tx, after, Reason(Why.RESTORED, actor, tx.now))


def undone(
    tx: Transaction, after: Comment, entry: QueueEntry | None, decision: Decision, was: Mapping[str, Any] | None
) -> int:
    """`decision` is taken back: every reason that stood before it (`was`) stands again, where it stood.

    So do reasons that others have given since; the decision's own go. `entry` is what there is now.
    """
    since = [
        reason
        for reason in (entry.reasons if entry else ())
        if reason.at >= decision.created_at and reason.code not in OF_A_STATE
    ]
    more_waiting = queue.take_out(tx, after.id)
    given, waiting_since = _given(after, was) if was else ([], min((reason.at for reason in since), default=tx.now))
    of_author = was.get("of_author", 0) if was else None
    for reason in [*given, *since]:
        more_waiting += queue.put(tx, after, reason, waiting_since=waiting_since, of_author=of_author)
    return more_waiting


def to_record(entry: QueueEntry | None) -> Mapping[str, object] | None:
    """An entry as the record keeps it for undo."""
    if entry is None:
        return None
    kept = {"waiting_since": entry.waiting_since, "reasons": [_to_record(reason) for reason in entry.reasons]}
    return {**kept, "of_author": entry.of_author} if entry.of_author else kept


def _to_record(reason: Reason) -> Mapping[str, object]:
    source = {"kind": reason.source.kind, "key": reason.source.key, "name": reason.source.name}
    return {"code": reason.code, "from": source, "at": reason.at, "text": reason.text}


def _given(comment: Comment, was: Mapping[str, Any]) -> tuple[list[Reason], Milliseconds]:
    """The reasons in a line of the record, and since when the comment waited; an older release kept only the codes."""
    waiting_since = was["waiting_since"]
    if "reasons" not in was:
        return [
            Reason(Why(code), _likely_source(comment, Why(code)), waiting_since) for code in was["why"]
        ], waiting_since
    given = [
        Reason(
            Why(reason["code"]),
            Actor(ActorKind(reason["from"]["kind"]), reason["from"]["key"], reason["from"]["name"]),
            reason["at"],
            reason["text"],
        )
        for reason in was["reasons"]
    ]
    return given, waiting_since


def _likely_source(comment: Comment, code: Why) -> Actor:
    """Whoever gives reasons of this code."""
    match code:
        case Why.AWAITING_APPROVAL | Why.HELD | Why.COULD_NOT_JUDGE:
            return POLICY
        case Why.EDITED:
            return Actor(ActorKind.AUTHOR, comment.author_key, comment.author.name)
        case _:
            return _UNKNOWN
