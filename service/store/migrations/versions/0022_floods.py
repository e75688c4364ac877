"""What came of one author, and on one post, in the last minutes is counted by an index, not by a look at all."""

from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    """Add both indexes."""
    op.create_index("ix_arrivals_author", "arrivals", ["site", "author", "created_at"])
    op.create_index("ix_arrivals_post", "arrivals", ["site", "post", "created_at"])
