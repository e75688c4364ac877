"""An entry of the queue has reasons in a table of their own, each with who gave it and when; there was one for each.

What the site's policy says (`awaiting-approval`) has no row: the entry says it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

ordered_text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
FILL = """
INSERT INTO reasons (comment_id, code, source, source_kind, source_name, text, given_at)
SELECT q.comment_id, trim(q.why),
  CASE trim(q.why) WHEN 'edited' THEN c.author ELSE coalesce(d.actor, 'unknown') END,
  CASE trim(q.why) WHEN 'edited' THEN 'author' ELSE coalesce(d.actor_kind, 'system') END,
  CASE trim(q.why) WHEN 'edited' THEN c.author_name
    ELSE coalesce(d.actor_name, 'An older release did not keep who it was') END,
  NULL,
  CASE trim(q.why) WHEN 'edited' THEN coalesce(c.edit_submitted_at, q.waiting_since)
    ELSE coalesce(d.created_at, q.waiting_since) END
FROM queue AS q JOIN comments AS c ON c.id = q.comment_id AND trim(q.why) <> 'awaiting-approval'
  LEFT JOIN decisions AS d ON d.comment_id = q.comment_id AND d.seq =
    (SELECT max(r.seq) FROM decisions AS r WHERE r.comment_id = q.comment_id AND r.action = 'restore')
"""


def upgrade() -> None:
    """Make the table, and a row for each entry that is there."""
    op.create_table(
        "reasons",
        sa.Column("comment_id", ordered_text, nullable=False),
        sa.Column("code", ordered_text, nullable=False),
        sa.Column("source", ordered_text, nullable=False),
        sa.Column("source_kind", ordered_text, nullable=False),
        sa.Column("source_name", sa.Text, nullable=False),
        sa.Column("text", sa.Text),
        sa.Column("given_at", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(
            ["comment_id"], ["queue.comment_id"], name=op.f("fk_reasons_comment_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("comment_id", "code", "source", name=op.f("pk_reasons")),
        sqlite_with_rowid=False,
    )
    if not op.get_context().as_sql:
        op.execute(FILL)
