"""What readers do with their own comments: submit, edit, withdraw."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from service.errors import (
    Banned,
    DuplicateComment,
    EditWindowOver,
    Forbidden,
    NotEditable,
    PostClosed,
    StaleVersion,
    TooManyEdits,
    UnknownComment,
    UnknownParent,
)
from service.model import (
    FOREVER,
    NO_LABEL,
    Action,
    ActorKind,
    Author,
    AuthorKey,
    Caller,
    Comment,
    CommentId,
    Identity,
    Label,
    PostKey,
    SiteRules,
    Status,
    Text,
    new_id,
    priority_of_author,
)
from service.moderation import entries, judging, labels, lifecycle, paths, publication, record
from service.moderation.judging import Incoming, Looked
from service.store import authors, comments, decisions, policies, posts, queue, standing, texts
from service.store.database import Transaction
from service.store.standing import Standing
from service.text.render import RENDERER_VERSION
from service.triage.judgement import Judgement

MAX_TEXTS = 50
"""Texts that one comment can have, its first one included: each stays in the store, for undo and for disputes."""
BY_RULE = frozenset({Status.REJECTED, Status.SPAM})
"""What a rule may make of a comment alone, until a human confirms it or takes it back."""
Noted = Callable[[Judgement], None]
"""Hears what was judged, in the writing thread, before it is committed."""


def _nobody(_: Judgement) -> None:
    """Nobody wants to hear of it."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A text as its author wrote it and as this program renders it, and what it belongs to."""

    body: str
    html: str
    parent_id: CommentId | None = None
    label: Label = NO_LABEL
    looked: Looked | None = None
    """What checks found of the text, where they have looked before the transaction."""


def submit(
    tx: Transaction,
    site: SiteRules,
    post: PostKey,
    author_key: AuthorKey,
    identity: Identity,
    draft: Draft,
    *,
    noted: Noted = _nobody,
) -> Comment:
    """A new comment, waiting or (where the site's policy says so) published, rejected, or spam. `noted` is given what
    was judged. Its author is known then as they are today.

    Nothing is written before the last refusal: then those that share the transaction need not begin anew.

    Raises Banned, PostClosed, UnknownParent, DuplicateComment, RefusedByPolicy or TooManyWaiting.
    """
    parent, found = _admitted(tx, site, post, author_key, identity, draft)
    comment_id = CommentId(new_id(tx.now))
    incoming = Incoming(
        comment_id, post, author_key, found.author, identity.roles, identity.login, is_reply=parent is not None
    )
    judgement = judging.judge(tx, site, found.policy_digest, incoming, draft.body, draft.html, draft.looked)
    noted(judgement)
    if found.author is None or found.author.profile != identity.profile:
        authors.seen(tx, author_key, identity)
    status = judging.status_of(judgement)
    number = posts.next_comment(tx, site.key, post, last=found.last_number)
    code = paths.code(tx.now, number)
    comment = Comment(
        id=comment_id,
        site=site.key,
        post=post,
        parent_id=draft.parent_id,
        author_key=author_key,
        author=identity.profile,
        text=_written(draft, version=1, now=tx.now),
        status=status,
        version=1,
        created_at=tx.now,
        published_at=tx.now if status is Status.APPROVED else None,
        path=paths.stem(parent.path if parent else "", site.max_depth) + code,
        depth=min(parent.depth + 1, site.max_depth) if parent else 0,
        reply_count=0,
        listed=status is Status.APPROVED,
        label=draft.label,
        by_rule=status in BY_RULE,
    )
    if publication.is_public(comment):
        comment = labels.published(tx, site, comment, was_shown=False)
    comments.add(tx, comment, root=comment.path[: paths.CODE_LENGTH])
    judging.keep(tx, comment, judgement, draft.looked)
    of_author = priority_of_author(found.author.approved if found.author else 0)
    why, of_rules = judging.why_held(judgement), judging.priority_of(judgement)
    more_waiting = entries.submitted(tx, comment, why, of_rules, of_author)
    record.submitted(tx, comment, judging.ruling(judgement), more_waiting=more_waiting)
    return comment


def edit(
    tx: Transaction,
    site: SiteRules,
    comment_id: CommentId,
    caller: Caller,
    draft: Draft,
    *,
    version: int,
    noted: Noted = _nobody,
) -> Comment:
    """The author's new text. Of an approved comment readers keep the approved text until a moderator saw the new one.
    One that readers do not see is judged like a new one. The text that is there already changes nothing, upon whatever
    version it was written: so an edit whose reply was lost may be sent again.

    Raises UnknownComment, Forbidden, Banned, NotEditable, EditWindowOver, PostClosed, StaleVersion, TooManyEdits or
    RefusedByPolicy.
    """
    before = _own(tx, site, comment_id, caller)
    author = authors.get(tx, site.key, before.author_key)
    if author is not None:
        _refuse_banned(author, tx.now)
    if before.status_for_author not in lifecycle.EDITABLE:
        raise NotEditable
    if tx.now > before.created_at + site.edit_window_seconds * 1000:
        raise EditWindowOver
    if not posts.get(tx, site.key, before.post).open:
        raise PostClosed
    if draft.body == before.newest_text.body:  # also where this is a retry of the edit that wrote it
        return before
    if before.version != version:
        raise StaleVersion(members={"comment": replace(before, status=before.status_for_author)})
    if texts.count(tx, before) >= MAX_TEXTS:
        raise TooManyEdits(f"A comment can have {MAX_TEXTS} texts, one after the other, and this one has had them")
    judgement = _judged_anew(tx, site, before, author, caller, draft)
    noted(judgement)
    after = _edited(before, draft, tx.now, status=_status_of_edit(tx, before, judgement))
    if publication.publishes(before, after):
        after = labels.published(tx, site, after, was_shown=False)
    judging.keep(tx, after, judgement, draft.looked)
    actor = caller.acting_as(ActorKind.AUTHOR)
    why, of_rules = judging.why_held(judgement), judging.priority_of(judgement)
    more_waiting = entries.edited(tx, before, after, actor, why, of_rules)
    record.edited(tx, before, after, actor, judging.ruling(judgement), more_waiting=more_waiting)
    return after


