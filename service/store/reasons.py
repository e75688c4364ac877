"""Queries on the reasons of queue entries: why somebody must look at a comment. Called by `queue`."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter

from sqlalchemy import and_, bindparam, delete, func, select
from sqlalchemy.dialects.sqlite import insert

from service.model import POLICY, PRIORITY, Actor, ActorKind, CommentId, Reason, Why
from service.store.among import each, listed
from service.store.database import Row, Transaction
from service.store.recount import Inspection, Recount, Rule
from service.store.snapshot import Snapshot
from service.store.tables import comments, judgements, queue, reasons

_insert = insert(reasons).values({column.name: bindparam(column.name) for column in reasons.c})
_GIVE = _insert.on_conflict_do_update(
    index_elements=["comment_id", "code", "source"],
    set_={name: _insert.excluded[name] for name in ("source_kind", "source_name", "text", "given_at")},
)
_DROP = delete(reasons).where(reasons.c.comment_id == bindparam("of_comment"), reasons.c.code == bindparam("of_code"))
_listed = each("ids")
_OF_SOME = select(reasons).join_from(_listed, reasons, reasons.c.comment_id == _listed.c.value)
OF_THE_POLICY = frozenset({Why.AWAITING_APPROVAL, Why.HELD, Why.COULD_NOT_JUDGE})
"""What the site's policy says of a comment that comes. Such a reason has no row: the entry's own columns say it all."""


def give(tx: Transaction, comment_id: CommentId, reason: Reason) -> None:
    """One more reason for an entry; of a source that has given one of this code already, the new one stands.

    What the site's policy says is written nowhere but in the entry itself: each submission that waits would pay for it.
    """
    if reason.code in OF_THE_POLICY:
        return
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


def of_each(tx: Transaction, entries: Sequence[Row]) -> dict[CommentId, tuple[Reason, ...]]:
    """The reasons of each of these entries (rows with `comment_id`, `why` and `waiting_since`), strongest first."""
    said = {row["comment_id"]: [_of_policy(code, row) for code in OF_THE_POLICY & _codes(row)] for row in entries}
    if any(_codes(row) - OF_THE_POLICY for row in entries):
        for row in tx.all(_OF_SOME, ids=listed(said)):
            said[row["comment_id"]].append(_reason(row))
    return {comment_id: in_order(given) for comment_id, given in said.items()}


def joined(standing: Iterable[Reason], reason: Reason) -> tuple[Reason, ...]:
    """These reasons and one more, strongest first; it stands in the place of the same source's of the same code."""
    others = (one for one in standing if (one.code, one.source.key) != (reason.code, reason.source.key))
    return in_order([*others, reason])


def summary(codes: Iterable[Why]) -> str:
    """What an entry says of its reasons: each code once, in the order given, with a space on either side."""
    return f" {' '.join(dict.fromkeys(codes))} "


def _codes(entry: Row) -> set[Why]:
    return set(map(Why, entry["why"].split()))


def _of_policy(code: Why, entry: Row) -> Reason:
    """It is given when a comment comes, so the entry knows since when."""
    return Reason(code, POLICY, entry["waiting_since"])


def _reason(row: Row) -> Reason:
    source = Actor(ActorKind(row["source_kind"]), row["source"], row["source_name"])
    return Reason(Why(row["code"]), source, row["given_at"], row["text"])


def in_order(given: Iterable[Reason]) -> tuple[Reason, ...]:
    """The strongest first."""
    return tuple(sorted(given, key=lambda reason: (*_strength(reason.code), reason.at, reason.source.key)))


def _strength(code: Why) -> tuple[int, str]:
    """By this reasons are sorted, strongest first."""
    return -PRIORITY[code], code


# --- What `verify` counts anew ----------------------------------------------------------------------------------------


def _entries(moment: Snapshot) -> Iterator[str]:
    """Entries that have no reason, or say otherwise than their reasons."""
    newest = func.coalesce(comments.c.edit_version, comments.c.text_version)
    judged = and_(judgements.c.comment_id == queue.c.comment_id, judgements.c.text_version == newest)
    joined = (
        queue.outerjoin(reasons, reasons.c.comment_id == queue.c.comment_id)
        .outerjoin(comments, comments.c.id == queue.c.comment_id)
        .outerjoin(judgements, judged)
    )
    added = func.coalesce(judgements.c.priority, 0) + queue.c.of_author
    said = select(queue.c.comment_id, queue.c.why, queue.c.priority, added, reasons.c.code).select_from(joined)
    rows = moment.rows(said.order_by(queue.c.comment_id))
    for (comment_id, why, priority, added), of_one in groupby(rows, itemgetter(0, 1, 2, 3)):
        own = {Why(code) for code in why.split()} & OF_THE_POLICY
        codes = sorted({*own, *(Why(code) for *_, code in of_one if code is not None)}, key=_strength)
        if not codes:
            yield f"queue: the entry of comment {comment_id} has no reason"
        elif summary(codes) != why:
            given = summary(codes).strip()
            yield f"queue.why: the entry of comment {comment_id} says '{why.strip()}', its reasons are '{given}'"
        elif priority != PRIORITY[codes[0]] + added:
            strongest = PRIORITY[codes[0]] + added
            given = f"its reasons, rules and author {strongest}"
            yield f"queue.priority: the entry of comment {comment_id} has {priority}, {given}"


def _says(*codes: Why) -> str:
    """SQL: the entry `q` has one of these reasons."""
    return "(" + " OR ".join(f"q.why LIKE '% {code} %'" for code in codes) + ")"


_PENDING, _EDITED = _says(*sorted(OF_THE_POLICY), Why.RESTORED, Why.IMPORTED), _says(Why.EDITED)
RULES: Sequence[Rule] = [
    Inspection("queue.why", _entries),
    Recount(
        "reasons without a cause",
        f"""SELECT q.comment_id, c.status, trim(q.why) FROM queue AS q JOIN comments AS c ON c.id = q.comment_id
            WHERE ({_PENDING} AND c.status <> 'pending') OR ({_EDITED} AND c.edit_body IS NULL)
            ORDER BY q.comment_id""",  # noqa: S608
        "reasons: comment {0} is in the queue as '{2}', but it is {1} and has no such text",
    ),
    Recount(
        "comments without a reason",
        f"""SELECT c.id, c.status FROM comments AS c LEFT JOIN queue AS q ON q.comment_id = c.id
            WHERE (c.status = 'pending' AND (q.why IS NULL OR NOT {_PENDING}))
              OR (c.edit_body IS NOT NULL AND (q.why IS NULL OR NOT {_EDITED})) ORDER BY c.id""",  # noqa: S608
        "queue: comment {0} ({1}) waits for a moderator, and no reason says so",
    ),
]
