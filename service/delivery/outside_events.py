"""What the outside calls our events: one table, from what the store keeps to what webhooks and the feed tell.

A change of a comment is told twice where readers see a difference: as what was done (`comment.approved`), and as what
they see of it (`comment.published`). Both have the event's number. The content is made when it is told
(`outside_content`): the types here say what happened, the content what stands now.

To add an event: its line in `OUTSIDE_OF`, and its type with a sentence and an example in `KINDS`.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from service.model import Event, Status

OF_READERS = "-public"
"""Stands behind the event's id in the id of what readers see of it."""
PUBLISHED, CHANGED, REMOVED = "comment.published", "comment.changed", "comment.removed"
TEST = "gatepost.test"
"""What `test` sends. It is no event: it has a number, 0, and a site."""


class Share(StrEnum):
    """How much is told (`with`)."""

    IDS = "ids"
    TEXTS = "texts"
    PEOPLE = "people"


OUTSIDE_OF: Mapping[str, str | None] = MappingProxyType(
    {
        "comment.submitted": "comment.submitted",
        "comment.approved": "comment.approved",
        "comment.rejected": "comment.rejected",
        "comment.marked_spam": "comment.marked_spam",
        "comment.deleted": "comment.deleted",
        "comment.restored": "comment.restored",
        "comment.edited": "comment.edited",
        "comment.edit_discarded": "comment.edit_discarded",
        "comment.withdrawn": "comment.withdrawn",
        "comment.decision_undone": "comment.decision_undone",
        "comments.imported": "comments.imported",
        "comments.import_undone": "comments.import_undone",
        "post.closed": "post.closed",
        "post.opened": "post.opened",
        "post.labelled": "post.labelled",
        "post.rendered": "post.rendered",
        "author.banned": "author.changed",
        "author.unbanned": "author.changed",
        "author.trusted": "author.changed",
        "author.distrusted": "author.changed",
        "author.noted": None,  # a note is the moderators' own
        "policy.changed": "policy.changed",
        "list.changed": "list.changed",
        "rule.braked": "rule.braked",
        "rule.released": "rule.released",
        "post.dated": None,  # for rules about the age of posts alone
    }
)
"""What each type of the store is told as; None: nobody outside is told."""

LED_TO = {
    "comment.submitted": Status.PENDING,
    "comment.approved": Status.APPROVED,
    "comment.edited": Status.APPROVED,
    "comment.rejected": Status.REJECTED,
    "comment.marked_spam": Status.SPAM,
    "comment.deleted": Status.DELETED,
    "comment.withdrawn": Status.DELETED,
}
"""The status after an event that readers saw, where a release that did not keep it (`Event.schema` 1) wrote it."""


@dataclass(frozen=True, slots=True)
class Telling:
    """One thing that the outside is told of an event, before its content is made."""

    id: str
    type: str
    event: Event


def tellings(event: Event) -> Iterator[Telling]:
    """What the outside is told of an event: nothing, what was done, or that and what readers see of it."""
    done = OUTSIDE_OF.get(event.type)
    if done is None:
        return
    yield Telling(event.id, done, event)
    seen = _seen(event)
    if seen is not None:
        yield Telling(f"{event.id}{OF_READERS}", seen, event)


def telling(event: Event, telling_id: str) -> Telling | None:
    """The one with this id."""
    return next((found for found in tellings(event) if found.id == telling_id), None)


def is_wanted(type_: str, wanted: Collection[str]) -> bool:
    """Whether a type is among the wanted ones. One that ends in `*` stands for all that begin like it; none: all."""
    return not wanted or any(
        type_.startswith(name.removesuffix("*")) if name.endswith("*") else type_ == name for name in wanted
    )


def is_known(wanted: str) -> bool:
    """Whether there is a type that a wanted one means."""
    return any(is_wanted(type_, (wanted,)) for type_ in KINDS)


def _seen(event: Event) -> str | None:
    """What readers see of a change of a comment, in the words of the live stream; None where that is nothing."""
    if event.comment_id is None or event.post_revision is None:
        return None
    after = event.to_status or LED_TO.get(event.type)
    if after is not Status.APPROVED:
        return REMOVED
    was_public = event.from_status is Status.APPROVED or (event.from_status is None and event.type == "comment.edited")
    return CHANGED if was_public else PUBLISHED


# --- The contract: every type, what it says, and a complete example of its content (with `texts`) ---------------------

ADA = {"key": "k3v9q0c2m5x8r1t7", "name": "Ada"}
POST = {"key": "2005/07", "title": "A Tuesday", "url": "https://blog.example/2005/07", "count": 3, "open": True}
COMMENT = {
    "id": "019a2f6e-7c1d-7c3e-9b51-2f4f6f0a9d10",
    "status": "approved",
    "version": 2,
    "parent_id": None,
    "author": ADA,
    "body": "I was *there*.",
    "html": '<p dir="auto">I was <em>there</em>.</p>\n',
    "pending_edit": None,
    "created_at": "2026-11-28T09:30:00.000Z",
    "edited_at": None,
    "published_at": "2026-11-28T09:35:00.123Z",
    "why": [],
}
WAITING = {**COMMENT, "status": "pending", "version": 1, "published_at": None, "why": ["awaiting-approval"]}
EDIT = {"body": "I *was* there.", "html": '<p dir="auto">I <em>was</em> there.</p>\n'}
GONE = {**COMMENT, "status": "deleted", "version": 3, "body": None, "html": None}
MO = {"kind": "moderator", "name": "Mo"}
POLICY = {"kind": "policy", "name": "Site policy"}


