"""Indexes of what readers see hold nothing else, and an author's texts are found by one index: a write costs less."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

comments = sa.table("comments", sa.column("parent_id"), sa.column("status"), sa.column("listed", sa.Boolean))
LISTED = comments.c.listed.is_(sa.true())
PUBLIC = comments.c.status == sa.literal_column("'approved'")
HAS_PARENT = comments.c.parent_id.is_not(None)


def upgrade() -> None:
    """Put new ones in the places of the old."""
    for name in ("thread", "flat", "latest", "author", "same_text", "parent"):
        op.drop_index(f"ix_comments_{name}", "comments")
    _create("thread", ["site", "post", "root", "path"], LISTED)
    _create("flat", ["site", "post", "created_at", "id"], PUBLIC)
    _create("latest", ["site", "created_at", "id"], PUBLIC)
    _create("parent", ["parent_id"], HAS_PARENT)
    op.create_index("ix_comments_author", "comments", ["site", "author", "created_at", "id", "body_hash"])


def _create(name: str, columns: list[str], where: sa.ColumnElement[bool]) -> None:
    op.create_index(f"ix_comments_{name}", "comments", columns, sqlite_where=where, postgresql_where=where)
