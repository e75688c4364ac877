"""One example of each thing that crosses the wire, shown in the OpenAPI document, which a test holds to its schemas."""

from typing import Any

from service.delivery import outside_events, outside_shapes
from service.model import WHY_TEXT, Why
from service.reading import shapes
from service.web import (
    examples_lists,
    incoming,
    incoming_policy,
    incoming_queue,
    operations,
    outgoing,
    outgoing_policy,
    outgoing_queue,
    outgoing_undos,
)
from service.webhooks import views as webhook_views

COMMENT_ID = "019a2f6e-7c1d-7c3e-9b51-2f4f6f0a9d10"
DECISION_ID = "019a2f70-03aa-7d02-8f1e-5b7c11d2e3f4"
BATCH_ID = "019a2f70-0399-7b41-9c50-6d1e22f3a4b5"
WRITTEN = "2026-01-31T09:35:00.000Z"
DECIDED = "2026-01-31T09:41:12.345Z"

AUTHOR: dict[str, Any] = {
    "key": "k3v9q0c2m5x8r1t7",
    "name": "Ada",
    "bio": "Counts things.",
    "url": "https://ada.example",
    "avatar": None,
}
COMMENT: dict[str, Any] = {
    "id": COMMENT_ID,
    "site": "blog",
    "post": "2005/07/a-tuesday",
    "parent_id": None,
    "author": AUTHOR,
    "body": "I was *there*.",
    "html": '<p dir="auto">I was <em>there</em>.</p>\n',
    "status": "pending",
    "version": 1,
    "created_at": WRITTEN,
    "edited_at": None,
    "published_at": None,
    "decision": None,
    "pending_edit": None,
    "editable_until": "2026-01-31T09:50:00.000Z",
}
APPROVED = {**COMMENT, "status": "approved", "version": 2, "published_at": DECIDED}
VISIBLE = {
    **{name: COMMENT[name] for name in ("id", "parent_id", "author", "html", "created_at", "edited_at")},
    "depth": 0,
    "reply_count": 0,
}
POST = {
    "key": "2005/07/a-tuesday",
    "title": "A Tuesday",
    "url": "https://blog.example/a-tuesday",
    "count": 1,
    "open": True,
}
SAID = {"id": "links-hold", "title": "Links that nobody has used here before", "said": "hold", "braked": False}
JUDGEMENT = {
    "outcome": "hold",
    "by": ["links-hold"],
    "policy_version": 17,
    "at": WRITTEN,
    "text_version": 1,
    "rules": [SAID],
    "observed": [],
    "could_not_judge": [],
    "verdicts": [
        {
            "check": "links",
            "code": "links",
            "text": "Links to pills.example.",
            "lean": None,
            "score": None,
            "spans": [{"start": 17, "end": 41}],
            "rules": ["links-hold"],
        }
    ],
    "facts": {"author.approved": 3, "links.count": 1, "post.age_days": None},
    "audited": False,
}
DOCUMENT = {
    "format": 1,
    "otherwise": "publish",
    "rules": [
        {
            "id": "links-hold",
            "title": "Comments with links",
            "not_for": ["staff", "trusted"],
            "when": [{"links.count": {"at_least": 1}}],
            "then": "hold",
        }
    ],
}
POLICY_VERSION = {
    "version": 17,
    "made_by": {"kind": "moderator", "key": "m0d3r4t0rk3y0000", "name": "Mo"},
    "made_at": WRITTEN,
    "note": "Links from newcomers",
    "digest": "sha256:5f0c2f1f9a3b4c5d6e7f80915f0c2f1f9a3b4c5d6e7f80915f0c2f1f9a3b4c5d",
}
POLICY = {**POLICY_VERSION, "document": DOCUMENT}
STATE = {
    "braked": [{"rule": "slurs-rejected", "since": DECIDED, "why": "share", "acted": 31, "of": 240}],
    "lockdown": None,
    "lists": [],
    "rules": [
        {
            "id": "links-hold",
            "mode": "live",
            "spoke_24h": 14,
            "decided_24h": 9,
            "humans": {"agreed": 6, "overturned": 1},
        }
    ],
}
WARNING = {"pointer": "/reasons/0", "code": "unused", "detail": "no rule names it; moderators may"}
DECISION = {
    "id": DECISION_ID,
    "comment_id": COMMENT_ID,
    "action": "approve",
    "from_status": "pending",
    "to_status": "approved",
    "version": 1,
    "actor": {"kind": "moderator", "key": "m0d3r4t0rk3y0000", "name": "Mo"},
    "reason": None,
    "note": None,
    "note_to_author": None,
    "undoes": None,
    "batch": None,
    "reason_text": None,
    "rules": [],
    "policy_version": None,
    "created_at": DECIDED,
}
ENTRY = {
    "comment": COMMENT,
    "post": POST,
    "label": {"title": "A Tuesday in July", "url": None},
    "why": [
        {
            "code": "held",
            "text": WHY_TEXT[Why.HELD],
            "from": {"kind": "policy", "key": "policy", "name": "Site policy"},
            "at": WRITTEN,
        }
    ],
    "judgement": JUDGEMENT,
    "priority": 31,
    "priority_parts": [{"code": "waiting", "points": 31, "text": "Waits for 5 hours."}],
    "waiting_since": WRITTEN,
    "claimed_by": None,
    "claimed_until": None,
    "author_record": {"approved": 3, "rejected": 0, "first_seen": "2025-12-01T08:00:00.000Z"},
    "parent": None,
}
TRY = {"at": DECIDED, "status": 500, "error": "its status is 500", "ms": 31}
WEBHOOK = {
    "name": "build",
    "url": "https://blog.example/hooks/gatepost",
    "events": ["comment.published", "comment.changed", "comment.removed"],
    "with": "texts",
    "state": "retrying",
    "position": 4711,
    "behind": 0,
    "retrying": 1,
    "failed": 0,
    "missed": 0,
    "last_success_at": WRITTEN,
    "last_failure": {"at": DECIDED, "status": 500, "error": "its status is 500"},
}
DELIVERY = {
    "id": "019a2f70-05cd-7e66-8a90-6b7c8d9e0f1a",
    "event": {"id": "019a2f70-03ab-7c44-9d10-0a1b2c3d4e5f-public", "type": "comment.published", "seq": 4711},
    "state": "retrying",
    "tries": [TRY],
    "next_try_at": "2026-01-31T09:41:17.345Z",
}
PREVIEW = "b0Vb2sXqk1f8WyJnb3QgbWFkZSB1cCJd"
RULING = {"action": "approve", "version": 1}

