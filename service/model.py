"""The nouns, all frozen. Every room speaks in these; nothing here knows SQL, HTTP or the configuration.

Each submission makes an event and a decision: these are named tuples, because a frozen dataclass of so many members
takes four times as long to make.

Times are integers: milliseconds since the Unix epoch, UTC (`Milliseconds`). The wire shows RFC 3339 (`web/show.py`).
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Generic, NamedTuple, NewType, TypeVar

import uuid_utils

SiteKey = NewType("SiteKey", str)
PostKey = NewType("PostKey", str)
AuthorKey = NewType("AuthorKey", str)
CommentId = NewType("CommentId", str)
DecisionId = NewType("DecisionId", str)
BatchId = NewType("BatchId", str)
EventId = NewType("EventId", str)
ApiKeyId = NewType("ApiKeyId", str)
DeskSessionId = NewType("DeskSessionId", str)
Milliseconds = int
Item = TypeVar("Item")
Clock = Callable[[], Milliseconds]

FOREVER: Milliseconds = 253_402_300_799_999
"""The last millisecond of the year 9999: a ban "forever"."""


def system_clock() -> Milliseconds:
    """The wall clock, in milliseconds since the Unix epoch."""
    return time.time_ns() // 1_000_000


def new_id(now: Milliseconds) -> str:
    """A new UUIDv7 (RFC 9562) as text; its first 48 bits are `now`, so ids sort by time."""
    return str(uuid_utils.uuid7(nanoseconds=now * 1_000_000))


def id_before(moment: Milliseconds) -> str:
    """A text that sorts behind all ids made before this moment, and before all others."""
    first = f"{max(moment, 0):012x}"
    return f"{first[:8]}-{first[8:]}"


class Status(StrEnum):
    """Whether the public sees a comment: only `approved` does."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    SPAM = "spam"
    DELETED = "deleted"


class Action(StrEnum):
    """What the record can say was done. The first six are a moderator's (`moderation/lifecycle.py`)."""

    APPROVE = "approve"
    REJECT = "reject"
    SPAM = "spam"
    DELETE = "delete"
    RESTORE = "restore"
    DISCARD_EDIT = "discard_edit"
    HOLD = "hold"
    WITHDRAW = "withdraw"
    UNDO = "undo"


class ActorKind(StrEnum):
    """Who decided: a human moderator (or a key given to one), the author, the site's policy, or Gatepost itself."""

    MODERATOR = "moderator"
    AUTHOR = "author"
    POLICY = "policy"
    SYSTEM = "system"


class Why(StrEnum):
    """Why a comment is in the queue."""

    AWAITING_APPROVAL = "awaiting-approval"
    HELD = "held"
    COULD_NOT_JUDGE = "could-not-judge"
    EDITED = "edited"
    RESTORED = "restored"
    REPORTED = "reported"
    """Kept, shown and decided about like the others; no call gives this reason yet."""
    IMPORTED = "imported"


PRIORITY: dict[Why, int] = {
    Why.AWAITING_APPROVAL: 0,
    Why.HELD: 0,
    Why.COULD_NOT_JUDGE: 0,
    Why.EDITED: 0,
    Why.RESTORED: 0,
    Why.REPORTED: 10,
    Why.IMPORTED: 0,
}
"""How urgent a reason is: what readers see already, and object to, comes before what they do not see."""
POINTS_OF_APPROVED = 5
MOST_OF_APPROVED = 30


def priority_of_author(approved: int) -> int:
    """What an author's approved comments add to the priority of a new one: who is known need not wait so long."""
    return min(approved * POINTS_OF_APPROVED, MOST_OF_APPROVED)


WHY_TEXT: dict[Why, str] = {
    Why.AWAITING_APPROVAL: "This site reviews every comment before it is published.",
    Why.HELD: "A rule of this site holds it.",
    Why.COULD_NOT_JUDGE: "A rule of this site could not be judged, so the comment waits.",
    Why.EDITED: "The author changed an approved comment; readers keep the approved text until you decide.",
    Why.RESTORED: "A moderator put this comment back to be reviewed again.",
    Why.REPORTED: "Readers reported this comment.",
    Why.IMPORTED: "It waited in the system from which it was brought here.",
}


class Role(StrEnum):
    """What the blog (or an API key) says a person is."""

    MODERATOR = "moderator"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class SiteRules:
    """What the operator decides about a site, as far as verbs must know it. (`settings.Site` holds all of it.)

    What people at the site decide, its policy, is in the store (`moderation/policies`). `premoderate` holds until there
    is one.
    """

    key: SiteKey
    origins: tuple[str, ...] = ()
    premoderate: bool = True
    max_depth: int = 32
    edit_window_seconds: int = 900
    duplicate_window_seconds: int = 86_400
    time_zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Profile:
    """What the blog says about a person: shown with every comment."""

    name: str
    bio: str | None = None
    url: str | None = None
    avatar: str | None = None