def withdraw(tx: Transaction, site: SiteRules, comment_id: CommentId, caller: Caller) -> None:
    """The author takes the comment back, for good unless a moderator restores it. Withdrawing twice changes nothing.

    Raises UnknownComment or Forbidden.
    """
    before = _own(tx, site, comment_id, caller)
    if before.status is Status.DELETED and _is_withdrawn(tx, before):
        return
    after = taken_down(before, Status.DELETED)
    entry, actor = queue.get(tx, before.id), caller.acting_as(ActorKind.AUTHOR)
    more_waiting = entries.decided(tx, after, entry, Action.WITHDRAW, actor)
    record.decide(tx, before, after, action=Action.WITHDRAW, actor=actor, entry=entry, more_waiting=more_waiting)


def _is_withdrawn(tx: Transaction, comment: Comment) -> bool:
    """Whether its author, and not a moderator, deleted it last: only then an undo cannot bring it back."""
    last = decisions.last_on(tx, comment.id)
    return last is not None and last.actor.kind is ActorKind.AUTHOR


def taken_down(before: Comment, status: Status) -> Comment:
    """`before` in a status in which nobody but its author and moderators sees it: it has one text then, the newest."""
    text, version = before.newest_text, before.version + 1
    after = replace(before, status=status, version=version, text=text, pending_edit=None, by_rule=False)
    return replace(after, listed=record.listed(after))


def _edited(before: Comment, draft: Draft, now: int, *, status: Status) -> Comment:
    version = before.version + 1
    text = _written(draft, version=version, now=now)
    if publication.is_public(before) and status is Status.PENDING:
        return replace(before, version=version, pending_edit=text)
    after = replace(before, version=version, text=text, pending_edit=None, status=status, by_rule=status in BY_RULE)
    published_at = (before.published_at or now) if status is Status.APPROVED else before.published_at
    return replace(after, published_at=published_at, listed=record.listed(after))


def _status_of_edit(tx: Transaction, before: Comment, judgement: Judgement) -> Status:
    """What becomes of the text. Nothing is published of which a rule said `hold` or worse before, or that a moderator
    put back: else authors would learn by trying which words, links and lists a site's rules are about. Of a comment
    that readers see, this is so while an edit waits: that, or one that it replaced, is what a rule held."""
    status = judging.status_of(judgement)
    if status is not Status.APPROVED:
        return status
    if publication.is_public(before):
        waits = before.pending_edit is not None and judging.ever_held(tx, before, after=before.text.version)
        return Status.PENDING if waits else status
    last = decisions.last_on(tx, before.id)
    if last is not None and last.actor.kind is ActorKind.MODERATOR:
        return Status.PENDING
    return Status.PENDING if judging.ever_held(tx, before) else status


def _judged_anew(
    tx: Transaction, site: SiteRules, before: Comment, author: Author | None, caller: Caller, draft: Draft
) -> Judgement:
    incoming = Incoming(
        before.id,
        before.post,
        before.author_key,
        publication.without(author, before) if author else None,
        caller.roles,
        caller.identity.login if caller.identity else "",
        is_reply=before.parent_id is not None,
        is_edit=True,
        edits_approved=publication.is_public(before),
        text_version=before.version + 1,
    )
    digest = policies.newest_digest(tx, site.key)
    return judging.judge(tx, site, digest, incoming, draft.body, draft.html, draft.looked)


def _written(draft: Draft, *, version: int, now: int) -> Text:
    return Text(draft.body, draft.html, RENDERER_VERSION, version, now)


def _own(tx: Transaction, site: SiteRules, comment_id: CommentId, caller: Caller) -> Comment:
    comment = comments.get_to_change(tx, site.key, comment_id)
    if comment is None or (comment.author_key != caller.key and not publication.is_public(comment)):
        raise UnknownComment
    if comment.author_key != caller.key:
        raise Forbidden("Only its author can do this")
    return comment


def _admitted(
    tx: Transaction,
    site: SiteRules,
    post: PostKey,
    author_key: AuthorKey,
    identity: Identity,
    draft: Draft,
) -> tuple[Comment | None, Standing]:
    """The comment that the draft replies to, and how things stood before."""
    window = site.duplicate_window_seconds * 1000
    found = standing.look(
        tx,
        site.key,
        post,
        author=author_key,
        parent_id=draft.parent_id,
        body_hash=texts.hash_of(draft.body),
        since=tx.now - window if window else FOREVER,
    )
    if found.author is not None:
        _refuse_banned(found.author, tx.now)
    if not found.post_is_open:
        raise PostClosed
    parent = _public_parent(tx, site, post, draft.parent_id)
    if found.same_text is not None:
        raise DuplicateComment(members={"comment_id": found.same_text})
    return parent, found


def _refuse_banned(author: Author, now: int) -> None:
    until = author.banned_until
    if until is not None and until > now:
        raise Banned(members={"banned_until": until})


def _public_parent(tx: Transaction, site: SiteRules, post: PostKey, parent_id: CommentId | None) -> Comment | None:
    if parent_id is None:
        return None
    parent = comments.get_to_change(tx, site.key, parent_id)
    if parent is None or parent.post != post or not publication.is_public(parent):
        raise UnknownParent
    return parent
