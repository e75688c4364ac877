"""An index of each author's comments by post: a front end asks for them with every page that a reader opens."""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Make the index."""
    op.create_index("ix_comments_own", "comments", ["site", "author", "post", "created_at", "id"])
