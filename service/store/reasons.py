"""Queries on the reasons of queue entries: why somebody must look at a comment. Called by `queue`."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter

from sqlalchemy import bindparam, delete, select
from sqlalchemy.dialects.postgresql import insert

from service.model import PRIORITY, Actor, ActorKind, CommentId, Reason, Why
from service.store.among import each, listed
from service.store.database import Row, Transaction
from service.store.recount import Inspection, Recount, Rule
from service.store.snapshot import Snapshot
from service.store.tables import queue, reasons

_insert = insert(reasons).values({column.name: bindparam(column.name) for column in reasons.c})
_GIVE = _insert.on_conflict_do_update(
    index_elements=["comment_id", "code", "source"],
    set_={name: _insert.excluded[name] for name in ("source_kind", "source_name", "text", "given_at")},
)
_DROP = delete(reasons).where(reasons.c.comment_id == bindparam("of_comment"), reasons.c.code == bindparam("of_code"))
_listed = each("ids")
_OF_SOME = select(reasons).join_from(_listed, reasons, reasons.c.comment_id == _listed.c.value)
_OF_ONE = select(reasons).where(reasons.c.comment_id == bindparam("comment_id"))


def give(tx: Transaction, comment_id: CommentId, reason: Reason) -> None:
    """One more reason for an entry; of a source that has given one of this code already, the new one stands."""
    tx.run(
        _GIVE,
        comment_id=comment_id,
        code=reason.code.value,
        source=reason.source.key,
        source_kind=reason.source.kind.value,
        source_name=reason.source.name,
        text=reason.text,
        given_at=reason.at,
    )


def drop(tx: Transaction, comment_id: CommentId, code: Why) -> None:
    """No source gives this reason any more."""
    tx.run(_DROP, of_comment=comment_id, of_code=code.value)


def of(tx: Transaction, comment_id: CommentId) -> tuple[Reason, ...]:
    """The reasons of one entry, strongest first; none where the comment is not in the queue."""
    return _in_order(tx.all(_OF_ONE, comment_id=comment_id))


def of_each(tx: Transaction, ids: Iterable[CommentId]) -> dict[CommentId, tuple[Reason, ...]]:
    """The reasons of each of these entries, strongest first."""
    wanted = listed(ids)
    rows = sorted(tx.all(_OF_SOME, ids=wanted), key=itemgetter("comment_id"))
    return {comment_id: _in_order(of_one) for comment_id, of_one in groupby(rows, itemgetter("comment_id"))}


def summary(codes: Iterable[Why]) -> str:
    """What an entry says of its reasons: each code once, in the order given, with a space on either side."""
    return f" {' '.join(dict.fromkeys(codes))} "


def _in_order(rows: Iterable[Row]) -> tuple[Reason, ...]:
    found = [
        Reason(
            Why(row["code"]),
            Actor(ActorKind(row["source_kind"]), row["source"], row["source_name"]),
            row["given_at"],
            row["text"],
        )
        for row in rows
    ]
    return tuple(sorted(found, key=lambda reason: (*_strength(reason.code), reason.at, reason.source.key)))


def _strength(code: Why) -> tuple[int, str]:
    """By this reasons are sorted, strongest first."""
    return -PRIORITY[code], code


# --- What `verify` counts anew ----------------------------------------------------------------------------------------


def _entries(moment: Snapshot) -> Iterator[str]:
    """Entries that have no reason, or say otherwise than their reasons."""
    joined = queue.outerjoin(reasons, reasons.c.comment_id == queue.c.comment_id)
    said = select(queue.c.comment_id, queue.c.why, queue.c.priority, reasons.c.code).select_from(joined)
    rows = moment.rows(said.order_by(queue.c.comment_id))
    for (comment_id, why, priority), of_one in groupby(rows, itemgetter(0, 1, 2)):
        codes = sorted((Why(code) for *_, code in of_one if code is not None), key=_strength)
        if not codes:
            yield f"queue: the entry of comment {comment_id} has no reason"
        elif summary(codes) != why:
            given = summary(codes).strip()
            yield f"queue.why: the entry of comment {comment_id} says '{why.strip()}', its reasons are '{given}'"
        elif priority != PRIORITY[codes[0]]:
            strongest = PRIORITY[codes[0]]
            yield f"queue.priority: the entry of comment {comment_id} has {priority}, its strongest reason {strongest}"


RULES: Sequence[Rule] = [
    Inspection("queue.why", _entries),
    Recount(
        "reasons without a cause",
        """SELECT r.comment_id, c.status, r.code FROM reasons AS r JOIN comments AS c ON c.id = r.comment_id
           WHERE (r.code IN ('awaiting-approval', 'held', 'could-not-judge', 'restored') AND c.status <> 'pending')
             OR (r.code = 'edited' AND c.edit_body IS NULL) ORDER BY r.comment_id, r.code, r.source""",
        "reasons: comment {0} is in the queue as '{2}', but it is {1} and has no such text",
    ),
    Recount(
        "comments without a reason",
        """SELECT c.id, c.status FROM comments AS c WHERE
             (c.status = 'pending' AND NOT EXISTS (SELECT 1 FROM reasons AS r
               WHERE r.comment_id = c.id AND r.code IN ('awaiting-approval', 'held', 'could-not-judge', 'restored')))
             OR (c.edit_body IS NOT NULL AND NOT EXISTS (SELECT 1 FROM reasons AS r
               WHERE r.comment_id = c.id AND r.code = 'edited')) ORDER BY c.id""",
        "queue: comment {0} ({1}) waits for a moderator, and no reason says so",
    ),
]
