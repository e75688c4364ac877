"""Imported comments: where each came from, what its text was made of, and the anchor of old links to it."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

ordered_text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make both tables, the column and its index."""
    op.create_table(
        "imports",
        sa.Column("site", ordered_text, nullable=False),
        sa.Column("source", ordered_text, nullable=False),
        sa.Column("source_id", ordered_text, nullable=False),
        sa.Column("comment_id", ordered_text, nullable=False),
        sa.Column("batch", ordered_text, nullable=False),
        sa.Column("digest", ordered_text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("site", "source", "source_id", name="pk_imports"),
        sa.ForeignKeyConstraint(["comment_id"], ["comments.id"], name="fk_imports_comment_id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_imports_batch", "imports", ["site", "batch", "comment_id"])
    op.create_index("ix_imports_comment", "imports", ["comment_id"])
    op.create_table(
        "originals",
        sa.Column("comment_id", ordered_text, nullable=False),
        sa.Column("format", ordered_text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("comment_id", name="pk_originals"),
        sa.ForeignKeyConstraint(["comment_id"], ["comments.id"], name="fk_originals_comment_id"),
    )
    op.add_column("comments", sa.Column("anchor", sa.Text))
    has_one = sa.text("anchor IS NOT NULL")
    op.create_index(
        "ix_comments_anchor", "comments", ["site", "post", "anchor"], sqlite_where=has_one, postgresql_where=has_one
    )
