"""What readers do with their own comments: submit, edit, withdraw."""

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
    POLICY,
    Action,
    ActorKind,
    Author,
    AuthorKey,
    Caller,
    Comment,
    CommentId,
    Identity,
    Label,
    Milliseconds,
    PostKey,
    SiteRules,
    Status,
    Text,
    new_id,
)
from service.moderation import entries, judging, labels, lifecycle, publication, record
from service.moderation.judging import Incoming, Looked
from service.store import authors, comments, decisions, events, policies, posts, queue, standing, texts
from service.store.database import Transaction
from service.store.standing import Standing
from service.text.render import RENDERER_VERSION
from service.triage.judgement import Judgement

_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"
_PAIRS = [first + second for first in _DIGITS for second in _DIGITS]
MAX_TEXTS = 50
"""Texts that one comment can have, its first one included: each stays in the store, for undo and for disputes."""
CODE_LENGTH = 12
"""Characters of one level of a comment's path: nine for the time (milliseconds), three for the number on its post."""


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
    tx: Transaction, site: SiteRules, post: PostKey, author_key: AuthorKey, identity: Identity, draft: Draft
) -> Comment:
    """A new comment, waiting or (where the site's policy says so) published.

    Raises Banned, PostClosed, UnknownParent or DuplicateComment.
    """
    parent, found = _admitted(tx, site, post, author_key, identity, draft)
    incoming = Incoming(post, author_key, found.author, identity.roles, identity.login, is_reply=parent is not None)
    judgement = judging.judge(tx, site, found.policy_digest, incoming, draft.body, draft.html, draft.looked)
    status = judging.status_of(judgement)
    number = posts.next_comment(tx, site.key, post, last=found.last_number)
    code = code_of(tx.now, number)
    comment = Comment(
        id=CommentId(new_id(tx.now)),
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
        path=stem_below(parent.path if parent else "", site.max_depth) + code,
        depth=min(parent.depth + 1, site.max_depth) if parent else 0,
        reply_count=0,
        listed=status is Status.APPROVED,
        label=draft.label,
    )
    if publication.is_public(comment):
        comment = labels.published(tx, site, comment, was_shown=False)
    comments.add(tx, comment, root=comment.path[:CODE_LENGTH])
    judging.keep(tx, comment, judgement)
    more_waiting = entries.submitted(tx, comment, judging.why_held(judgement))
    action = Action.HOLD if status is Status.PENDING else Action.APPROVE
    record.decide(tx, None, comment, action=action, actor=POLICY, more_waiting=more_waiting)
    return comment


def edit(
    tx: Transaction, site: SiteRules, comment_id: CommentId, caller: Caller, draft: Draft, *, version: int
) -> Comment:
    """The author's new text. Of an approved comment readers keep the approved text until a moderator saw the new one.
    The same text again changes nothing.

    Raises UnknownComment, Forbidden, Banned, NotEditable, EditWindowOver, PostClosed, StaleVersion or TooManyEdits.
    """
    before = _own(tx, site, comment_id, caller)
    author = authors.get(tx, site.key, before.author_key)
    if author is not None:
        _refuse_banned(author, tx.now)
    if before.status not in lifecycle.EDITABLE:
        raise NotEditable
    if tx.now > before.created_at + site.edit_window_seconds * 1000:
        raise EditWindowOver
    if not posts.get(tx, site.key, before.post).open:
        raise PostClosed
    if before.version != version:
        raise StaleVersion(members={"comment": before})
    if draft.body == before.newest_text.body:
        return before
    if texts.count(tx, before) >= MAX_TEXTS:
        raise TooManyEdits(f"A comment can have {MAX_TEXTS} texts, one after the other, and this one has had them")
    judgement = _judged_anew(tx, site, before, author, caller, draft)
    after = _edited(before, draft, tx.now, waits=judging.status_of(judgement) is Status.PENDING)
    seen = record.store(tx, before, after)
    judging.keep(tx, after, judgement)
    more_waiting = entries.edited(tx, before, after, caller.acting_as(ActorKind.AUTHOR))
    events.append(
        tx,
        site.key,
        "comment.edited",
        caller.acting_as(ActorKind.AUTHOR),
        post=after.post,
        comment_id=after.id,
        author=after.author_key,
        from_status=before.status,
        to_status=after.status,
        version=after.version,
        post_revision=seen.revision if seen else None,
        more_waiting=more_waiting,
    )
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
    after = replace(before, status=status, version=before.version + 1, text=before.newest_text, pending_edit=None)
    return replace(after, listed=record.listed(after))


def _edited(before: Comment, draft: Draft, now: int, *, waits: bool) -> Comment:
    version = before.version + 1
    text = _written(draft, version=version, now=now)
    if publication.is_public(before) and waits:
        return replace(before, version=version, pending_edit=text)
    return replace(before, version=version, text=text, pending_edit=None)


def _judged_anew(
    tx: Transaction, site: SiteRules, before: Comment, author: Author | None, caller: Caller, draft: Draft
) -> Judgement:
    incoming = Incoming(
        before.post,
        before.author_key,
        author,
        caller.roles,
        caller.identity.login if caller.identity else "",
        is_reply=before.parent_id is not None,
        is_edit=True,
        edits_approved=publication.is_public(before),
        text_version=before.version + 1,
        comment_id=before.id,
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
    """The comment that the draft replies to, once nothing is against it, and how things stood before.

    Its author is known then as they are today.

    Nothing is written before the last refusal, so none of them has anything to roll back.
    """
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
    if found.author is None or found.author.profile != identity.profile:
        authors.seen(tx, author_key, identity)
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


def code_of(moment: Milliseconds, number: int) -> str:
    """One level of a comment's path: what was written earlier sorts before."""
    left, code = moment * 36**3 + number % 36**3, ""
    for _ in range(CODE_LENGTH // 2):
        left, pair = divmod(left, len(_PAIRS))
        code = _PAIRS[pair] + code
    return code


def stem_below(path: str, max_depth: int) -> str:
    """The path below which a reply goes to a comment at `path`. Beyond the deepest level replies stand side by side,
    by time."""
    return path[: max_depth * CODE_LENGTH]
