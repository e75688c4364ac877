"""Brings comments of another system here. Called by `transfer` in slices, each a transaction; `unimporting` takes back.

What was brought before is left alone, so an import can be run again. The record says of each comment why it has the
status that it has. Readers see pages and counts at once; one event for each post of a slice says so, and nobody is told
of each comment.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from service.model import (
    FOREVER,
    GATEPOST,
    Action,
    Actor,
    ActorKind,
    AuthorKey,
    CommentId,
    Decision,
    DecisionId,
    Identity,
    Milliseconds,
    PostKey,
    Reason,
    Status,
    Text,
    Why,
)
from service.moderation import arriving, publication, record, restoring
from service.moderation.arriving import Arrival, Import, digest_of, id_of
from service.moderation.paths import CODE_LENGTH
from service.store import comments, earlier, events, imports, posts, queue
from service.store.database import Transaction
from service.store.imports import Elsewhere, Known, Origin
from service.store.staged import Staged
from service.text.render import RENDERER_VERSION

ACTION_OF: Final = {
    Status.PENDING: Action.HOLD,
    Status.APPROVED: Action.APPROVE,
    Status.REJECTED: Action.REJECT,
    Status.SPAM: Action.SPAM,
    Status.DELETED: Action.DELETE,
}
_REFUSED: Final = (Status.REJECTED, Status.SPAM)


@dataclass(frozen=True, slots=True)
class Brought:
    """What became of a slice: comments that came, that came anew, that stayed since somebody decided here, and those
    that were there already."""

    new: int = 0
    updated: int = 0
    kept: int = 0
    known: int = 0


@dataclass(slots=True)
class _OfAuthor:
    """What a slice brings of one person."""

    identity: Identity
    since: Milliseconds
    banned_until: Milliseconds | None
    by_status: Counter[Status] = field(default_factory=Counter)


def bring(tx: Transaction, order: Import, slice_: Sequence[Staged]) -> Brought:
    """Write a slice of an import. Comments come behind those that they answer, post by post.

    It may be asked again where the first answer did not come in time: what stands by then counts as new.
    """
    known = arriving.known(tx, order, [one.identity for one in slice_])
    fresh = [one for one in slice_ if one.identity not in known]
    if fresh:
        _write(tx, order, fresh)
    changed = [
        one for one in slice_ if one.identity in known and known[one.identity].digest not in {None, digest_of(one)}
    ]
    updated = sum(_bring_anew(tx, order, one, known[one.identity]) for one in changed) if order.updates else 0
    kept = len(changed) - updated if order.updates else 0
    just_now = sum(one.batch == order.batch for one in known.values())
    return Brought(len(fresh) + just_now, updated, kept, len(known) - just_now - updated - kept)


def _write(tx: Transaction, order: Import, fresh: Sequence[Staged]) -> None:
    made = arriving.placed(tx, order, fresh)
    _count_replies(made)
    _add_authors(tx, made)
    imports.add_comments(tx, [_row(one) for one in made])
    imports.add_decisions(tx, _record(tx, order, made) if order.people is None else _past(tx, order, made))
    imports.add(
        tx,
        [_origin(order, one) for one in made],
        [
            (one.comment.id, one.staged.original_format or "", one.staged.original)
            for one in made
            if one.staged.original is not None
        ],
    )
    of_post: dict[PostKey, list[Arrival]] = {}
    for one in made:
        earlier.came(tx, one.comment)
        of_post.setdefault(one.comment.post, []).append(one)
    for post, here in of_post.items():
        if order.people is not None:
            restoring.call_post(tx, order.site.key, post)
        _show(tx, order, post, here)


def _row(one: Arrival) -> Elsewhere:
    shown_at = one.comment.published_at if one.whole is None else one.whole["shown_at"]
    return Elsewhere(one.comment, one.comment.path[:CODE_LENGTH], shown_at, one.staged.anchor)


def _past(tx: Transaction, order: Import, made: Sequence[Arrival]) -> list[tuple[Decision, str | None]]:
    """What a lossless export knows: every line of the record. The rest of it is put back."""
    key_of = restoring.keys(tx, order.site.key, order.people or {})
    lines = []
    for one in made:
        if one.whole is not None:
            restoring.put_past(tx, one.comment, one.whole, order.batch)
            lines += restoring.record_of(one.comment, one.whole, key_of, length=order.length)
    return lines


def _count_replies(made: list[Arrival]) -> None:
    """Say of each which replies of this slice stand below it. Answers come behind what they answer."""
    here = {one.comment.id: one for one in made}
    for one in reversed(made):
        one.listed = publication.is_public(one.comment) or one.replies > 0
        if one.replies:
            one.comment = replace(one.comment, reply_count=one.replies, listed=one.listed)
        if one.listed and one.above in here:
            here[one.above].replies += 1


def _add_authors(tx: Transaction, made: Sequence[Arrival]) -> None:
    people: dict[AuthorKey, _OfAuthor] = {}
    for one in made:
        person = people.setdefault(one.comment.author_key, _OfAuthor(one.identity, FOREVER, one.staged.banned_until))
        if one.whole is None:
            person.since = min(person.since, one.comment.created_at)
        person.by_status[one.comment.status] += 1
    imports.met(
        tx,
        [
            (
                person.identity,
                key,
                person.since,
                person.by_status[Status.APPROVED],
                sum(person.by_status[status] for status in _REFUSED),
                person.banned_until,
            )
            for key, person in people.items()
        ],
    )


def _record(tx: Transaction, order: Import, made: Sequence[Arrival]) -> list[tuple[Decision, str | None]]:
    """A line for each, which says where its status comes from. Nothing takes it back: what was before is not known."""
    lowest = imports.lowest_number(tx, order.site.key)
    lines = [
        Decision(
            id=DecisionId(id_of(one.comment.created_at, order.site.key, order.source, one.staged.identity, "decision")),
            site=order.site.key,
            seq=lowest - number,
            comment_id=one.comment.id,
            action=ACTION_OF[one.comment.status],
            from_status=None,
            to_status=one.comment.status,
            version=one.comment.version,
            actor=GATEPOST,
            reason=f"imported from {order.source}",
            note=None,
            note_to_author=None,
            undoes=None,
            created_at=one.comment.created_at,
        )
        for number, one in enumerate(made, start=1)
    ]
    return [(line, None) for line in lines]


def _origin(order: Import, one: Arrival) -> Origin:
    comment = one.comment
    return Origin(
        order.site.key,
        order.source,
        one.staged.identity,
        comment.id,
        order.batch,
        digest_of(one.staged),
        comment.version,
    )


def _show(tx: Transaction, order: Import, post: PostKey, made: Sequence[Arrival]) -> None:
    """Carry what came to one post to its readers and to moderators."""
    here = {one.comment.id for one in made}
    below: Counter[CommentId] = Counter(
        one.above for one in made if one.listed and one.above is not None and one.above not in here
    )
    for comment_id, number in below.items():
        publication.replies_listed(tx, comment_id, number)
    waiting = [one.comment for one in made if one.comment.status is Status.PENDING]
    reason = Reason(Why.IMPORTED, GATEPOST, tx.now)
    more_waiting = sum(queue.put(tx, comment, reason) for comment in waiting)
    edited = [one.comment for one in made if one.comment.pending_edit is not None]
    for comment in edited:
        author = Actor(ActorKind.AUTHOR, comment.author_key, comment.author.name)
        more_waiting += queue.put(tx, comment, Reason(Why.EDITED, author, tx.now))
    waiting += edited
    approved = sum(publication.is_public(one.comment) for one in made)
    revision = posts.show_change(tx, order.site.key, post, delta=approved) if approved else None
    events.append(
        tx,
        order.site.key,
        events.IMPORTED,
        GATEPOST,
        post=post,
        post_revision=revision,
        about={"batch": order.batch, "number": len(made), "waiting": [comment.id for comment in waiting]},
        more_waiting=more_waiting,
    )


def _bring_anew(tx: Transaction, order: Import, staged: Staged, known: Known) -> bool:
    """Give a comment the text and the status that it has in its file now. False where somebody decided here since."""
    before = comments.get_to_change(tx, order.site.key, known.comment_id)
    if before is None or before.version != known.version:
        return False
    status, version = Status(staged.status), before.version + 1
    text = before.text
    if staged.body != text.body:
        text = Text(staged.body, staged.html, RENDERER_VERSION, version, staged.edited_at or tx.now)
    after = replace(before, status=status, version=version, text=text)
    if publication.publishes(before, after) and before.published_at is None:
        after = replace(after, published_at=before.created_at)
    after = replace(after, listed=record.listed(after))
    entry = queue.get(tx, before.id)
    if status is Status.PENDING:
        more_waiting = queue.put(tx, after, Reason(Why.IMPORTED, GATEPOST, tx.now))
    else:
        more_waiting = queue.take_out(tx, before.id)
    record.decide(
        tx,
        before,
        after,
        action=ACTION_OF[status],
        actor=GATEPOST,
        reasons=record.Reasons(f"imported from {order.source} once more"),
        entry=entry,
        more_waiting=more_waiting,
    )
    original = (staged.original_format or "", staged.original) if staged.original is not None else None
    imports.renew(tx, before.id, digest=digest_of(staged), version=version, original=original)
    return True
