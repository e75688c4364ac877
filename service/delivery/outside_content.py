"""Makes the content of what the outside is told of events, from what the store holds at that moment.

So a text that was withdrawn or deleted meanwhile is not told by a late delivery. `webhook` and the event feed call it.
"""

from collections.abc import Iterable, Sequence

from service.delivery.outside_events import Share, Telling
from service.delivery.outside_shapes import (
    OutsideAuthor,
    OutsideComment,
    OutsideContent,
    OutsideDecision,
    OutsideEvent,
    OutsidePerson,
    OutsidePost,
)
from service.model import FOREVER, AuthorKey, Comment, CommentId, Decision, Event, Post, Status
from service.moderation.record import REASON_CODE
from service.reading import show
from service.settings import Site
from service.store import authors, comments, decisions, posts, queue
from service.store.database import Transaction


def tell(tx: Transaction, site: Site, told: Sequence[Telling], share: Share) -> list[OutsideEvent]:
    """What is told of these, in their order. All of them are of `site`."""
    now = _Now(tx, site, [one.event for one in told], share)
    return [
        {
            "id": one.id,
            "type": one.type,
            "timestamp": show.timestamp(one.event.created_at),
            "data": now.content(one.event),
        }
        for one in told
    ]


class _Now:
    """What the store holds now of everything that some events name, read once for all of them."""

    def __init__(self, tx: Transaction, site: Site, events: Iterable[Event], share: Share) -> None:
        self._site = site
        self._share = share
        by_number = {event.seq: event for event in events}
        named = {event.comment_id for event in by_number.values() if event.comment_id}
        self._comments = comments.get_many(tx, site.key, named)
        above = {comment.parent_id for comment in self._comments.values() if comment.parent_id}
        self._parents = comments.get_many(tx, site.key, above)
        self._posts = posts.get_many(tx, site.key, {event.post for event in by_number.values() if event.post})
        of_comments = (seq for seq, event in by_number.items() if event.comment_id)
        self._decisions = {seq: decisions.of_event(tx, site.key, seq) for seq in of_comments}
        self._entries = {entry.comment_id: entry for entry in queue.get_many(tx, list(named))}
        judged = {event.author for event in by_number.values() if event.author and event.comment_id is None}
        self._authors = authors.get_many(tx, site.key, judged)
        wrote = {comment.author_key for comment in (*self._comments.values(), *self._parents.values())}
        self._subjects = authors.subjects(tx, site.key, wrote | judged) if share is Share.PEOPLE else {}

    def content(self, event: Event) -> OutsideContent:
        """What is told of one event."""
        content: OutsideContent = {"site": event.site, "seq": event.seq}
        if event.post is not None:
            content["post"] = self._post(self._posts[event.post])
        if event.comment_id is not None:
            self._add_comment(content, event.comment_id, event)
        elif event.author is not None:
            content["author"] = self._person(event.author)
        if rendered := event.about.get("comments"):
            content["comments"] = list(rendered)
        if version := event.about.get("policy_version"):
            content["policy"] = {"version": version}
        if name := event.about.get("list"):
            content["list"] = {"name": name, "version": event.about["list_version"]}
        if rule := event.about.get("rule"):
            content["rule"] = {"id": rule, "why": event.about.get("why")}
        return content

    def _add_comment(self, content: OutsideContent, comment_id: CommentId, event: Event) -> None:
        comment = self._comments.get(comment_id)
        content["comment"] = self._comment(comment) if comment else self._erased(comment_id, event)
        if comment is not None and comment.parent_id is not None:
            content["parent"] = {"id": comment.parent_id}
            if self._share is not Share.IDS:
                parent = self._parents.get(comment.parent_id)
                content["parent"]["author"] = self._author(parent) if parent else None
        decision = self._decisions[event.seq]
        if decision is not None:
            content["decision"] = self._decision(decision)

    def _comment(self, comment: Comment) -> OutsideComment:
        told: OutsideComment = {
            "id": comment.id,
            "status": comment.status.value,
            "version": comment.version,
            "parent_id": comment.parent_id,
        }
        if self._share is Share.IDS:
            return told
        is_gone, edit = comment.status is Status.DELETED, comment.pending_edit
        entry = self._entries.get(comment.id)
        return {
            **told,
            "author": self._author(comment),
            "body": None if is_gone else comment.text.body,
            "html": None if is_gone else comment.text.html,
            "pending_edit": {"body": edit.body, "html": edit.html} if edit else None,
            "created_at": show.timestamp(comment.created_at),
            "edited_at": show.optional_timestamp(comment.edited_at),
            "published_at": show.optional_timestamp(comment.published_at),
            "why": [code.value for code in entry.why] if entry else [],
        }

    def _erased(self, comment_id: CommentId, event: Event) -> OutsideComment:
        """Of a comment that is no more, only that it is gone."""
        told: OutsideComment = {
            "id": comment_id,
            "status": "deleted",
            "version": event.version or 1,
            "parent_id": None,
        }
        return told if self._share is Share.IDS else {**told, "author": None, "body": None, "html": None}

    def _author(self, comment: Comment) -> OutsideAuthor:
        told: OutsideAuthor = {"key": comment.author_key, "name": comment.author.name}
        if self._share is Share.PEOPLE:
            told["login"], told["subject"] = self._subjects.get(comment.author_key, (None, None))
        return told

    def _person(self, key: AuthorKey) -> OutsidePerson:
        person = self._authors.get(key)
        if self._share is Share.IDS or person is None:
            return {"key": key}
        until = person.banned_until
        told: OutsidePerson = {
            "key": key,
            "name": person.profile.name,
            "banned_until": "forever" if until == FOREVER else show.optional_timestamp(until),
            "trusted": person.trusted,
        }
        if self._share is Share.PEOPLE:
            told["login"], told["subject"] = self._subjects.get(key, (None, None))
        return told

    def _post(self, post: Post) -> OutsidePost:
        if self._share is Share.IDS:
            return {"key": post.key}
        shown = show.post(self._site, post)
        return {
            "key": shown["key"],
            "title": shown["title"],
            "url": shown["url"],
            "count": shown["count"],
            "open": shown["open"],
        }

    def _decision(self, decision: Decision) -> OutsideDecision:
        if self._share is Share.IDS:
            return {"id": decision.id}
        reason = decision.reason
        is_code = reason is not None and REASON_CODE.fullmatch(reason) is not None
        return {
            "id": decision.id,
            "action": decision.action.value,
            "actor": {"kind": decision.actor.kind.value, "name": decision.actor.name},
            "reason": reason if is_code else None,
            "reason_text": decision.reason_text or (None if is_code else reason),
            "note_to_author": decision.note_to_author,
        }
