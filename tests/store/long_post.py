"""A post with as many comments as wanted, and every list that pages through them. The benchmark of long threads uses
both as well.

Rows go in by the store's own statements, without the verbs: thousands take a moment. Some comments are gone: with
replies below they are tombstones, without they are in no list.
"""

from collections.abc import Callable, Sequence

from service.model import (
    AuthorKey,
    Comment,
    CommentId,
    Identity,
    Page,
    PostKey,
    Profile,
    PublicComment,
    SiteKey,
    Status,
    Text,
)
from service.moderation import paths
from service.store import authors, comments, posts, published
from service.store.database import Transaction
from service.store.published import Position
from service.text.render import RENDERER_VERSION

SITE, ADA = SiteKey("blog"), AuthorKey("ada")
IDENTITY = Identity(SITE, "jwt", "ada", Profile("Ada"))
MAX_DEPTH = 32
CHAIN = 40
TEXT = "The gate was open and nobody had seen who came through it before the morning train left for the coast. " * 2

Parents = Sequence[int | None]
"""Which earlier comment each one answers."""
Listing = Callable[[Transaction, PostKey, int, Position | None], Page[PublicComment] | Page[Comment]]


def one_root(size: int) -> list[int | None]:
    """A root that everything else stands below: a chain deeper than threads go, then replies to anything."""
    return [None, *range(CHAIN), *(number * 7919 % number // 2 for number in range(CHAIN + 1, size))]


def many_roots(size: int) -> list[int | None]:
    """A chain deeper than threads go; after it every third comment is a root, the others answer anything."""
    after = ((None if number % 3 == 0 else number * 7919 % number) for number in range(CHAIN + 1, size))
    return [None, *range(CHAIN), *after]


def fill(tx: Transaction, post: PostKey, parents: Parents, *, gone: Sequence[bool] | None = None) -> None:
    """Put a comment on the post for each of `parents`, a second apart until now; every tenth is gone, or as given."""
    authors.seen(tx, ADA, IDENTITY)
    posts.next_comment(tx, SITE, post)
    gone = gone or [number % 10 == 7 for number in range(len(parents))]
    replies = _listed_replies(parents, gone)
    made: list[Comment] = []
    for number, parent in enumerate(parents):
        at = tx.now - (len(parents) - number) * 1000
        made.append(_comment(post, number, at, made[parent] if parent is not None else None, gone, replies))
        comments.add(tx, made[-1], root=made[-1].path[: paths.CODE_LENGTH])
    posts.show_change(tx, SITE, post, delta=list(gone).count(False))


LISTS: dict[str, Listing] = {
    "thread, oldest first": lambda tx, post, limit, after: published.thread(
        tx, SITE, post, newest_first=False, limit=limit, after=after
    ),
    "thread, newest first": lambda tx, post, limit, after: published.thread(
        tx, SITE, post, newest_first=True, limit=limit, after=after
    ),
    "flat, oldest first": lambda tx, post, limit, after: published.flat(
        tx, SITE, post, newest_first=False, limit=limit, after=after
    ),
    "flat, newest first": lambda tx, post, limit, after: published.flat(
        tx, SITE, post, newest_first=True, limit=limit, after=after
    ),
    "latest of the site": lambda tx, _, limit, after: published.latest(tx, SITE, limit=limit, after=after),
    "one's own": lambda tx, _, limit, after: comments.of_author(tx, SITE, ADA, limit=limit, after=after),
    "one's own on the post": lambda tx, post, limit, after: comments.of_author_on(
        tx, SITE, ADA, post=post, limit=limit, after=after
    ),
}
FEEDS: dict[str, Listing] = {
    "feed of the post": lambda tx, post, limit, _: Page(published.newest_of_post(tx, SITE, post, limit=limit)),
    "feed of the site": lambda tx, _, limit, __: Page(published.newest_of_site(tx, SITE, limit=limit)),
}
"""These have one page only."""


def starts(tx: Transaction, post: PostKey, listing: Listing, *, limit: int) -> dict[str, Position | None]:
    """Where the first, the middle and the last full page of a list start."""
    size = len(listing(tx, post, 10**9, None).items)
    middle, last = (listing(tx, post, skipped, None).next for skipped in (size // 2, size - limit))
    return {"first": None, "middle": middle, "last": last}


def _listed_replies(parents: Parents, gone: Sequence[bool]) -> list[int]:
    replies = [0] * len(parents)
    for number, parent in reversed(list(enumerate(parents))):
        if parent is not None and (not gone[number] or replies[number]):
            replies[parent] += 1
    return replies


def _comment(
    post: PostKey, number: int, at: int, parent: Comment | None, gone: Sequence[bool], replies: Sequence[int]
) -> Comment:
    return Comment(
        id=CommentId(f"{post}-{number:09}"),
        site=SITE,
        post=post,
        parent_id=parent.id if parent else None,
        author_key=ADA,
        author=IDENTITY.profile,
        text=Text(TEXT, f"<p>{TEXT}{number}</p>", RENDERER_VERSION, 1, at),
        status=Status.DELETED if gone[number] else Status.APPROVED,
        version=1,
        created_at=at,
        published_at=at,
        path=paths.stem(parent.path if parent else "", MAX_DEPTH) + paths.code(at, number),
        depth=min(parent.depth + 1, MAX_DEPTH) if parent else 0,
        reply_count=replies[number],
        listed=not gone[number] or replies[number] > 0,
    )