def _decided(action: str, actor: Mapping[str, str] = MO, **more: str) -> dict[str, Any]:
    said = {"reason": None, "reason_text": None, "note_to_author": None, **more}
    return {"id": "019a2f70-03aa-7d02-8f1e-5b7c11d2e3f4", "action": action, "actor": actor, **said}


def _of_comment(comment: Mapping[str, Any], decision: Mapping[str, Any] | None = None) -> dict[str, Any]:
    return {"post": POST, "comment": comment, **({"decision": decision} if decision else {})}


@dataclass(frozen=True, slots=True)
class Kind:
    """A type that the outside is told: what it says, and an example of its content (without site and number)."""

    says: str
    example: Mapping[str, Any]


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "comment.submitted": Kind(
            "Somebody sent a comment, whatever became of it. One that is public at once is also `comment.published`.",
            _of_comment(WAITING, _decided("hold", POLICY)),
        ),
        "comment.approved": Kind(
            "A human or a rule approved a comment, or the edit of one.", _of_comment(COMMENT, _decided("approve"))
        ),
        "comment.rejected": Kind(
            "A comment was rejected.",
            _of_comment(
                {**COMMENT, "status": "rejected", "published_at": None},
                _decided("reject", reason="off-topic", note_to_author="Please keep to the matter."),
            ),
        ),
        "comment.marked_spam": Kind(
            "A comment was called spam.",
            _of_comment({**COMMENT, "status": "spam", "published_at": None}, _decided("spam")),
        ),
        "comment.deleted": Kind(
            "A moderator deleted a comment.",
            _of_comment(GONE, _decided("delete", reason_text="It names somebody who wants no part in this.")),
        ),
        "comment.restored": Kind(
            "A comment that was refused or deleted waits for a decision again.",
            _of_comment({**WAITING, "version": 3, "why": ["restored"]}, _decided("restore")),
        ),
        "comment.edited": Kind(
            "The author changed their comment. Where readers see that at once, it is also `comment.changed`.",
            _of_comment({**COMMENT, "version": 3, "pending_edit": EDIT, "why": ["edited"]}),
        ),
        "comment.edit_discarded": Kind(
            "A moderator discarded an edit: readers keep what they have.",
            _of_comment({**COMMENT, "version": 4}, _decided("discard_edit")),
        ),
        "comment.withdrawn": Kind(
            "The author took their comment back.",
            _of_comment(GONE, _decided("withdraw", {"kind": "author", "name": "Ada"})),
        ),
        "comment.decision_undone": Kind(
            "A moderator took a decision back; `status` says what stands again.",
            _of_comment({**WAITING, "version": 3}, _decided("undo")),
        ),
        PUBLISHED: Kind(
            "Readers see a comment that they did not see before. Of a reply, `parent` says whose comment it answers.",
            {
                **_of_comment({**COMMENT, "parent_id": "019a2f6a-1b2c-7d3e-8f40-516273849506"}, _decided("approve")),
                "parent": {
                    "id": "019a2f6a-1b2c-7d3e-8f40-516273849506",
                    "author": {"key": "b7n2w4j6h8g1f3d5", "name": "Bob"},
                },
            },
        ),
        CHANGED: Kind(
            "Readers see another text of a comment.",
            _of_comment(
                {**COMMENT, **EDIT, "version": 4, "edited_at": "2026-11-28T09:40:00.000Z"}, _decided("approve")
            ),
        ),
        REMOVED: Kind("Readers do not see a comment any more.", _of_comment(GONE, _decided("delete"))),
        "comments.imported": Kind(
            "An import brought comments to a post, of any age and status. Nothing is told of each of them.",
            {"post": {**POST, "count": 214}},
        ),
        "comments.import_undone": Kind(
            "What an import brought to a post was taken out again, but for what was decided about or answered since.",
            {"post": POST},
        ),
        "post.closed": Kind("A post takes no comments any more.", {"post": {**POST, "open": False}}),
        "post.opened": Kind("A post takes comments again.", {"post": POST}),
        "post.labelled": Kind("A moderator said how a post is called, or where it is.", {"post": POST}),
        "post.rendered": Kind(
            "A newer release made other HTML of old texts: these `comments` look different, and say the same.",
            {"post": POST, "comments": [COMMENT["id"]]},
        ),
        "author.changed": Kind(
            "An author was banned or trusted, or is no longer.",
            {"author": {**ADA, "banned_until": "2026-12-28T00:00:00.000Z", "trusted": False}},
        ),
        "policy.changed": Kind("Another version of the site's policy holds.", {"policy": {"version": 7}}),
        "list.changed": Kind(
            "A list of the site was made, changed or deleted.", {"list": {"name": "rivals", "version": 9}}
        ),
        "rule.braked": Kind(
            "A rule acted too often, or moderators found it wrong: it only holds until an administrator releases it.",
            {"rule": {"id": "slurs-rejected", "why": "share"}},
        ),
        "rule.released": Kind("A rule acts again.", {"rule": {"id": "slurs-rejected", "why": None}}),
    }
)


def example(type_: str) -> dict[str, Any]:
    """A complete example of a type, as a webhook sends it."""
    event_id = f"019a2f70-03ab-7c44-9d10-0a1b2c3d4e5f{OF_READERS if type_ in (PUBLISHED, CHANGED, REMOVED) else ''}"
    content = {"site": "blog", "seq": 4711, **KINDS[type_].example}
    return {"id": event_id, "type": type_, "timestamp": "2026-11-28T09:35:00.123Z", "data": content}
