"""From nouns to replies: how a comment, a decision or a case of the queue is shown to whom. Called by handlers."""

from collections.abc import Mapping
from dataclasses import replace
from typing import (
    Any,  # pydantic reads these on Python 3.11
    cast,
)

from service.model import (
    FOREVER,
    MOST_OF_APPROVED,
    NO_LABEL,
    POINTS_OF_APPROVED,
    WHY_TEXT,
    Action,
    Actor,
    ActorKind,
    Author,
    Comment,
    Decision,
    Milliseconds,
    Post,
    QueueEntry,
    Reason,
    Status,
)
from service.moderation.cases import Case
from service.reading.shapes import PostView, VisibleComment
from service.reading.show import author, optional_timestamp, post, timestamp
from service.settings import Site
from service.store.texts import Original
from service.web.outgoing import (
    ActorView,
    AuthorStanding,
    CommentView,
    DecisionView,
    OriginalView,
    PostForModerators,
)
from service.web.outgoing_policy import JudgementView
from service.web.outgoing_queue import EntryView, PartView, WhyView


def banned_until(moment: Milliseconds | None) -> str | None:
    """A time, "forever", or None."""
    return "forever" if moment == FOREVER else optional_timestamp(moment)


def own(found: Comment, *, edit_window_seconds: int, decision: Decision | None = None) -> CommentView:
    """A comment for its author, who is not told what only a rule called spam."""
    told = replace(found, status=found.status_for_author)
    return comment(told, edit_window_seconds=edit_window_seconds, decision=decision)


def comment(found: Comment, *, edit_window_seconds: int, decision: Decision | None = None) -> CommentView:
    """A comment for moderators. `decision` is the last one on it."""
    edit = found.pending_edit
    editable = found.status in ("pending", "approved")
    return {
        "id": found.id,
        "site": found.site,
        "post": found.post,
        "parent_id": found.parent_id,
        "author": author(found.author_key, found.author),
        "body": found.text.body,
        "html": found.text.html,
        "status": found.status.value,
        "version": found.version,
        "created_at": timestamp(found.created_at),
        "edited_at": optional_timestamp(found.edited_at),
        "published_at": optional_timestamp(found.published_at),
        "decision": {
            "reason": decision.reason,
            "reason_text": decision.reason_text,
            "note_to_author": decision.note_to_author,
        }
        if decision and _is_told(decision) and not _is_about_an_older_text(decision, found)
        else None,
        "pending_edit": {"body": edit.body, "html": edit.html, "submitted_at": timestamp(edit.submitted_at)}
        if edit
        else None,
        "editable_until": timestamp(found.created_at + edit_window_seconds * 1000) if editable else None,
    }


def _is_told(last: Decision) -> bool:
    """Whether an author hears why: what a moderator decided, and what a rule rejected, as long as it stands."""
    if last.actor.kind is ActorKind.POLICY:
        return last.action is Action.REJECT
    if last.action is Action.RESTORE:  # it waits like any other: what only a rule called spam has never not waited
        return last.reason is not None or last.note_to_author is not None
    return last.actor.kind is ActorKind.MODERATOR and last.action is not Action.UNDO


def _is_about_an_older_text(last: Decision, found: Comment) -> bool:
    """Whether the author has written a new text since, and that waits (or, by a rule alone, only seems to)."""
    return found.status_for_author is Status.PENDING and last.version < found.newest_text.version


def visible(found: Comment) -> VisibleComment:
    """An approved comment for everybody."""
    return {
        "id": found.id,
        "parent_id": found.parent_id,
        "depth": found.depth,
        "author": author(found.author_key, found.author),
        "html": found.text.html,
        "created_at": timestamp(found.created_at),
        "edited_at": optional_timestamp(found.edited_at),
        "reply_count": found.reply_count,
        "post": found.post,
    }


def post_for_moderators(site: Site, found: Post) -> PostForModerators:
    """A post, with what only moderators are told."""
    return {**post(site, found), "published_at": optional_timestamp(found.published_at)}


def actor(found: Actor) -> ActorView:
    """Who decided."""
    return {"kind": found.kind.value, "key": found.key, "name": found.name}


def decision(found: Decision) -> DecisionView:
    """One line of the record."""
    return {
        "id": found.id,
        "comment_id": found.comment_id,
        "action": found.action.value,
        "from_status": found.from_status.value if found.from_status else None,
        "to_status": found.to_status.value,
        "version": found.version,
        "actor": actor(found.actor),
        "reason": found.reason,
        "reason_text": found.reason_text,
        "note": found.note,
        "note_to_author": found.note_to_author,
        "undoes": found.undoes,
        "batch": found.batch,
        "rules": list(found.rules),
        "policy_version": found.policy_version,
        "created_at": timestamp(found.created_at),
    }


