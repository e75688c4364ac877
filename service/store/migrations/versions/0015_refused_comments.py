"""An index of what was refused, by its status: moderators go through it. A submission that waits is not in it."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

IS_REFUSED = sa.column("status").in_([sa.literal_column(f"'{status}'") for status in ("deleted", "rejected", "spam")])


def upgrade() -> None:
    """Make the index."""
    op.create_index(
        "ix_comments_refused",
        "comments",
        ["site", "status", "created_at", "id"],
        sqlite_where=IS_REFUSED,
        postgresql_where=IS_REFUSED,
    )
