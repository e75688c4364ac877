"""What an author's approved comments add to the priority of an entry; above which version a new list begins."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    """Add two columns. Entries that wait already keep the priority that they have."""
    op.add_column("queue", sa.Column("of_author", sa.Integer, nullable=False, server_default=sa.text("0")))
    op.add_column("sites", sa.Column("lists_gone", sa.Integer, nullable=False, server_default=sa.text("0")))
