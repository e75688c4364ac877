"""Feeds go by the moment at which readers were shown a text; for what is there already, as far as that is known."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

comments = sa.table("comments", *(sa.column(name) for name in ("status", "published_at", "edited_at", "shown_at")))
PUBLIC = comments.c.status == sa.literal_column("'approved'")


def upgrade() -> None:
    """Add the column, fill it for what readers see, and make the indexes."""
    op.add_column("comments", sa.Column("shown_at", sa.BigInteger))
    was_edited_since = comments.c.edited_at > comments.c.published_at
    known = sa.case((was_edited_since, comments.c.edited_at), else_=comments.c.published_at)
    op.execute(sa.update(comments).where(PUBLIC).values(shown_at=known))
    _create("post_feed", ["site", "post", "shown_at", "id"])
    _create("site_feed", ["site", "shown_at", "id"])


def _create(name: str, columns: list[str]) -> None:
    op.create_index(f"ix_comments_{name}", "comments", columns, sqlite_where=PUBLIC, postgresql_where=PUBLIC)
