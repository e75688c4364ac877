"""The schema on one page. Every difference between databases is in `sqlite` and `postgres`; migrations make what stands
here.

Only three kinds of column: text (byte-ordered, so keys sort alike everywhere), integers (times are milliseconds
since the epoch) and booleans. So rows need no conversion on any driver.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    cast,
    false,
    literal_column,
    text,
    true,
)

from service.model import Action, ActorKind, Status, Why
from service.store.same_post import short

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

ordered_text = Text().with_variant(Text(collation="C"), "postgresql")


def _statuses() -> str:
    return ", ".join(f"'{status}'" for status in Status)


# One row per site: the last event's number, a revision that rises with every visible change, how many entries its queue
# has. Events before `first_seq` have been removed, or may be at any moment (`retention`); with nothing removed it is 1.
# `lists_mark` is another one after each change of a list (NULL: none was ever made); `lists_gone` is the highest
# version that a deleted list had: one that is made anew begins above it. Whether `linked_hosts` and `arrivals` are
# whole: a background job reads what stood there before they were kept (`store/earlier`).
sites = Table(
    "sites",
    metadata,
    Column("site", ordered_text, primary_key=True),
    Column("event_seq", BigInteger, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("first_seq", BigInteger, nullable=False, server_default=text("1")),
    Column("waiting", Integer, nullable=False, server_default=text("0")),
    Column("lists_mark", Text),
    Column("hosts_known", Boolean, nullable=False, server_default=false()),
    Column("arrivals_known", Boolean, nullable=False, server_default=false()),
    Column("lists_gone", Integer, nullable=False, server_default=text("0")),
)

# `count` is the number of approved comments; `revision` rises with every change a reader can see. `title` and `url` are
# those of the newest approved comment that has one; what a moderator pinned stands before them. `published_at` is when
# the blog published it, where a moderator or the blog said so.
posts = Table(
    "posts",
    metadata,
    Column("site", ordered_text, primary_key=True),
    Column("post", ordered_text, primary_key=True),
    Column("title", Text),
    Column("url", Text),
    Column("open", Boolean, nullable=False, server_default=true()),
    Column("count", Integer, CheckConstraint("count >= 0", name="count_not_negative"), nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("comment_seq", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("pinned_title", Text),
    Column("pinned_url", Text),
    Column("published_at", BigInteger),
)

# The blog's people. `subject` stays inside; `author` is its keyed hash. Counts are by status (rejected: and spam).
authors = Table(
    "authors",
    metadata,
    Column("site", ordered_text, primary_key=True),
    Column("author", ordered_text, primary_key=True),
    Column("namespace", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("bio", Text),
    Column("url", Text),
    Column("avatar", Text),
    Column("first_seen", BigInteger, nullable=False),
    Column("approved", Integer, CheckConstraint("approved >= 0", name="approved_not_negative"), nullable=False),
    Column("rejected", Integer, CheckConstraint("rejected >= 0", name="rejected_not_negative"), nullable=False),
    Column("banned_until", BigInteger),
    Column("trusted", Boolean, nullable=False, server_default=false()),
    Column("note", Text),
)

# `path` orders a thread depth-first: one fixed-width code per level; `root` is its first code. `listed`: approved, or a
# tombstone that replies stand on. The author's name and biography are kept as they were when the text was reviewed.
# `shown_at`: when readers were shown the comment's present text, whether or not they still are; feeds go by it.
# `anchor`: of an imported comment, the fragment by which old links lead to it.
# `by_rule`: a rule rejected it or called it spam, and no human has confirmed that.
comments = Table(
    "comments",
    metadata,
    Column("id", ordered_text, primary_key=True),
    Column("site", ordered_text, nullable=False),
    Column("post", ordered_text, nullable=False),
    Column("parent_id", ordered_text, ForeignKey("comments.id")),
    Column("author", ordered_text, nullable=False),
    Column("author_name", Text, nullable=False),
    Column("author_bio", Text),
    Column("author_url", Text),
    Column("author_avatar", Text),
    Column("body", Text, nullable=False),
    Column("body_hash", ordered_text, nullable=False),
    Column("html", Text, nullable=False),
    Column("renderer", Integer, nullable=False),
    Column("status", ordered_text, CheckConstraint(f"status IN ({_statuses()})", name="known_status"), nullable=False),
    Column("version", Integer, CheckConstraint("version >= 1", name="version_from_one"), nullable=False),
    Column("text_version", Integer, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("edited_at", BigInteger),
    Column("published_at", BigInteger),
    Column("shown_at", BigInteger),
    Column("root", ordered_text, nullable=False),
    Column("path", ordered_text, nullable=False),
    Column("depth", Integer, nullable=False),
    Column(
        "reply_count", Integer, CheckConstraint("reply_count >= 0", name="reply_count_not_negative"), nullable=False
    ),
    Column("listed", Boolean, nullable=False),
    Column("post_title", Text),
    Column("post_url", Text),
    Column("edit_body", Text),
    Column("edit_html", Text),
    Column("edit_renderer", Integer),
    Column("edit_version", Integer),
    Column("edit_submitted_at", BigInteger),
    Column("anchor", Text),
    Column("by_rule", Boolean, nullable=False, server_default=false()),
    ForeignKeyConstraint(["site", "post"], ["posts.site", "posts.post"]),
    ForeignKeyConstraint(["site", "author"], ["authors.site", "authors.author"]),
)

APPROVED: ColumnElement[str] = literal_column(f"'{Status.APPROVED.value}'")
PUBLIC = comments.c.status == APPROVED
"""The one predicate of promise 1: a comment's words leave through a public door only where this holds.

