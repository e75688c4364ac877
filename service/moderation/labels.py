"""How a post comes to be called: as its approved comments call it, unless a moderator pinned a title or an address.

A comment's label is taken when the comment becomes public, title and address each by itself, or it leaves the comment.
So one rule is enough for all that follows: a post is called as the newest approved comment that has a title calls it,
and when that comment goes, as the one before it. Called by the verbs that publish, and by the queue, which says
beforehand what a moderator's approval would change (docs/adr/0003).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from service.model import NO_LABEL, Comment, Label, Post, PostKey, SiteRules
from service.origins import is_own_page
from service.store import carriers, posts
from service.store.carriers import Carrier
from service.store.database import Transaction


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest approved comment of a post that carries a title, and the one that carries an address; if asked for."""

    title: Callable[[PostKey], Carrier | None]
    url: Callable[[PostKey], Carrier | None]


def published(tx: Transaction, site: SiteRules, comment: Comment, *, was_shown: bool) -> Comment:
    """`comment`, which is about to become public, with what is taken of its label.

    `was_shown`: a moderator decides, who was told what the label would change. Nobody else changes what stands.
    """
    if comment.label == NO_LABEL:
        return comment
    post = posts.get(tx, site.key, comment.post)
    return replace(comment, label=_taken(site, comment, post, newest_in(tx, site), was_shown=was_shown))


def would_set(site: SiteRules, comment: Comment, post: Post, newest: Newest) -> Label | None:
    """What a moderator's approval of `comment`, which waits, would change of the post's label; None: nothing."""
    taken = _taken(site, comment, post, newest, was_shown=True)
    changed = Label(
        title=taken.title if taken.title != post.carried.title and post.pinned.title is None else None,
        url=taken.url if taken.url != post.carried.url and post.pinned.url is None else None,
    )
    return None if changed == NO_LABEL else changed


def newest_in(tx: Transaction, site: SiteRules) -> Newest:
    """The newest carriers as they are in this transaction."""
    return Newest(
        lambda post: carriers.newest_title(tx, site.key, post), lambda post: carriers.newest_url(tx, site.key, post)
    )


def _taken(site: SiteRules, comment: Comment, post: Post, newest: Newest, *, was_shown: bool) -> Label:
    url = comment.label.url
    if url is not None and not is_own_page(url, site.origins):  # it was submitted when the site had other origins
        url = None
    leads_away = post.carried.url is not None and not is_own_page(post.carried.url, site.origins)
    return Label(
        title=_part(
            comment,
            comment.label.title,
            post.carried.title,
            newest.title,
            may_change=was_shown and post.pinned.title is None,
        ),
        url=_part(
            comment,
            url,
            post.carried.url,
            newest.url,
            may_change=(was_shown and post.pinned.url is None) or leads_away,  # no reader is shown what leads away
        ),
    )


def _part(
    comment: Comment,
    says: str | None,
    stands: str | None,
    newest: Callable[[PostKey], Carrier | None],
    *,
    may_change: bool,
) -> str | None:
    """`says` where it changes nothing, where nothing stands, or where it may replace what an older comment said."""
    if says is None or stands is None or says == stands:
        return says
    if not may_change:
        return None
    carrier = newest(comment.post)
    return says if carrier is None or carrier.place < (comment.created_at, comment.id) else None
