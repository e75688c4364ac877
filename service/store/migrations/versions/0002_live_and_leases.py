"""An index by which a post's events are found, for live streams; and the leases by which replicas share their jobs."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

ordered_text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make both."""
    op.create_index("ix_events_post", "events", ["site", "post", "seq"])
    op.create_table(
        "leases",
        sa.Column("name", ordered_text, nullable=False),
        sa.Column("holder", ordered_text),
        sa.Column("until", sa.BigInteger, nullable=False),
        sa.Column("position", sa.Text),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
    )