EXAMPLES: dict[Any, Any] = {
    incoming.Submission: {
        "body": "I was *there*.",
        "post": {"title": "A Tuesday", "url": "https://blog.example/a-tuesday"},
    },
    incoming.Preview: {"body": "I was *there*."},
    incoming.Edit: {"body": "I was *there*, too.", "version": 1},
    incoming.DecisionRequest: RULING,
    incoming.BulkRequest: {"decisions": [{"comment_id": COMMENT_ID, **RULING}]},
    **examples_lists.EXAMPLES,
    incoming.UndoPreview: {"batch": BATCH_ID},
    incoming.UndoRequest: {"preview": PREVIEW, "note": "Those were no spam."},
    incoming_policy.PolicyChange: {"document": DOCUMENT, "note": "Links from newcomers"},
    incoming_policy.PolicyQuestion: {"document": DOCUMENT},
    incoming_policy.Trial: {"text": "See https://pills.example/", "given": {"author.approved": 3}},
    outgoing_policy.PolicyReply: {"policy": POLICY, "state": STATE},
    outgoing_policy.PolicyChanged: {"policy": POLICY, "state": STATE, "warnings": [WARNING]},
    outgoing_policy.Validation: {"valid": True, "warnings": [WARNING], "tests": {"passed": 3}},
    outgoing_policy.TrialReply: {"judgement": JUDGEMENT},
    outgoing_policy.JudgementList: {"judgements": [JUDGEMENT], "next": None},
    outgoing_policy.VersionList: {"versions": [{**POLICY_VERSION, "rules": 1}], "next": None},
    outgoing_policy.VersionReply: {"policy": POLICY},
    incoming_queue.ClaimRequest: {"limit": 20, "filter": {"reason": "edited"}, "lease_seconds": 600},
    incoming.AuthorPatch: {"banned_until": "2026-03-01T00:00:00Z", "note": "Advertises."},
    incoming.PostPatch: {"open": False, "title": "A Tuesday", "url": "https://blog.example/a-tuesday"},
    outgoing.Me: {"user": AUTHOR, "roles": [], "may": ["submit"], "banned_until": None},
    outgoing.CommentReply: {"comment": COMMENT},
    outgoing.OriginalReply: {"original": {"format": "html", "body": "<p>I was <b>there</b>.</p>"}},
    outgoing.PreviewReply: {"html": '<p dir="auto">I was <em>there</em>.</p>\n'},
    outgoing.SingleReply: {"comment": {**VISIBLE, "post": "2005/07/a-tuesday"}},
    outgoing.MyComments: {"comments": [COMMENT], "next": None},
    outgoing.FoundComments: {"comments": [COMMENT], "next": None, "stopped": False},
    shapes.SiteReply: {
        "site": {
            "key": "blog",
            "name": "A blog",
            "login_url": "https://blog.example/login?next={url}",
            "max_body_length": 10_000,
            "edit_window_seconds": 900,
        }
    },
    shapes.PublicList: {"post": POST, "comments": [VISIBLE], "next": None},
    shapes.Counts: {"counts": {"2005/07/a-tuesday": 1, "2005/07/another-day": 0}},
    shapes.LatestList: {"comments": [{**VISIBLE, "post": "2005/07/a-tuesday"}], "next": None},
    outgoing_queue.QueueList: {"entries": [ENTRY], "next": None, "total": 1, "total_is_exact": True},
    outgoing_queue.EntryReply: {"entry": ENTRY},
    outgoing_queue.Claimed: {"entries": [ENTRY], "claimed_until": "2026-01-31T09:45:00.000Z"},
    outgoing.DecisionReply: {"decision": DECISION, "comment": APPROVED},
    outgoing.BulkReply: {
        "batch": BATCH_ID,
        "results": [{"comment_id": COMMENT_ID, "decision": {**DECISION, "batch": BATCH_ID}}],
    },
    outgoing_undos.UndoPreviewReply: {
        "preview": PREVIEW,
        "expires_at": "2026-01-31T09:55:00.000Z",
        "would_change": 212,
        "stays": [{"why": "newer-decision", "count": 1}],
        "by_action": {"approve": 12, "spam": 200},
        "examples": [COMMENT_ID],
    },
    outgoing_undos.UndoReply: {
        "batch": BATCH_ID,
        "undone": 212,
        "stayed": [{"comment_id": COMMENT_ID, "why": "newer-decision"}],
        "remaining": 0,
    },
    outgoing.DecisionsList: {"decisions": [DECISION], "next": None},
    outgoing.AuthorReply: {
        "author": {
            **AUTHOR,
            "first_seen": "2025-12-01T08:00:00.000Z",
            "approved": 3,
            "rejected": 0,
            "banned_until": None,
            "trusted": False,
            "note": None,
        }
    },
    outgoing.PostReply: {"post": {**POST, "published_at": "2005-07-12T08:00:00.000Z"}},
    outgoing.DeskCode: {
        "url": "https://comments.example/desk/blog/enter?code=bWFkZSB1cCBmb3IgdGhlIGRvY3VtZW50YXRpb24tLS0",
        "expires_at": "2026-01-31T09:36:00.000Z",
    },
    incoming.ReplayRequest: {"after_seq": 4600, "until_seq": 4711},
    webhook_views.WebhookList: {"webhooks": [WEBHOOK]},
    webhook_views.DeliveryList: {"deliveries": [DELIVERY], "next": None},
    webhook_views.TryView: TRY,
    webhook_views.Replayed: {"events": 42},
    outside_shapes.EventFeed: {
        "events": [outside_events.example("comment.approved"), outside_events.example("comment.published")],
        "last_seq": 4711,
    },
    outgoing.ProblemView: {
        "type": "/problems/invalid-request",
        "title": "The request is not valid",
        "status": 422,
        "detail": "/body: must not be blank",
        "code": "invalid-request",
        "request_id": "5f0c2f1f9a3b4c5d6e7f8091",
        "errors": [{"pointer": "/body", "in": "body", "detail": "must not be blank"}],
    },
    operations.HealthView: {"status": "pass", "checks": {"store": [{"status": "pass", "output": ""}]}},
}
