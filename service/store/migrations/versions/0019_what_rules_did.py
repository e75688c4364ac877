"""What rules did alone: marked on comments and in the record, counted by hours, with brakes and what humans said to it.

Judgements say by what the queue is narrowed, and what they add to an entry's priority; waiting adds to it as well, and
the index of what is most urgent knows that. Posts can have the date at which the blog published them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"

ordered_text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
POINT = sa.cast(sa.literal_column("600000"), sa.BigInteger)
AS_IF_SINCE = sa.column("waiting_since", sa.BigInteger) - sa.column("priority", sa.Integer) * POINT


def upgrade() -> None:
    """Add columns, empty in what stands there, and three tables; another index of the queue in the place of one."""
    op.add_column("comments", sa.Column("by_rule", sa.Boolean, nullable=False, server_default=sa.false()))
    op.drop_index("ix_queue_priority", "queue")
    op.create_index("ix_queue_urgency", "queue", ["site", AS_IF_SINCE, "comment_id"])
    op.add_column("posts", sa.Column("published_at", sa.BigInteger))
    op.add_column("decisions", sa.Column("reason_text", sa.Text))
    op.add_column("decisions", sa.Column("rules", sa.Text))
    op.add_column("decisions", sa.Column("policy_version", sa.Integer))
    op.add_column("judgements", sa.Column("marks", sa.Text, nullable=False, server_default=sa.text("''")))
    op.add_column("judgements", sa.Column("priority", sa.Integer, nullable=False, server_default=sa.text("0")))
    op.create_table(
        "rule_hours",
        sa.Column("site", ordered_text, primary_key=True),
        sa.Column("rule", ordered_text, primary_key=True),
        sa.Column("hour", sa.BigInteger, primary_key=True),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("spoke", "decided", "acted")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "rule_states",
        sa.Column("site", ordered_text, primary_key=True),
        sa.Column("rule", ordered_text, primary_key=True),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in ("since", "acted_before", "arrived_before")),
        sa.Column("braked_at", sa.BigInteger),
        sa.Column("why", ordered_text),
        sa.Column("acted", sa.BigInteger),
        sa.Column("of_all", sa.BigInteger),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "rule_outcomes",
        sa.Column("site", ordered_text, primary_key=True),
        sa.Column("rule", ordered_text, primary_key=True),
        sa.Column("comment_id", ordered_text, sa.ForeignKey("comments.id"), primary_key=True),
        sa.Column("said", ordered_text, nullable=False),
        sa.Column("agreed", sa.Boolean, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_rule_outcomes_at", "rule_outcomes", ["site", "rule", "at"])