def entry(site: Site, case: Case, *, now: Milliseconds) -> EntryView:
    """One entry of the queue. It names the post by its present title; without one, by the title that approving would
    set."""
    waiting = case.entry
    if waiting is None:
        raise LookupError(f"comment {case.comment.id} does not wait")
    parts = priority_parts(waiting, now)
    edit_window_seconds, held, label = site.edit_window_seconds, waiting.claimed_by, case.label or NO_LABEL
    known = post(site, case.post)
    shown: PostView = {**known, "title": known["title"] or label.title, "url": known["url"] or label.url}
    return {
        "comment": comment(case.comment, edit_window_seconds=edit_window_seconds, decision=case.decision),
        "post": shown,
        "label": {"title": label.title, "url": label.url} if case.label else None,
        "why": [why(reason) for reason in waiting.reasons],
        "judgement": judgement(case.judgement) if case.judgement else None,
        "priority": sum(part["points"] for part in parts),
        "priority_parts": parts,
        "waiting_since": timestamp(waiting.waiting_since),
        "claimed_by": {"key": held.key, "name": held.name} if held else None,
        "claimed_until": optional_timestamp(waiting.claimed_until),
        "author_record": {
            "approved": case.author.approved,
            "rejected": case.author.rejected,
            "first_seen": timestamp(case.author.first_seen),
        },
        "parent": comment(case.parent, edit_window_seconds=edit_window_seconds) if case.parent else None,
    }


def judgement(told: Mapping[str, Any]) -> JudgementView:
    """What the policy said of a text, as it is kept."""
    return cast("JudgementView", dict(told))


def priority_parts(waiting: QueueEntry, now: Milliseconds) -> list[PartView]:
    """Why an entry is as urgent as it is. One that waits gains a point every ten minutes."""
    minutes = max(0, now - waiting.waiting_since) // 60_000
    parts: list[PartView] = [{"code": "waiting", "points": minutes // 10, "text": f"Waits for {_duration(minutes)}."}]
    if waiting.of_author:
        parts.append({"code": "known-author", "points": waiting.of_author, "text": _known(waiting.of_author)})
    if of_reason := waiting.priority - waiting.of_rules - waiting.of_author:
        parts.append({"code": "reason", "points": of_reason, "text": WHY_TEXT[waiting.why[0]]})
    if waiting.of_rules:
        parts.append({"code": "rules", "points": waiting.of_rules, "text": "Rules of the site say how urgent it is."})
    return parts


def _known(points: int) -> str:
    number = points // POINTS_OF_APPROVED
    if points >= MOST_OF_APPROVED:
        return f"{number} approved comments or more."
    return f"{number} approved comment{'' if number == 1 else 's'}."


def _duration(minutes: int) -> str:
    number, unit = (minutes, "minute") if minutes < 60 else (minutes // 60, "hour")
    return f"{number} {unit}{'' if number == 1 else 's'}"


def why(reason: Reason) -> WhyView:
    """A reason to look at a comment, in its source's words or in ours."""
    return {
        "code": reason.code.value,
        "text": reason.text or WHY_TEXT[reason.code],
        "from": actor(reason.source),
        "at": timestamp(reason.at),
    }


def standing(found: Author) -> AuthorStanding:
    """An author for moderators."""
    return {
        **author(found.key, found.profile),
        "first_seen": timestamp(found.first_seen),
        "approved": found.approved,
        "rejected": found.rejected,
        "banned_until": banned_until(found.banned_until),
        "trusted": found.trusted,
        "note": found.note,
    }


def problem_members(members: Mapping[str, object], *, edit_window_seconds: int) -> dict[str, Any]:
    """A problem's own members: nouns become what the wire calls them. A comment brings the decision beside it."""
    last = members.get("decision")
    shown: dict[str, Any] = {}
    for name, value in members.items():
        if isinstance(value, Comment):
            told = last if isinstance(last, Decision) else None
            shown[name] = comment(value, edit_window_seconds=edit_window_seconds, decision=told)
        elif isinstance(value, Decision):
            shown[name] = decision(value)
        elif name == "banned_until" and isinstance(value, int):
            shown[name] = banned_until(value)
        elif isinstance(value, Actor):
            shown[name] = actor(value)
        elif name == "changed_at" and isinstance(value, int):
            shown[name] = timestamp(value)
        else:
            shown[name] = value
    return shown


def original(found: Original) -> OriginalView:
    """What an imported comment's text was made of."""
    return {"format": "html" if found.format == "html" else "text", "body": found.body}