Written out, like `LISTED`, for the planner: by a value that comes later it cannot choose an index of only these rows.
"""
LISTED = comments.c.listed.is_(true())
REFUSED = comments.c.status.in_(
    [literal_column(f"'{status.value}'") for status in (Status.DELETED, Status.REJECTED, Status.SPAM)]
)
"""What moderators took out of sight, or its author did."""


def _index(name: str, *columns: str | ColumnElement[int], only: ColumnElement[bool], of: Table = comments) -> None:
    """An index of some rows. (`postgres` tells its dialect of them: naming that here would load it everywhere.)"""
    expressions = (of.c[column] if isinstance(column, str) else column for column in columns)
    Index(name, *expressions, sqlite_where=only)


# What waits, and what was refused, costs the indexes of what readers see nothing.
_index("ix_comments_thread", "site", short(comments.c.post), "root", "path", only=LISTED)
_index("ix_comments_flat", "site", "post", "created_at", "id", only=PUBLIC)
_index("ix_comments_latest", "site", "created_at", "id", only=PUBLIC)
_index("ix_comments_post_feed", "site", "post", "shown_at", "id", only=PUBLIC)
_index("ix_comments_site_feed", "site", "shown_at", "id", only=PUBLIC)
_index("ix_comments_refused", "site", "status", "created_at", "id", only=REFUSED)
_index("ix_comments_anchor", "site", "post", "anchor", only=comments.c.anchor.is_not(None))
_index("ix_comments_parent", "parent_id", only=comments.c.parent_id.is_not(None))
Index("ix_comments_author", *(comments.c[column] for column in ("site", "author", "created_at", "id")))
# An author's comments on a post: a front end asks for them with every page that they open, a submission for its double.
# Of that the hash is looked at here, the row only where it fits. Moderators find all comments on a post here.
Index(
    "ix_comments_own",
    *(comments.c[column] for column in ("site", "post", "author", "created_at", "id", "body_hash")),
)

# Texts that are no longer in the comment's row: replaced, or dropped by a moderator. Undo needs them, disputes too.
revisions = Table(
    "revisions",
    metadata,
    Column("comment_id", ordered_text, ForeignKey("comments.id"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("body", Text, nullable=False),
    Column("html", Text, nullable=False),
    Column("renderer", Integer, nullable=False),
    Column("submitted_at", BigInteger, nullable=False),
)

POINT_OF_WAITING = 600_000
"""Milliseconds of waiting that count as much as a point of priority."""


def as_if_since(of: Any) -> ColumnElement[int]:
    """What the queue is ordered by where the most urgent comes first: since when an entry waits, earlier by ten minutes
    for each point of its priority. All gain alike while they wait, so an index can hold the order. (`of`: the columns)
    """
    point = cast(literal_column(str(POINT_OF_WAITING)), BigInteger)
    expression: ColumnElement[int] = of.waiting_since - of.priority * point
    return expression


# Someone must look, whatever the comment's status, for its `reasons`. `why` has their codes, strongest first and with a
# space on either side, so one LIKE finds one; `priority` is that of the strongest, and what rules and (`of_author`) the
# author's approved comments add. `folded` is what searches look at: the comment's texts and its author's name as
# `service/text/folding.py` writes them.
queue = Table(
    "queue",
    metadata,
    Column("comment_id", ordered_text, ForeignKey("comments.id"), primary_key=True),
    Column("site", ordered_text, nullable=False),
    Column("post", ordered_text, nullable=False),
    Column("author", ordered_text, nullable=False),
    Column("why", Text, nullable=False),
    Column("priority", Integer, nullable=False),
    Column("waiting_since", BigInteger, nullable=False),
    Column("claimed_by", ordered_text),
    Column("claimed_by_name", Text),
    Column("claimed_until", BigInteger),
    Column("folded", Text, nullable=False, server_default=text("''")),
    Column("of_author", Integer, nullable=False, server_default=text("0")),
)
Index("ix_queue_oldest", queue.c.site, queue.c.waiting_since, queue.c.comment_id)
Index("ix_queue_urgency", queue.c.site, as_if_since(queue.c), queue.c.comment_id)
# A submission waits for approval and is claimed by nobody: it pays for none of these.


def has_reason(column: ColumnElement[str], why: Why) -> ColumnElement[bool]:
    """Whether the column `why` has this reason among others; written out, as the index of the reason says it."""
    return column.like(literal_column(f"'% {why.value} %'"))


for _why in (Why.EDITED, Why.RESTORED):
    _seldom = has_reason(queue.c.why, _why)
    _index(f"ix_queue_{_why.value}", "site", "waiting_since", "comment_id", only=_seldom, of=queue)
_index("ix_queue_claimed", "site", "claimed_by", only=queue.c.claimed_by.is_not(None), of=queue)

# Why somebody must look: each reason of an entry, once for each source. They go with their entry. What the site's
# policy says has no row: `queue.why` says it, and a submission pays nothing for it.
reasons = Table(
    "reasons",
    metadata,
    Column("comment_id", ordered_text, ForeignKey("queue.comment_id", ondelete="CASCADE"), primary_key=True),
    Column("code", ordered_text, primary_key=True),
    Column("source", ordered_text, primary_key=True),
    Column("source_kind", ordered_text, nullable=False),
    Column("source_name", Text, nullable=False),
    Column("text", Text),
    Column("given_at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# The append-only record. `seq` is the event's, so its order is the order of commits; below 0 for what was decided
# elsewhere before the comment was imported. `before` is what undo puts back. `batch` is the same in all that one call
# did to many comments. `reason_text` is what the site's catalogue said of the reason then; `rules` (their ids with a
# space between) and `policy_version` are there where rules decided.
decisions = Table(
    "decisions",
    metadata,
    Column("id", ordered_text, primary_key=True),
    Column("site", ordered_text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("comment_id", ordered_text, ForeignKey("comments.id"), nullable=False),
    Column("action", ordered_text, nullable=False),
    Column("from_status", ordered_text),
    Column("to_status", ordered_text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("actor_kind", ordered_text, nullable=False),
    Column("actor", ordered_text, nullable=False),
    Column("actor_name", Text, nullable=False),
    Column("reason", Text),
    Column("note", Text),
    Column("note_to_author", Text),
    Column("undoes", ordered_text, ForeignKey("decisions.id")),
    Column("before", Text),
    Column("created_at", BigInteger, nullable=False),
    Column("batch", ordered_text),
    Column("reason_text", Text),
    Column("rules", Text),
    Column("policy_version", Integer),
)
Index("ix_decisions_order", decisions.c.site, decisions.c.seq, unique=True)
Index("ix_decisions_comment", decisions.c.comment_id, decisions.c.seq)
# Most of the record is what the site's policy did with submissions, which nobody asks for by its actor.
BY_SOMEBODY = decisions.c.actor_kind != literal_column(f"'{ActorKind.POLICY.value}'")
_index("ix_decisions_actor", "site", "actor", "seq", only=BY_SOMEBODY, of=decisions)
# Nor is it a part of a batch, and it is one of the two actions of which every record is full.
USUAL_ACTIONS = frozenset({Action.HOLD, Action.APPROVE})
IS_SELDOM = decisions.c.action.not_in([literal_column(f"'{action.value}'") for action in sorted(USUAL_ACTIONS)])
_index("ix_decisions_action", "site", "action", "seq", only=IS_SELDOM, of=decisions)
_index("ix_decisions_batch", "site", "batch", "seq", only=decisions.c.batch.is_not(None), of=decisions)
HAS_REASON = decisions.c.reason.is_not(None)
_index("ix_decisions_reason", "site", "reason", "seq", only=HAS_REASON, of=decisions)

# The policies of each site, every version that ever held: data that people wrote, read by `triage/document`.
policies = Table(
    "policies",
    metadata,
    Column("site", ordered_text, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("document", Text, nullable=False),
    Column("digest", ordered_text, nullable=False),
    Column("actor_kind", ordered_text, nullable=False),
    Column("actor", ordered_text, nullable=False),
    Column("actor_name", Text, nullable=False),
    Column("note", Text),
    Column("created_at", BigInteger, nullable=False),
)

# What the policy said of each text, with the facts of then. Nothing where a site has no policy of its own. `marks` is
# what the queue is narrowed by (outcome, rules, checks, lists, each with a space on either side); it is empty in the
# audit sample. `priority` is what the rules that spoke add to the entry's.
judgements = Table(
    "judgements",
    metadata,
    Column("comment_id", ordered_text, ForeignKey("comments.id"), primary_key=True),
    Column("text_version", Integer, primary_key=True),
    Column("policy_version", Integer, nullable=False),
    Column("outcome", ordered_text, nullable=False),
    Column("said", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("marks", Text, nullable=False, server_default=text("''")),
    Column("priority", Integer, nullable=False, server_default=text("0")),
    sqlite_with_rowid=False,
)

# The lists that moderators keep, and their entries. `key` is by what two entries are the same; `exceptions` is JSON.
lists = Table(
    "lists",
    metadata,
    Column("site", ordered_text, primary_key=True),
    Column("name", ordered_text, primary_key=True),
    Column("title", Text, nullable=False),
    Column("kind", ordered_text, nullable=False),
    Column("note", Text),
    Column("version", Integer, nullable=False),
    Column("entries", Integer, nullable=False),
    Column("actor_kind", ordered_text, nullable=False),
    Column("actor", ordered_text, nullable=False),
    Column("actor_name", Text, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
)
list_entries = Table(
    "list_entries",
    metadata,
    Column("site", ordered_text, primary_key=True),
    Column("list", ordered_text, primary_key=True),
    Column("key", ordered_text, primary_key=True),
    Column("value", Text, nullable=False),
    Column("exceptions", Text, nullable=False),
    Column("note", Text),
    Column("until", BigInteger),
    Column("actor_kind", ordered_text, nullable=False),
    Column("actor", ordered_text, nullable=False),
    Column("actor_name", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)
# Which entries stood in which texts, for 30 days. `acted`: it was not simply published.
list_hits = Table(
    "list_hits",
    metadata,
    Column("site", ordered_text, primary_key=True),
    Column("list", ordered_text, primary_key=True),
    Column("value", ordered_text, primary_key=True),
    Column("created_at", BigInteger, primary_key=True),
    Column("comment_id", ordered_text, ForeignKey("comments.id"), primary_key=True),
    Column("acted", Boolean, nullable=False),
    sqlite_with_rowid=False,
)

# The hosts that each approved comment links to: of a host that is not there, a link is new.
linked_hosts = Table(
    "linked_hosts",
    metadata,
    Column("site", ordered_text, primary_key=True),
    Column("host", ordered_text, primary_key=True),
    Column("comment_id", ordered_text, ForeignKey("comments.id"), primary_key=True),
    sqlite_with_rowid=False,
)

# Texts of the last 7 days, where the site has rules: by `key`, the hash of its letters, a text is known again.
arrivals = Table(
    "arrivals",
    metadata,
    Column("site", ordered_text, primary_key=True),
    Column("created_at", BigInteger, primary_key=True),
    Column("comment_id", ordered_text, ForeignKey("comments.id"), primary_key=True),
    Column("post", ordered_text, nullable=False),
    Column("author", ordered_text, nullable=False),
    Column("key", ordered_text, nullable=False),
    sqlite_with_rowid=False,
)
Index("ix_arrivals_equal", *(arrivals.c[column] for column in ("site", "key", "created_at", "author")))
Index("ix_arrivals_author", arrivals.c.site, arrivals.c.author, arrivals.c.created_at)
Index("ix_arrivals_post", arrivals.c.site, arrivals.c.post, arrivals.c.created_at)

# Which comment of which foreign file a comment is, so that it is brought once. `digest` is of what was brought,
# `version` the comment's then: what somebody did here since has raised it. `batch` is the import that brought it.
imports = Table(
    "imports",
    metadata,
    Column("site", ordered_text, primary_key=True),
    Column("source", ordered_text, primary_key=True),
    Column("source_id", ordered_text, primary_key=True),
    Column("comment_id", ordered_text, ForeignKey("comments.id"), nullable=False),
    Column("batch", ordered_text, nullable=False),
    Column("digest", ordered_text, nullable=False),
    Column("version", Integer, nullable=False),
    sqlite_with_rowid=False,
)
Index("ix_imports_batch", imports.c.site, imports.c.batch, imports.c.comment_id)
Index("ix_imports_comment", imports.c.comment_id)

# What an imported comment's text was made of, where that was no CommonMark: for moderators.
originals = Table(
    "originals",
    metadata,
    Column("comment_id", ordered_text, ForeignKey("comments.id"), primary_key=True),
    Column("format", ordered_text, nullable=False),
    Column("body", Text, nullable=False),
)

# How often each rule spoke, decided, and acted alone, by hours since the epoch; `rule` '' counts all texts that came.
rule_hours = Table(
    "rule_hours",
    metadata,
    Column("site", ordered_text, primary_key=True),
    Column("rule", ordered_text, primary_key=True),
    Column("hour", BigInteger, primary_key=True),
    Column("spoke", BigInteger, nullable=False),
    Column("decided", BigInteger, nullable=False),
    Column("acted", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# Since when a rule is watched, with what its hour had counted by then; when it, or a list that it names, was changed
# last; since when what humans say of it counts (before these two columns: `since`); and since when, why and upon which
# numbers it is braked.
rule_states = Table(
    "rule_states",
    metadata,
    Column("site", ordered_text, primary_key=True),
    Column("rule", ordered_text, primary_key=True),
    Column("since", BigInteger, nullable=False),
    Column("acted_before", BigInteger, nullable=False),
    Column("arrived_before", BigInteger, nullable=False),
    Column("braked_at", BigInteger),
    Column("why", ordered_text),
    Column("acted", BigInteger),
    Column("of_all", BigInteger),
    Column("changed_at", BigInteger),
    Column("learns_since", BigInteger),
    sqlite_with_rowid=False,
)

# Whether humans agreed with what a rule did alone (or would have, but for the audit sample), by comment.
rule_outcomes = Table(
    "rule_outcomes",
    metadata,
    Column("site", ordered_text, primary_key=True),
    Column("rule", ordered_text, primary_key=True),
    Column("comment_id", ordered_text, ForeignKey("comments.id"), primary_key=True),
    Column("said", ordered_text, nullable=False),
    Column("agreed", Boolean, nullable=False),
    Column("at", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
Index("ix_rule_outcomes_at", *(rule_outcomes.c[column] for column in ("site", "rule", "at")))

# Everything that happened, written with the change itself, gapless per site from `sites.first_seq` on. What followers
# need has a column each; `about` is JSON with the rest, and holds nobody's text, name or address. `author` wrote the
# comment, or is who was banned, trusted or noted; the statuses and the version are the comment's, before and after; the
# revisions are NULL where no reader can see a difference; `reason_code` is the decision's reason where that is a code.
# `schema`: 1 was written before these columns, which were filled as far as it is known (`EVENT_SCHEMA` in `model`).
events = Table(
    "events",
    metadata,
    Column("site", ordered_text, primary_key=True),
    Column("seq", BigInteger, primary_key=True),
    Column("id", ordered_text, nullable=False, unique=True),
    Column("type", ordered_text, nullable=False),
    Column("post", ordered_text),
    Column("comment_id", ordered_text),
    Column("about", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("actor_kind", ordered_text),
    Column("actor", ordered_text),
    Column("author", ordered_text),
    Column("from_status", ordered_text),
    Column("to_status", ordered_text),
    Column("version", Integer),
    Column("reason_code", ordered_text),
    Column("post_revision", BigInteger),
    Column("site_revision", BigInteger),
    Column("schema", Integer, nullable=False, server_default=text("1")),
)
# What readers of a post hear of. A submission that waits is no such event, and pays nothing for it.
_index("ix_events_post", "site", "post", "seq", only=events.c.post_revision.is_not(None), of=events)

# First replies by idempotency key, kept for 24 hours.
idempotency = Table(
    "idempotency",
    metadata,
    Column("site", ordered_text, primary_key=True),
    Column("author", ordered_text, primary_key=True),
    Column("route", ordered_text, primary_key=True),
    Column("key", ordered_text, primary_key=True),
    Column("request_hash", ordered_text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("location", Text),
    Column("reply", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
)
Index("ix_idempotency_created_at", idempotency.c.created_at)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", ordered_text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("secret_hash", ordered_text, nullable=False, unique=True),
    Column("site", ordered_text),
    Column("roles", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("revoked_at", BigInteger),
)

# What the service made for itself at its first start: keys of its hashes and cursors, shared by all replicas.
secrets = Table(
    "secrets",
    metadata,
    Column("name", ordered_text, primary_key=True),
    Column("value", Text, nullable=False),
)

# Which replica does a background job, until when, and what it noted for the next one that does. Not a part of what a
# store holds.
leases = Table(
    "leases",
    metadata,
    Column("name", ordered_text, primary_key=True),
    Column("holder", ordered_text),
    Column("until", BigInteger, nullable=False),
    Column("position", Text),
)

# How far each follower that works once for the store has come: the last event of the site that it has handled. Not a
# part of what a store holds.
followers = Table(
    "followers",
    metadata,
    Column("name", ordered_text, primary_key=True),
    Column("site", ordered_text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
)

# Who is signed in at the desk, and links that sign in once: each under the SHA-256 of a secret that only a browser has.
# `role_rules` marks what made somebody a moderator of the site then. Not a part of what a store holds.
desk_sessions = Table(
    "desk_sessions",
    metadata,
    Column("secret_hash", ordered_text, primary_key=True),
    Column("id", ordered_text, nullable=False, unique=True),
    Column("site", ordered_text, nullable=False),
    Column("author", ordered_text, nullable=False),
    Column("name", Text, nullable=False),
    Column("roles", Text, nullable=False),
    Column("role_rules", ordered_text, nullable=False),
    Column("made_at", BigInteger, nullable=False),
    Column("seen_at", BigInteger, nullable=False),
    Column("ends_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
)
Index("ix_desk_sessions_site", desk_sessions.c.site, desk_sessions.c.made_at, desk_sessions.c.id)
desk_codes = Table(
    "desk_codes",
    metadata,
    Column("secret_hash", ordered_text, primary_key=True),
    Column("site", ordered_text, nullable=False),
    Column("author", ordered_text, nullable=False),
    Column("name", Text, nullable=False),
    Column("roles", Text, nullable=False),
    Column("role_rules", ordered_text, nullable=False),
    Column("ends_at", BigInteger, nullable=False),
)

# How each webhook stands (`webhooks.Standing`). Unlike `followers` a part of what a store holds: what was not delivered
# yet is delivered from a copy of it.
webhooks = Table(
    "webhooks",
    metadata,
    Column("site", ordered_text, primary_key=True),
    Column("name", ordered_text, primary_key=True),
    Column("seq", BigInteger, nullable=False),
    Column("refused", Integer, nullable=False, server_default=text("0")),
    Column("ask_at", BigInteger, nullable=False, server_default=text("0")),
    Column("off", ordered_text),
    Column("missed", BigInteger, nullable=False, server_default=text("0")),
    Column("replay_after", BigInteger),
    Column("replay_until", BigInteger),
    Column("last_success_at", BigInteger),
    Column("last_failure_at", BigInteger),
    Column("last_failure_status", Integer),
    Column("last_failure_error", Text),
)

# Deliveries of webhooks that are in doubt, that failed, and the last ones that arrived. `tries` is JSON.
deliveries = Table(
    "deliveries",
    metadata,
    Column("id", ordered_text, primary_key=True),
    Column("site", ordered_text, nullable=False),
    Column("webhook", ordered_text, nullable=False),
    Column("event_id", ordered_text, nullable=False),
    Column("type", ordered_text, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("happened_at", BigInteger, nullable=False),
    Column("state", ordered_text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("tries", Text, nullable=False),
    Column("next_try_at", BigInteger),
)
Index("ix_deliveries_state", *(deliveries.c[column] for column in ("site", "webhook", "state", "id")))

# One row that the readiness check writes.
probe = Table(
    "probe",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("written_at", BigInteger, nullable=False),
    Column("filler", Text, nullable=False),
)
