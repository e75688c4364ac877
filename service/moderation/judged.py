"""What moderators are told of judgements: what the policy said of a comment's texts, as far as they may know.

A text of the audit sample is shown without its judgement until somebody has decided: so the rules are measured by
people who do not know what they said.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from service.errors import UnknownComment
from service.model import Comment, CommentId, Page, SiteRules, Status
from service.store import comments, judgements
from service.store.database import Transaction
from service.triage.facts import Facts
from service.triage.judge import judge
from service.triage.policy import of_premoderate

Told = Mapping[str, Any]


def of_each(tx: Transaction, shown: Sequence[Comment]) -> dict[CommentId, Told | None]:
    """What moderators are told of the newest text of each of these comments."""
    kept = judgements.of_each(tx, [comment.id for comment in shown])
    return {comment.id: _told(comment, kept.get(comment.id)) for comment in shown}


def page(
    tx: Transaction, site: SiteRules, comment_id: CommentId, *, limit: int, after: tuple[str | int, ...] | None
) -> Page[Told]:
    """What was said of each of a comment's texts, the newest first. Raises UnknownComment."""
    comment = comments.get(tx, site.key, comment_id)
    if comment is None:
        raise UnknownComment
    found = judgements.page(tx, comment_id, limit=limit, after=after)
    return Page([kept for kept in found.items if not _is_secret(comment, kept)], found.next)


def _told(comment: Comment, kept: Told | None) -> Told | None:
    if kept is None:
        return _of_version_0(comment)
    return None if _is_secret(comment, kept) else kept


def _is_secret(comment: Comment, kept: Told) -> bool:
    """Whether it is of the audit sample, and its text is not decided yet."""
    waits = comment.status is Status.PENDING or comment.pending_edit is not None
    return bool(kept["audited"]) and waits and kept["text_version"] == comment.newest_text.version


def _of_version_0(comment: Comment) -> Told:
    """What the configuration said of a text that no policy has judged: nothing is kept of that."""
    text = comment.newest_text
    waits = comment.status is Status.PENDING or comment.pending_edit is not None
    said = judge(Facts(), of_premoderate(waits), at=text.submitted_at, text_version=text.version)
    return said.as_json()
