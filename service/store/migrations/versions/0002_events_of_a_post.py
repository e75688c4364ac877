"""An index by which a post's events are found: live streams go on where their client was."""

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the index."""
    op.create_index("ix_events_post", "events", ["site", "post", "seq"])
