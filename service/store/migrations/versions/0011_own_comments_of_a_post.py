"""An index of each author's comments by post: a front end asks for them with every page that a reader opens.

Doubles are looked for there as well, so the index of all of an author's comments has no hash of the text any more.
"""

from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Make the index, and the older one anew without the hash."""
    op.create_index("ix_comments_own", "comments", ["site", "author", "post", "created_at", "id", "body_hash"])
    op.drop_index("ix_comments_author", "comments")
    op.create_index("ix_comments_author", "comments", ["site", "author", "created_at", "id"])
