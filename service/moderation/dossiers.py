"""Everything that there is to say about one comment, or about one author: for the pages that moderators look at."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from service.errors import UnknownAuthor, UnknownComment
from service.model import (
    Author,
    AuthorKey,
    Comment,
    CommentId,
    Decision,
    DecisionId,
    Post,
    PostKey,
    PublicComment,
    SiteRules,
    Text,
)
from service.moderation import cases
from service.moderation.cases import Case
from service.store import (
    around,
    authors,
    comment_pages,
    comments,
    decided,
    posts,
    published,
    queue_pages,
    record_pages,
    texts,
)
from service.store.comment_pages import Numbers
from service.store.database import Transaction
from service.store.queue_filter import Filter
from service.store.queue_pages import Total
from service.store.texts import Original

MOST_ABOVE: Final = 8
MOST_BELOW: Final = 50
MOST_DECISIONS: Final = 100
WAITING_SHOWN: Final = 20
THREAD_SHOWN: Final = 50
_COUNTED_ONLY: Final = 1


@dataclass(frozen=True, slots=True)
class CommentDossier:
    """A comment with what it answers, the answers to it, its record (newest first), the texts that it had, and what
    an imported one was made of."""

    case: Case
    above: Sequence[Comment]
    below: Sequence[Comment]
    record: Sequence[Decision]
    versions: Sequence[Text]
    original: Original | None


@dataclass(frozen=True, slots=True)
class AuthorDossier:
    """An author, how many of their comments wait and are in each status, and the last decisions about them, with the
    comments and the texts that were decided about."""

    author: Author
    waiting: Total
    numbers: Numbers
    record: Sequence[Decision]
    about: dict[CommentId, Comment]
    texts: dict[DecisionId, Text]


@dataclass(frozen=True, slots=True)
class PostDossier:
    """A post with the first comments that wait on it, how many these are, how many are in each status, and the
    beginning of its public thread."""

    post: Post
    waiting: Sequence[Case]
    total: Total
    numbers: Numbers
    thread: Sequence[PublicComment]
    is_more: bool


def of_comment(tx: Transaction, site: SiteRules, comment_id: CommentId) -> CommentDossier:
    """Raises UnknownComment."""
    case = cases.of_one(tx, site, comment_id)
    wanted = record_pages.Filter(comment_id=comment_id)
    record = record_pages.page(tx, site.key, wanted, newest_first=True, limit=MOST_DECISIONS, after=None)
    return CommentDossier(
        case,
        around.above(tx, site.key, comment_id, limit=MOST_ABOVE),
        around.below(tx, site.key, comment_id, limit=MOST_BELOW),
        record.items,
        around.texts_of(tx, case.comment),
        texts.original(tx, comment_id),
    )


def original_of(tx: Transaction, site: SiteRules, comment_id: CommentId) -> Original | None:
    """What an imported comment's text was made of; None where it is as it was written. Raises UnknownComment."""
    if comments.get(tx, site.key, comment_id) is None:
        raise UnknownComment
    return texts.original(tx, comment_id)


def of_author(tx: Transaction, site: SiteRules, key: AuthorKey) -> AuthorDossier:
    """Raises UnknownAuthor."""
    author = authors.get(tx, site.key, key)
    if author is None:
        raise UnknownAuthor
    wanted = Filter(author=key)
    waiting = queue_pages.find(tx, site.key, wanted, by_priority=False, limit=_COUNTED_ONLY, after=None)
    about = record_pages.Filter(author=key)
    record = record_pages.page(tx, site.key, about, newest_first=True, limit=WAITING_SHOWN, after=None).items
    written = comments.get_many(tx, site.key, (decision.comment_id for decision in record))
    numbers = comment_pages.numbers(tx, site.key, author=key)
    return AuthorDossier(author, waiting.total, numbers, record, written, decided.texts_of(tx, record, written))


def of_post(tx: Transaction, site: SiteRules, key: PostKey) -> PostDossier:
    """A post, whether anybody has commented on it or not."""
    found = queue_pages.find(tx, site.key, Filter(post=key), by_priority=False, limit=WAITING_SHOWN, after=None)
    thread = published.thread(tx, site.key, key, newest_first=False, limit=THREAD_SHOWN, after=None)
    return PostDossier(
        posts.get(tx, site.key, key),
        cases.of_entries(tx, site, found.entries),
        found.total,
        comment_pages.numbers(tx, site.key, post=key),
        thread.items,
        is_more=thread.next is not None,
    )