@dataclass(frozen=True, slots=True)
class Identity:
    """A verified person. `subject` is unique within `namespace` (a login, or logins that share subjects) of `site`."""

    site: SiteKey
    namespace: str
    subject: str
    profile: Profile
    roles: frozenset[Role] = frozenset()
    login: str = ""
    said_roles: tuple[str, ...] = field(default=(), compare=False)
    """What the login itself calls their roles, the first few, to be shown to them alone."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did something, as the record keeps it."""

    kind: ActorKind
    key: str
    name: str


POLICY = Actor(ActorKind.POLICY, "policy", "Site policy")
GATEPOST = Actor(ActorKind.SYSTEM, "gatepost", "Gatepost")


@dataclass(frozen=True, slots=True)
class Author:
    """A site's record of one of its people. `banned_until` is None, a time, or `FOREVER`."""

    site: SiteKey
    key: AuthorKey
    profile: Profile
    first_seen: Milliseconds
    approved: int
    rejected: int
    banned_until: Milliseconds | None
    trusted: bool
    note: str | None


@dataclass(frozen=True, slots=True)
class Label:
    """How a post is called and where it is: each known or not, by itself."""

    title: str | None = None
    url: str | None = None


NO_LABEL = Label()


@dataclass(frozen=True, slots=True)
class Post:
    """A post of the blog, known since somebody commented on it (or a moderator closed or named it).

    `title` and `url` are what stands: what a moderator pinned, else what its approved comments carried.
    """

    site: SiteKey
    key: PostKey
    title: str | None = None
    url: str | None = None
    count: int = 0
    open: bool = True
    revision: int = 0
    pinned: Label = NO_LABEL
    carried: Label = NO_LABEL
    published_at: Milliseconds | None = None
    """When the blog published it; None where nobody said so."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text of a comment, as its author wrote it (`body`) and as readers see it (`html`).

    `renderer` is the version of the renderer that made the HTML (`render.RENDERER_VERSION`), `version` the comment's
    version at which the text was written: a comment has no two texts of one version.
    """

    body: str
    html: str
    renderer: int
    version: int
    submitted_at: Milliseconds


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment as the service keeps it. `text` is the one that is (or would be) public.

    `pending_edit` is the text that the author wants instead of the approved one; readers don't see it. `listed` says
    whether the public list has an item for the comment (its text when approved, else a tombstone because replies below
    it are visible). `label` is what it says of its post; once it is published, what was taken of that
    (`moderation/labels.py`).
    """

    id: CommentId
    site: SiteKey
    post: PostKey
    parent_id: CommentId | None
    author_key: AuthorKey
    author: Profile
    text: Text
    status: Status
    version: int
    created_at: Milliseconds
    published_at: Milliseconds | None
    path: str
    depth: int
    reply_count: int
    listed: bool
    label: Label = NO_LABEL
    pending_edit: Text | None = None
    by_rule: bool = False
    """Only a rule of the site rejected it or called it spam: no human has confirmed that."""

    @property
    def status_for_author(self) -> Status:
        """What its author is told: that what only a rule called spam waits."""
        return Status.PENDING if self.status is Status.SPAM and self.by_rule else self.status

    @property
    def edited_at(self) -> Milliseconds | None:
        """When `text` was written; None for the first text that its author gave the comment."""
        return self.text.submitted_at if self.text.version > 1 else None

    @property
    def newest_text(self) -> Text:
        """What the author wrote last."""
        return self.pending_edit or self.text


@dataclass(frozen=True, slots=True)
class PublicComment:
    """One item of a public list. A tombstone has no author, text or times: they never leave the store.

    `published_at` is when readers first saw the comment, `shown_at` when they were shown what they see now. `anchor` is
    the fragment by which old links lead to one that was imported.
    """

    id: CommentId
    parent_id: CommentId | None
    depth: int
    reply_count: int
    removed: bool
    author_key: AuthorKey | None = None
    author: Profile | None = None
    html: str | None = None
    created_at: Milliseconds | None = None
    edited_at: Milliseconds | None = None
    published_at: Milliseconds | None = None
    shown_at: Milliseconds | None = None
    post: PostKey | None = None
    anchor: str | None = None


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason to look at a comment: who gives it, and when. Of one code each source gives one.

    `text` is what the source says to it; None where the code says everything (`WHY_TEXT`).
    """

    code: Why
    source: Actor
    at: Milliseconds
    text: str | None = None


