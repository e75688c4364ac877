"""Decisions of one call are a batch; the record is narrowed by it and by what was done.

The index of an author's comments on a post begins with the post, so that it finds all comments on a post as well.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

ordered_text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
OF_A_BATCH = sa.column("batch").is_not(None)
IS_SELDOM = sa.column("action").not_in([sa.literal_column("'approve'"), sa.literal_column("'hold'")])


def upgrade() -> None:
    """Add the column, which is empty in what stands there, and make the indexes."""
    op.add_column("decisions", sa.Column("batch", ordered_text))
    for name, column, only in [("batch", "batch", OF_A_BATCH), ("action", "action", IS_SELDOM)]:
        op.create_index(
            f"ix_decisions_{name}",
            "decisions",
            ["site", column, "seq"],
            sqlite_where=only,
            postgresql_where=only,
        )
    op.drop_index("ix_comments_own", "comments")
    op.create_index("ix_comments_own", "comments", ["site", "post", "author", "created_at", "id", "body_hash"])
