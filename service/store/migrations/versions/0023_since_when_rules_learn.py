"""When a rule, or a list that it names, was changed last, and since when what humans say of it counts."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    """Add two columns. Where they are empty, `since` says both."""
    for name in ("changed_at", "learns_since"):
        op.add_column("rule_states", sa.Column(name, sa.BigInteger))