@dataclass(frozen=True, slots=True)
class QueueEntry:
    """Says that somebody should look at a comment, for these reasons (strongest first). Independent of its status."""

    comment_id: CommentId
    reasons: tuple[Reason, ...]
    waiting_since: Milliseconds
    claimed_by: Actor | None = None
    claimed_until: Milliseconds | None = None
    of_rules: int = 0
    """What the rules that spoke add to the priority."""
    of_author: int = 0
    """What the author's approved comments added when it came (`priority_of_author`)."""

    @property
    def why(self) -> tuple[Why, ...]:
        """The codes of its reasons, each once, strongest first."""
        return tuple(dict.fromkeys(reason.code for reason in self.reasons))

    @property
    def priority(self) -> int:
        """That of its strongest reason, and what rules and the author add to it. What waiting adds is not in it."""
        return max(PRIORITY[code] for code in self.why) + self.of_rules + self.of_author


class Decision(NamedTuple):
    """One line of the append-only record. `version` is the comment's version that was decided upon.

    What one call did to many comments has one `batch`; a decision of its own has none. `reason_text` is what the site's
    catalogue said of the reason then. Where rules decided, `rules` names them, and `policy_version` of which policy.
    """

    id: DecisionId
    site: SiteKey
    seq: int
    comment_id: CommentId
    action: Action
    from_status: Status | None
    to_status: Status
    version: int
    actor: Actor
    reason: str | None
    note: str | None
    note_to_author: str | None
    undoes: DecisionId | None
    created_at: Milliseconds
    batch: BatchId | None = None
    reason_text: str | None = None
    rules: tuple[str, ...] = ()
    policy_version: int | None = None


EVENT_SCHEMA = 2
"""What an event's fields mean. Of events with 1, which an older release wrote, `from_status`, `to_status` and `version`
may be None where they apply; the other fields were found again when the store was upgraded."""


class Event(NamedTuple):
    """One thing that happened on a site, numbered without gaps in the order of commits.

    `actor` did it (the key under which the record knows them; names are only in the record); `author` wrote the
    comment, or is whom it is about. The statuses and the version (after the change) are the comment's. `reason_code` is
    the decision's reason where that is a code (`off-topic`); a sentence is only in the record. The revisions are those
    that the change made, of its post and of the site; None where no reader can see it. What does not apply is None.
    """

    site: SiteKey
    seq: int
    id: EventId
    type: str
    created_at: Milliseconds
    actor_kind: ActorKind | None
    actor: str | None
    post: PostKey | None = None
    comment_id: CommentId | None = None
    author: AuthorKey | None = None
    from_status: Status | None = None
    to_status: Status | None = None
    version: int | None = None
    reason_code: str | None = None
    post_revision: int | None = None
    site_revision: int | None = None
    about: Mapping[str, Any] = MappingProxyType({})
    schema: int = EVENT_SCHEMA

    def became(self, status: Status) -> bool:
        """Whether the comment came into this status, by whatever: a decision, an undo, or the policy as it was sent."""
        return self.to_status is status and self.from_status is not status


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A credential for a program. Only a hash of the secret is kept."""

    id: ApiKeyId
    name: str
    site: SiteKey | None
    roles: frozenset[Role]
    created_at: Milliseconds
    expires_at: Milliseconds | None = None
    revoked_at: Milliseconds | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is speaking on one site: a person of the blog or an API key, with the roles that hold there."""

    key: str
    profile: Profile
    roles: frozenset[Role]
    identity: Identity | None = None
    api_key: ApiKey | None = None
    is_ambient: bool = False
    """Proven by what a browser sends along unasked (a cookie, a proxy's headers), not by a token in `Authorization`."""

    def acting_as(self, kind: ActorKind) -> Actor:
        """This caller as the record will name them."""
        return Actor(kind, self.key, self.profile.name)


@dataclass(frozen=True, slots=True)
class Admission:
    """Somebody who has proven to be a moderator of one site. `role_rules` marks by which rules they are one."""

    site: SiteKey
    author_key: AuthorKey
    name: str
    roles: frozenset[Role]
    role_rules: str


@dataclass(frozen=True, slots=True)
class DeskSession:
    """A moderator who is signed in at the desk of one site. `seen_at` is exact to a few minutes."""

    id: DeskSessionId
    admission: Admission
    made_at: Milliseconds
    seen_at: Milliseconds
    ends_at: Milliseconds


@dataclass(frozen=True, slots=True)
class Page(Generic[Item]):
    """A stretch of a list and the position after it (None at the end)."""

    items: list[Item] = field(default_factory=list)
    next: tuple[str | int, ...] | None = None
