"""A site's policy is kept in versions, and what it said of each text with the facts of then."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

ordered_text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make both tables; no site has a policy of its own yet."""
    op.create_table(
        "policies",
        sa.Column("site", ordered_text, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("digest", ordered_text, nullable=False),
        sa.Column("actor_kind", ordered_text, nullable=False),
        sa.Column("actor", ordered_text, nullable=False),
        sa.Column("actor_name", sa.Text, nullable=False),
        sa.Column("note", sa.Text),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("site", "version", name=op.f("pk_policies")),
    )
    op.create_table(
        "judgements",
        sa.Column("comment_id", ordered_text, nullable=False),
        sa.Column("text_version", sa.Integer, nullable=False),
        sa.Column("policy_version", sa.Integer, nullable=False),
        sa.Column("outcome", ordered_text, nullable=False),
        sa.Column("said", sa.Text, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.ForeignKeyConstraint(["comment_id"], ["comments.id"], name=op.f("fk_judgements_comment_id")),
        sa.PrimaryKeyConstraint("comment_id", "text_version", name=op.f("pk_judgements")),
        sqlite_with_rowid=False,
    )
