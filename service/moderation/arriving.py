"""Comments of another system on their way into a site: who they are here, and where in its threads they stand.

A comment is known by its site, source and the id that it has there. Its own id, and that of its line in the record, are
made of these and of its time: whoever is interrupted and begins again ends with the same as who was not. `importing`
writes them.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from service.auth.login import author_key
from service.model import (
    FOREVER,
    AuthorKey,
    BatchId,
    Comment,
    CommentId,
    Identity,
    Label,
    Milliseconds,
    PostKey,
    Profile,
    SiteKey,
    SiteRules,
    Status,
    Text,
)
from service.moderation import paths, restoring
from service.moderation.desk_sessions import AUTHOR_KEY
from service.moderation.restoring import People
from service.store import imports, restored, secrets
from service.store.database import Transaction
from service.store.imports import Known, Place
from service.store.staged import Staged
from service.text.render import RENDERER_VERSION

REMEMBERED_PEOPLE: Final = 1_024


@dataclass(frozen=True, slots=True)
class Import:
    """One import: to which site, from which source, as which batch. `updates`: what is known is brought anew.

    Of a lossless export, `people` are its authors and `length` is how many lines its record has."""

    site: SiteRules
    source: str
    batch: BatchId
    updates: bool = False
    people: People | None = None
    length: int = 0


@dataclass(slots=True)
class Arrival:
    """A comment on its way into the store."""

    staged: Staged
    comment: Comment
    identity: Identity
    above: CommentId | None
    replies: int = 0
    listed: bool = False
    whole: Mapping[str, Any] | None = None


def id_of(moment: Milliseconds, *parts: str) -> str:
    """An id in the form of a UUIDv7 (RFC 9562): the time, and instead of chance a hash of what it names."""
    drawn = int.from_bytes(hashlib.sha256("\0".join(parts).encode()).digest()[:10])
    number = moment << 80 | 7 << 76 | (drawn >> 68 & 0xFFF) << 64 | 2 << 62 | drawn & (1 << 62) - 1
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def digest_of(one: Staged) -> str:
    """Of what may be brought anew: text, status, when it was edited."""
    said = "\0".join((one.status, str(one.edited_at), one.body))
    return hashlib.sha256(said.encode()).hexdigest()


def known(tx: Transaction, order: Import, ids: Iterable[str]) -> dict[str, Known]:
    """Which of these comments of the source the site has. Those of an export it may have under their own ids: it went
    out here, or was brought back with all that it holds."""
    found = imports.known(tx, order.site.key, order.source, ids)
    if order.source == restoring.SOURCE and (others := set(ids) - found.keys()):
        here = restored.sites_of(tx, sorted(others))
        found |= {name: Known(name, None, 0, None) for name, site in here.items() if site == order.site.key}
    return found


def placed(tx: Transaction, order: Import, fresh: Sequence[Staged]) -> list[Arrival]:
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
            profile=identity.profile,
            path=paths.stem(place.path if place else "", order.site.max_depth)
            + paths.code(staged.created_at, numbers[post]),
            depth=min(place.depth + 1, order.site.max_depth) if place else 0,
        )
        places[comment.id] = Place(post, comment.path, comment.depth)
        whole = json.loads(staged.whole) if staged.whole is not None else None
        if whole is not None:
            comment = restoring.comment_of(comment, whole)
        made.append(Arrival(staged, comment, identity, above, whole=whole))
    return made


def _answered(
    tx: Transaction, order: Import, fresh: Sequence[Staged], ids: dict[str, CommentId]
) -> dict[str, CommentId]:
    """What these answer, by its identity: in this slice, in an earlier one, or in an earlier import."""
    elsewhere = {one.answers for one in fresh if one.answers is not None} - ids.keys()
    there = known(tx, order, elsewhere) if elsewhere else {}
    return ids | {name: one.comment_id for name, one in there.items()}


def _take_numbers(tx: Transaction, order: Import, fresh: Sequence[Staged]) -> dict[PostKey, int]:
    """The number of the comment before the first new one on each post. Posts are called as the file calls them."""
    found: dict[PostKey, int] = {}
    of_post: dict[str, list[Staged]] = {}
    for one in fresh:
        of_post.setdefault(one.post, []).append(one)
    for key, here in of_post.items():
        last = imports.take_numbers(
            tx,
            order.site.key,
            PostKey(key),
            len(here),
            since=FOREVER if order.people is not None else min(one.created_at for one in here),
            label=Label(
                next((one.post_title for one in here if one.post_title), None),
                next((one.post_url for one in here if one.post_url), None),
            ),
        )
        found[PostKey(key)] = last - len(here)
    return found


def _id(order: Import, staged: Staged) -> CommentId:
    if staged.whole is not None:
        return CommentId(staged.identity)
    return CommentId(id_of(staged.created_at, order.site.key, order.source, staged.identity))


def _identity(order: Import, staged: Staged) -> Identity:
    namespace = staged.login or f"import:{order.source}"
    return _person(order.site.key, namespace, staged.subject, staged.name, staged.url)


@lru_cache(maxsize=REMEMBERED_PEOPLE)
def _person(site: SiteKey, namespace: str, subject: str, name: str, url: str | None) -> Identity:
    return Identity(site, namespace, subject, Profile(name, url=url))


def _comment(
    order: Import,
    staged: Staged,
    comment_id: CommentId,
    *,
    parent_id: CommentId | None,
    author: AuthorKey,
    profile: Profile,
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
        author=profile,
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
