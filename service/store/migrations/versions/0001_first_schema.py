"""The first schema: what `store/tables.py` said when it was made. Never changed; the next change is the next file."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

ordered_text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make every table, those that others refer to first."""
    _sites_and_posts()
    _authors()
    _comments()
    _revisions()
    _queue()
    _decisions()
    _events()
    _idempotency()
    _the_services_own()


def _sites_and_posts() -> None:
    op.create_table(
        "sites",
        sa.Column("site", ordered_text, nullable=False),
        sa.Column("event_seq", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("site", name=op.f("pk_sites")),
    )
    op.create_table(
        "posts",
        sa.Column("site", ordered_text, nullable=False),
        sa.Column("post", ordered_text, nullable=False),
        sa.Column("title", sa.Text),
        sa.Column("url", sa.Text),
        sa.Column("open", sa.Boolean, nullable=False, server_default=sa.true()),
        sa.Column("count", sa.Integer, _at_least("posts", "count", 0), nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("comment_seq", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("site", "post", name=op.f("pk_posts")),
    )


def _authors() -> None:
    op.create_table(
        "authors",
        sa.Column("site", ordered_text, nullable=False),
        sa.Column("author", ordered_text, nullable=False),
        sa.Column("namespace", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("bio", sa.Text),
        sa.Column("url", sa.Text),
        sa.Column("avatar", sa.Text),
        sa.Column("first_seen", sa.BigInteger, nullable=False),
        sa.Column("approved", sa.Integer, _at_least("authors", "approved", 0), nullable=False),
        sa.Column("rejected", sa.Integer, _at_least("authors", "rejected", 0), nullable=False),
        sa.Column("banned_until", sa.BigInteger),
        sa.Column("trusted", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("note", sa.Text),
        sa.PrimaryKeyConstraint("site", "author", name=op.f("pk_authors")),
    )


def _comments() -> None:
    known_status = sa.CheckConstraint(
        "status IN ('pending', 'approved', 'rejected', 'spam', 'deleted')", name=op.f("ck_comments_known_status")
    )
    op.create_table(
        "comments",
        sa.Column("id", ordered_text, nullable=False),
        sa.Column("site", ordered_text, nullable=False),
        sa.Column("post", ordered_text, nullable=False),
        sa.Column("parent_id", ordered_text),
        sa.Column("author", ordered_text, nullable=False),
        sa.Column("author_name", sa.Text, nullable=False),
        sa.Column("author_bio", sa.Text),
        sa.Column("author_url", sa.Text),
        sa.Column("author_avatar", sa.Text),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("body_hash", ordered_text, nullable=False),
        sa.Column("html", sa.Text, nullable=False),
        sa.Column("renderer", sa.Integer, nullable=False),
        sa.Column("status", ordered_text, known_status, nullable=False),
        sa.Column(
            "version",
            sa.Integer,
            sa.CheckConstraint("version >= 1", name=op.f("ck_comments_version_from_one")),
            nullable=False,
        ),
        sa.Column("text_version", sa.Integer, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("edited_at", sa.BigInteger),
        sa.Column("published_at", sa.BigInteger),
        sa.Column("root", ordered_text, nullable=False),
        sa.Column("path", ordered_text, nullable=False),
        sa.Column("depth", sa.Integer, nullable=False),
        sa.Column("reply_count", sa.Integer, _at_least("comments", "reply_count", 0), nullable=False),
        sa.Column("listed", sa.Boolean, nullable=False),
        sa.Column("post_title", sa.Text),
        sa.Column("post_url", sa.Text),
        sa.Column("edit_body", sa.Text),
        sa.Column("edit_html", sa.Text),
        sa.Column("edit_version", sa.Integer),
        sa.Column("edit_submitted_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_comments")),
        sa.ForeignKeyConstraint(["parent_id"], ["comments.id"], name=op.f("fk_comments_parent_id")),
        sa.ForeignKeyConstraint(["site", "post"], ["posts.site", "posts.post"], name=op.f("fk_comments_site_post")),
        sa.ForeignKeyConstraint(
            ["site", "author"], ["authors.site", "authors.author"], name=op.f("fk_comments_site_author")
        ),
    )
    op.create_index("ix_comments_thread", "comments", ["site", "post", "listed", "root", "path"])
    op.create_index("ix_comments_flat", "comments", ["site", "post", "status", "created_at", "id"])
    op.create_index("ix_comments_latest", "comments", ["site", "status", "created_at", "id"])
    op.create_index("ix_comments_author", "comments", ["site", "author", "created_at", "id"])
    op.create_index("ix_comments_same_text", "comments", ["site", "author", "body_hash", "created_at"])
    op.create_index("ix_comments_parent", "comments", ["parent_id"])


def _revisions() -> None:
    op.create_table(
        "revisions",
        sa.Column("comment_id", ordered_text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("html", sa.Text, nullable=False),
        sa.Column("renderer", sa.Integer, nullable=False),
        sa.Column("submitted_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("comment_id", "version", name=op.f("pk_revisions")),
        sa.ForeignKeyConstraint(["comment_id"], ["comments.id"], name=op.f("fk_revisions_comment_id")),
    )


def _queue() -> None:
    op.create_table(
        "queue",
        sa.Column("comment_id", ordered_text, nullable=False),
        sa.Column("site", ordered_text, nullable=False),
        sa.Column("post", ordered_text, nullable=False),
        sa.Column("author", ordered_text, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("priority", sa.Integer, nullable=False),
        sa.Column("waiting_since", sa.BigInteger, nullable=False),
        sa.Column("claimed_by", ordered_text),
        sa.Column("claimed_by_name", sa.Text),
        sa.Column("claimed_until", sa.BigInteger),
        sa.PrimaryKeyConstraint("comment_id", name=op.f("pk_queue")),
        sa.ForeignKeyConstraint(["comment_id"], ["comments.id"], name=op.f("fk_queue_comment_id")),
    )
    op.create_index("ix_queue_oldest", "queue", ["site", "waiting_since", "comment_id"])
    op.create_index("ix_queue_priority", "queue", ["site", sa.desc("priority"), "waiting_since", "comment_id"])


def _decisions() -> None:
    op.create_table(
        "decisions",
        sa.Column("id", ordered_text, nullable=False),
        sa.Column("site", ordered_text, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("comment_id", ordered_text, nullable=False),
        sa.Column("action", ordered_text, nullable=False),
        sa.Column("from_status", ordered_text),
        sa.Column("to_status", ordered_text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("actor_kind", ordered_text, nullable=False),
        sa.Column("actor", ordered_text, nullable=False),
        sa.Column("actor_name", sa.Text, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("note", sa.Text),
        sa.Column("note_to_author", sa.Text),
        sa.Column("undoes", ordered_text),
        sa.Column("before", sa.Text),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
        sa.ForeignKeyConstraint(["comment_id"], ["comments.id"], name=op.f("fk_decisions_comment_id")),
        sa.ForeignKeyConstraint(["undoes"], ["decisions.id"], name=op.f("fk_decisions_undoes")),
    )
    op.create_index("ix_decisions_order", "decisions", ["site", "seq"], unique=True)
    op.create_index("ix_decisions_comment", "decisions", ["comment_id", "seq"])
    op.create_index("ix_decisions_actor", "decisions", ["site", "actor", "seq"])


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("site", ordered_text, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("id", ordered_text, nullable=False),
        sa.Column("type", ordered_text, nullable=False),
        sa.Column("post", ordered_text),
        sa.Column("comment_id", ordered_text),
        sa.Column("about", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("site", "seq", name=op.f("pk_events")),
        sa.UniqueConstraint("id", name=op.f("uq_events_id")),
    )


def _idempotency() -> None:
    op.create_table(
        "idempotency",
        sa.Column("site", ordered_text, nullable=False),
        sa.Column("author", ordered_text, nullable=False),
        sa.Column("route", ordered_text, nullable=False),
        sa.Column("key", ordered_text, nullable=False),
        sa.Column("request_hash", ordered_text, nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("location", sa.Text),
        sa.Column("reply", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("site", "author", "route", "key", name=op.f("pk_idempotency")),
    )
    op.create_index("ix_idempotency_created_at", "idempotency", ["created_at"])


def _the_services_own() -> None:
    op.create_table(
        "api_keys",
        sa.Column("id", ordered_text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("secret_hash", ordered_text, nullable=False),
        sa.Column("site", ordered_text),
        sa.Column("roles", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("revoked_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_api_keys_secret_hash")),
    )
    op.create_table(
        "secrets",
        sa.Column("name", ordered_text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_secrets")),
    )
    op.create_table(
        "probe",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("written_at", sa.BigInteger, nullable=False),
        sa.Column("filler", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_probe")),
    )


def _at_least(table: str, column: str, least: int) -> sa.CheckConstraint:
    return sa.CheckConstraint(f"{column} >= {least}", name=op.f(f"ck_{table}_{column}_not_negative"))
