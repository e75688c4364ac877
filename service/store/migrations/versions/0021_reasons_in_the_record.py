"""The record is narrowed by the reason of a decision."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"

HAS_REASON = sa.column("reason").is_not(None)


def upgrade() -> None:
    """Make the index. Most decisions have no reason, and cost it nothing."""
    op.create_index(
        "ix_decisions_reason",
        "decisions",
        ["site", "reason", "seq"],
        sqlite_where=HAS_REASON,
        postgresql_where=HAS_REASON,
    )
