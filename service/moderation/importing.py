"""Brings comments of another system here, and takes an import back. Called by `transfer` in slices, each a transaction.

A comment is known by its site, source and the id that it has there: brought again it is left alone. Its own id and that
of its line in the record are made of these and of its time, so whoever is interrupted and begins again ends with the
same as who was not. The record says of each comment why it has the status it has. Readers see pages and counts at once;
one event for each post of a slice says so, so nobody is told of each comment.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from service.auth.login import author_key
from service.model import (
    GATEPOST,
    Action,
    AuthorKey,
    BatchId,
    Comment,
    CommentId,
    Decision,
    DecisionId,
    Identity,
    Label,
    Milliseconds,
    PostKey,
    Profile,
    Reason,
    SiteRules,
    Status,
    Text,
    Why,
)
from service.moderation import publication, record
from service.moderation.desk_sessions import AUTHOR_KEY
from service.moderation.submissions import CODE_LENGTH, code_of, stem_below
from service.store import comments, events, imports, posts, queue, secrets
from service.store.database import Transaction
from service.store.imports import Known, Origin, Place
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
class Import:
    """One import: to which site, from which source, as which batch. `login` is the namespace in which the source's ids
    of users are those of people of the blog; None: they are nobody here. `updates`: what is known is brought anew."""

    site: SiteRules
    source: str
    batch: BatchId
    login: str | None = None
    updates: bool = False


@dataclass(frozen=True, slots=True)
class Brought:
    """What became of a slice: comments that came, that came anew, that stayed since somebody decided here, and those
    that were there already."""

    new: int = 0
    updated: int = 0
    kept: int = 0
    known: int = 0


@dataclass(slots=True)
class _One:
    """A comment on its way into the store."""

    staged: Staged
    comment: Comment
    identity: Identity
    above: CommentId | None
    replies: int = 0
    listed: bool = False


@dataclass(slots=True)
class _OfAuthor:
    """What a slice brings of one person."""

    identity: Identity
    since: Milliseconds
    by_status: Counter[Status] = field(default_factory=Counter)


def id_of(moment: Milliseconds, *parts: str) -> str:
    """An id in the form of a UUIDv7 (RFC 9562): the time, and instead of chance a hash of what it names."""
    drawn = int.from_bytes(hashlib.sha256("\0".join(parts).encode()).digest()[:10])
    number = moment << 80 | 7 << 76 | (drawn >> 68 & 0xFFF) << 64 | 2 << 62 | drawn & (1 << 62) - 1
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def bring(tx: Transaction, order: Import, slice_: Sequence[Staged]) -> Brought:
    """Write a slice of an import. Comments come behind those that they answer, post by post."""
    known = imports.known(tx, order.site.key, order.source, [one.identity for one in slice_])
    fresh = [one for one in slice_ if one.identity not in known]
    if fresh:
        _write(tx, order, fresh)
    updated = kept = 0
    for one in slice_ if order.updates else ():
        if one.identity in known and known[one.identity].digest != _digest(one):
            is_new = _bring_anew(tx, order, one, known[one.identity])
            updated, kept = updated + is_new, kept + (not is_new)
    return Brought(len(fresh), updated, kept, len(known) - updated - kept)


# --- New ones ---------------------------------------------------------------------------------------------------------


def _write(tx: Transaction, order: Import, fresh: Sequence[Staged]) -> None:
    made = _placed(tx, order, fresh)
    _count_replies(made)
    _add_authors(tx, made)
    comments.add_many(tx, [(one.comment, one.comment.path[:CODE_LENGTH], one.staged.anchor) for one in made])
    imports.add_decisions(tx, _record(tx, order, made))
    imports.add(
        tx,
        [_origin(order, one) for one in made],
        [
            (one.comment.id, one.staged.original_format or "", one.staged.original)
            for one in made
            if one.staged.original is not None
        ],
    )
    for post in dict.fromkeys(one.comment.post for one in made):
        _show(tx, order, post, [one for one in made if one.comment.post == post])


def _placed(tx: Transaction, order: Import, fresh: Sequence[Staged]) -> list[_One]:
    """The comments with their places in their threads, in the same order."""
    ids = {one.identity: _id(order, one) for one in fresh}
    parents = _answered(tx, order, fresh, ids)
    places = imports.places(tx, order.site.key, set(parents.values()) - set(ids.values()))
    numbers = _take_numbers(tx, order, fresh)
    secret = secrets.get_or_make(tx, AUTHOR_KEY)
    made = []
    for staged in fresh:
        post = PostKey(staged.post)
        numbers[post] += 1
        above = parents.get(staged.answers) if staged.answers else None
        place = places.get(above) if above else None
        if place is None or place.post != post:
            above = place = None
        identity = _identity(order, staged)
        comment = _comment(
            order,
            staged,
            ids[staged.identity],
            parent_id=above,
            author=author_key(secret, identity),
            path=stem_below(place.path if place else "", order.site.max_depth) + code_of(staged.created_at, numbers[post]),
            depth=min(place.depth + 1, order.site.max_depth) if place else 0,
        )
        places[comment.id] = Place(post, comment.path, comment.depth)
        made.append(_One(staged, comment, identity, above))
    return made


def _answered(
    tx: Transaction, order: Import, fresh: Sequence[Staged], ids: dict[str, CommentId]
) -> dict[str, CommentId]:
    """What these answer, by its identity: in this slice, in an earlier one, or in an earlier import."""
    elsewhere = {one.answers for one in fresh if one.answers is not None} - ids.keys()
    known = imports.known(tx, order.site.key, order.source, elsewhere) if elsewhere else {}
    return ids | {name: one.comment_id for name, one in known.items()}


def _take_numbers(tx: Transaction, order: Import, fresh: Sequence[Staged]) -> dict[PostKey, int]:
    """The number of the comment before the first new one on each post. Posts are called as the file calls them."""
    found: dict[PostKey, int] = {}
    for key in dict.fromkeys(one.post for one in fresh):
        here = [one for one in fresh if one.post == key]
        last = imports.take_numbers(
            tx,
            order.site.key,
            PostKey(key),
            len(here),
            since=min(one.created_at for one in here),
            label=Label(
                next((one.post_title for one in here if one.post_title), None),
                next((one.post_url for one in here if one.post_url), None),
            ),
        )
        found[PostKey(key)] = last - len(here)
    return found


def _id(order: Import, staged: Staged) -> CommentId:
    return CommentId(id_of(staged.created_at, order.site.key, order.source, staged.identity))


def _identity(order: Import, staged: Staged) -> Identity:
    namespace = order.login if order.login is not None and staged.is_users else f"import:{order.source}"
    return Identity(order.site.key, namespace, staged.subject, Profile(staged.name, url=staged.url))


def _comment(
    order: Import,
    staged: Staged,
    comment_id: CommentId,
    *,
    parent_id: CommentId | None,
    author: AuthorKey,
    path: str,
    depth: int,
) -> Comment:
    status, version = Status(staged.status), 1 if staged.edited_at is None else 2
    written_at = staged.created_at if staged.edited_at is None else staged.edited_at
    return Comment(
        id=comment_id,
        site=order.site.key,
        post=PostKey(staged.post),
        parent_id=parent_id,
        author_key=author,
        author=Profile(staged.name, url=staged.url),
        text=Text(staged.body, staged.html, RENDERER_VERSION, version, written_at),
        status=status,
        version=version,
        created_at=staged.created_at,
        published_at=staged.created_at if status is Status.APPROVED else None,
        path=path,
        depth=depth,
        reply_count=0,
        listed=status is Status.APPROVED,
    )


def _count_replies(made: list[_One]) -> None:
    """Say of each which replies of this slice stand below it. Answers come behind what they answer."""
    here = {one.comment.id: one for one in made}
    for one in reversed(made):
        one.listed = publication.is_public(one.comment) or one.replies > 0
        if one.replies:
            one.comment = replace(one.comment, reply_count=one.replies, listed=one.listed)
        if one.listed and one.above in here:
            here[one.above].replies += 1


def _add_authors(tx: Transaction, made: Sequence[_One]) -> None:
    people: dict[AuthorKey, _OfAuthor] = {}
    for one in made:
        person = people.setdefault(one.comment.author_key, _OfAuthor(one.identity, one.comment.created_at))
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
            )
            for key, person in people.items()
        ],
    )


def _record(tx: Transaction, order: Import, made: Sequence[_One]) -> list[Decision]:
    """A line for each, which says where its status comes from."""
    lowest = imports.lowest_number(tx, order.site.key)
    return [
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
            created_at=tx.now,
        )
        for number, one in enumerate(made, start=1)
    ]


def _origin(order: Import, one: _One) -> Origin:
    comment = one.comment
    return Origin(
        order.site.key,
        order.source,
        one.staged.identity,
        comment.id,
        order.batch,
        _digest(one.staged),
        comment.version,
    )


def _show(tx: Transaction, order: Import, post: PostKey, made: Sequence[_One]) -> None:
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
    approved = sum(publication.is_public(one.comment) for one in made)
    _tell(tx, order, events.IMPORTED, post, approved, len(made), waiting, more_waiting)


def _tell(
    tx: Transaction,
    order: Import,
    event_type: str,
    post: PostKey,
    approved: int,
    number: int,
    waiting: Sequence[Comment],
    more_waiting: int,
) -> None:
    """`approved`: how many more, or fewer, readers see."""
    revision = posts.show_change(tx, order.site.key, post, delta=approved) if approved else None
    events.append(
        tx,
        order.site.key,
        event_type,
        GATEPOST,
        post=post,
        post_revision=revision,
        about={"batch": order.batch, "number": number, "waiting": [comment.id for comment in waiting]},
        more_waiting=more_waiting,
    )


# --- Those that are there already -------------------------------------------------------------------------------------


def _digest(one: Staged) -> str:
    """Of what may be brought anew: text, status, when it was edited."""
    said = "\0".join((one.status, str(one.edited_at), one.body))
    return hashlib.sha256(said.encode()).hexdigest()


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
    imports.renew(tx, before.id, digest=_digest(staged), version=version, original=original)
    return True
