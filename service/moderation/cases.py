"""Puts together what a moderator judges a comment by: for the queue, and wherever else comments are shown to them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from service.errors import UnknownComment
from service.model import (
    Action,
    ActorKind,
    Author,
    Comment,
    CommentId,
    Decision,
    Label,
    Post,
    PostKey,
    QueueEntry,
    SiteRules,
)
from service.moderation import labels, publication
from service.moderation.judged import Told, of_each
from service.moderation.labels import Newest
from service.store import authors, carriers, comments, decisions, lists, posts, queue
from service.store.database import Transaction


@dataclass(frozen=True, slots=True)
class Case:
    """A comment with everything to judge it by. `label` is what approving it would change of the post's, `decision`
    the last one on it; `entry` is None where it does not wait. `judgement` is what the policy said of its newest text,
    as far as moderators may know; `list_titles` are those of the site's lists, where it names one."""

    entry: QueueEntry | None
    comment: Comment
    author: Author
    post: Post
    label: Label | None
    parent: Comment | None
    decision: Decision | None
    judgement: Told | None
    list_titles: Mapping[str, str]

    @property
    def is_ruled(self) -> bool:
        """Whether only a rule has decided about the comment, and it does not wait."""
        last = self.decision
        by_policy = last is not None and last.actor.kind is ActorKind.POLICY and last.action is not Action.HOLD
        return self.entry is None and (self.comment.by_rule or by_policy)


def of_entries(tx: Transaction, site: SiteRules, entries: Sequence[QueueEntry]) -> list[Case]:
    """The case of each entry, in the same order."""
    found = comments.get_many(tx, site.key, (entry.comment_id for entry in entries))
    waiting = {entry.comment_id: entry for entry in entries}
    return _cases(tx, site, [found[comment_id] for comment_id in waiting if comment_id in found], waiting)


def of_comments(tx: Transaction, site: SiteRules, shown: Sequence[Comment]) -> list[Case]:
    """The case of each comment, in the same order, whether it waits or not."""
    waiting = {entry.comment_id: entry for entry in queue.get_many(tx, [comment.id for comment in shown])}
    return _cases(tx, site, shown, waiting)


def of_one(tx: Transaction, site: SiteRules, comment_id: CommentId) -> Case:
    """The case of one comment, whether it waits or not. Raises UnknownComment."""
    comment = comments.get(tx, site.key, comment_id)
    if comment is None:
        raise UnknownComment
    return of_comments(tx, site, [comment])[0]


def _cases(
    tx: Transaction, site: SiteRules, shown: Sequence[Comment], waiting: Mapping[CommentId, QueueEntry]
) -> list[Case]:
    """With as many statements for all as for one."""
    parents = comments.get_many(tx, site.key, (comment.parent_id for comment in shown if comment.parent_id))
    people = authors.get_many(tx, site.key, {comment.author_key for comment in shown})
    known = posts.get_many(tx, site.key, (comment.post for comment in shown))
    newest = _newest(tx, site, shown, known)
    last = decisions.last_on_each(tx, [comment.id for comment in shown])
    judged = of_each(tx, shown)
    titles = _list_titles(tx, site, judged.values())
    return [
        Case(
            entry=waiting.get(comment.id),
            comment=comment,
            author=people[comment.author_key],
            post=known[comment.post],
            label=None
            if publication.is_public(comment)
            else labels.would_set(site, comment, known[comment.post], newest),
            parent=parents.get(comment.parent_id) if comment.parent_id else None,
            decision=last.get(comment.id),
            judgement=judged[comment.id],
            list_titles=titles,
        )
        for comment in shown
    ]


def _list_titles(tx: Transaction, site: SiteRules, judged: Iterable[Told | None]) -> Mapping[str, str]:
    """How the site's lists are called, where something was found of one."""
    if not any("list" in verdict for told in judged if told for verdict in told["verdicts"]):
        return {}
    return {kept.name: kept.title for kept in lists.of_site(tx, site.key)}


def _newest(tx: Transaction, site: SiteRules, shown: Iterable[Comment], known: Mapping[PostKey, Post]) -> Newest:
    """Who carries the labels of those posts that some comment calls otherwise."""
    asked = (comment.post for comment in shown if not _says_what_stands(comment.label, known[comment.post].carried))
    titles, urls = carriers.newest_of_each(tx, site.key, asked)
    return Newest(titles.get, urls.get)


def _says_what_stands(says: Label, stands: Label) -> bool:
    return says.title in (None, stands.title) and says.url in (None, stands.url)
