"""The index of a post's events holds only those that its readers hear of, so a submission that waits writes less."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

IS_VISIBLE = sa.column("post_revision").is_not(None)


def upgrade() -> None:
    """Make the index anew."""
    op.drop_index("ix_events_post", "events")
    op.create_index(
        "ix_events_post", "events", ["site", "post", "seq"], sqlite_where=IS_VISIBLE, postgresql_where=IS_VISIBLE
    )
