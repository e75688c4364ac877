"""Lists and their entries, where these stood; hosts that approved comments link to; what arrived lately."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

ordered_text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the tables. What sites hold already is read later, in the background."""
    op.add_column("sites", sa.Column("lists_mark", sa.Text))
    for name in ("hosts_known", "arrivals_known"):
        op.add_column("sites", sa.Column(name, sa.Boolean, nullable=False, server_default=sa.false()))
    op.create_table(
        "lists",
        sa.Column("site", ordered_text, nullable=False),
        sa.Column("name", ordered_text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("kind", ordered_text, nullable=False),
        sa.Column("note", sa.Text),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("entries", sa.Integer, nullable=False),
        sa.Column("actor_kind", ordered_text, nullable=False),
        sa.Column("actor", ordered_text, nullable=False),
        sa.Column("actor_name", sa.Text, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("site", "name", name="pk_lists"),
    )
    op.create_table(
        "list_entries",
        sa.Column("site", ordered_text, nullable=False),
        sa.Column("list", ordered_text, nullable=False),
        sa.Column("key", ordered_text, nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("exceptions", sa.Text, nullable=False),
        sa.Column("note", sa.Text),
        sa.Column("until", sa.BigInteger),
        sa.Column("actor_kind", ordered_text, nullable=False),
        sa.Column("actor", ordered_text, nullable=False),
        sa.Column("actor_name", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("site", "list", "key", name="pk_list_entries"),
    )
    op.create_table(
        "list_hits",
        sa.Column("site", ordered_text, nullable=False),
        sa.Column("list", ordered_text, nullable=False),
        sa.Column("value", ordered_text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("comment_id", ordered_text, nullable=False),
        sa.Column("acted", sa.Boolean, nullable=False),
        sa.ForeignKeyConstraint(["comment_id"], ["comments.id"], name="fk_list_hits_comment_id"),
        sa.PrimaryKeyConstraint("site", "list", "value", "created_at", "comment_id", name="pk_list_hits"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "linked_hosts",
        sa.Column("site", ordered_text, nullable=False),
        sa.Column("host", ordered_text, nullable=False),
        sa.Column("comment_id", ordered_text, nullable=False),
        sa.ForeignKeyConstraint(["comment_id"], ["comments.id"], name="fk_linked_hosts_comment_id"),
        sa.PrimaryKeyConstraint("site", "host", "comment_id", name="pk_linked_hosts"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "arrivals",
        sa.Column("site", ordered_text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("comment_id", ordered_text, nullable=False),
        sa.Column("post", ordered_text, nullable=False),
        sa.Column("author", ordered_text, nullable=False),
        sa.Column("key", ordered_text, nullable=False),
        sa.ForeignKeyConstraint(["comment_id"], ["comments.id"], name="fk_arrivals_comment_id"),
        sa.PrimaryKeyConstraint("site", "created_at", "comment_id", name="pk_arrivals"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_arrivals_equal", "arrivals", ["site", "key", "created_at", "author"])
