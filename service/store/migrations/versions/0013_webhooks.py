"""How each webhook stands, and those of its deliveries that are in doubt, have failed, or are the last that arrived."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

ordered_text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make both tables. A webhook has its row when it begins."""
    op.create_table(
        "webhooks",
        sa.Column("site", ordered_text, nullable=False),
        sa.Column("name", ordered_text, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("refused", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("ask_at", sa.BigInteger, nullable=False, server_default=sa.text("0")),
        sa.Column("off", ordered_text),
        sa.Column("missed", sa.BigInteger, nullable=False, server_default=sa.text("0")),
        sa.Column("replay_after", sa.BigInteger),
        sa.Column("replay_until", sa.BigInteger),
        sa.Column("last_success_at", sa.BigInteger),
        sa.Column("last_failure_at", sa.BigInteger),
        sa.Column("last_failure_status", sa.Integer),
        sa.Column("last_failure_error", sa.Text),
        sa.PrimaryKeyConstraint("site", "name", name=op.f("pk_webhooks")),
    )
    op.create_table(
        "deliveries",
        sa.Column("id", ordered_text, nullable=False),
        sa.Column("site", ordered_text, nullable=False),
        sa.Column("webhook", ordered_text, nullable=False),
        sa.Column("event_id", ordered_text, nullable=False),
        sa.Column("type", ordered_text, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("happened_at", sa.BigInteger, nullable=False),
        sa.Column("state", ordered_text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("tries", sa.Text, nullable=False),
        sa.Column("next_try_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
    )
    op.create_index("ix_deliveries_state", "deliveries", ["site", "webhook", "state", "id"])
