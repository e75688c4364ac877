"""Who is signed in at the desk, and links that sign in once."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

ordered_text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "desk_sessions",
        sa.Column("secret_hash", ordered_text, nullable=False),
        sa.Column("id", ordered_text, nullable=False),
        sa.Column("site", ordered_text, nullable=False),
        sa.Column("author", ordered_text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("roles", sa.Text, nullable=False),
        sa.Column("role_rules", ordered_text, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("seen_at", sa.BigInteger, nullable=False),
        sa.Column("ends_at", sa.BigInteger, nullable=False),
        sa.Column("revoked_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("secret_hash", name="pk_desk_sessions"),
        sa.UniqueConstraint("id", name="uq_desk_sessions_id"),
    )
    op.create_index("ix_desk_sessions_site", "desk_sessions", ["site", "made_at", "id"])
    op.create_table(
        "desk_codes",
        sa.Column("secret_hash", ordered_text, nullable=False),
        sa.Column("site", ordered_text, nullable=False),
        sa.Column("author", ordered_text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("roles", sa.Text, nullable=False),
        sa.Column("role_rules", ordered_text, nullable=False),
        sa.Column("ends_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("secret_hash", name="pk_desk_codes"),
    )
