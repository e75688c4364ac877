"""Every text says which renderer made its HTML: the edit that waits as well, and nobody else's label stands on it.

The release before wrote its own renderer's number beside HTML that it had not made, whenever a comment changed. What
may have such a number is taken for the oldest renderer's: rendering it once more changes nothing where it was right.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

OLDEST = 1
comments = sa.table(
    "comments",
    *(sa.column(name) for name in ("renderer", "version", "text_version", "edit_body", "edit_renderer")),
)
revisions = sa.table("revisions", sa.column("renderer"))


def upgrade() -> None:
    """Add the column; number what cannot be trusted as the oldest."""
    op.add_column("comments", sa.Column("edit_renderer", sa.Integer))
    op.execute(sa.update(comments).where(comments.c.edit_body.is_not(None)).values(edit_renderer=OLDEST))
    changed_since = comments.c.version > comments.c.text_version
    op.execute(sa.update(comments).where(changed_since, comments.c.renderer > OLDEST).values(renderer=OLDEST))
    op.execute(sa.update(revisions).where(revisions.c.renderer > OLDEST).values(renderer=OLDEST))
