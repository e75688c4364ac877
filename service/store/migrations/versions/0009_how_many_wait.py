"""The site's row counts its queue; indexes of what is seldom, which a submission pays nothing for.

On PostgreSQL the index of threads has a hash in the place of the post's key, which could be too long for it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

queue = sa.table("queue", *(sa.column(name) for name in ("site", "why", "claimed_by")))
sites = sa.table("sites", sa.column("site"), sa.column("waiting"))
decisions = sa.table("decisions", sa.column("actor_kind"))
BY_SOMEBODY = decisions.c.actor_kind != sa.literal_column("'policy'")
LISTED = sa.table("comments", sa.column("listed", sa.Boolean)).c.listed.is_(sa.true())
IS_CLAIMED = queue.c.claimed_by.is_not(None)


def upgrade() -> None:
    """Add the counter and count once; make the indexes."""
    op.add_column("sites", sa.Column("waiting", sa.Integer, nullable=False, server_default=sa.text("0")))
    waiting = sa.select(sa.func.count()).select_from(queue).where(queue.c.site == sites.c.site).scalar_subquery()
    op.execute(sa.update(sites).values(waiting=waiting))
    for why in ("edited", "restored"):
        has_reason = queue.c.why.like(sa.literal_column(f"'% {why} %'"))
        _create(f"ix_queue_{why}", "queue", ["site", "waiting_since", "comment_id"], has_reason)
    _create("ix_queue_claimed", "queue", ["site", "claimed_by"], IS_CLAIMED)
    if op.get_context().dialect.name == "postgresql":
        post = sa.text("hashtextextended(post, 0)")
        op.drop_index("ix_comments_thread", "comments")
        _create("ix_comments_thread", "comments", ["site", post, "root", "path"], LISTED)
    op.drop_index("ix_decisions_actor", "decisions")
    _create("ix_decisions_actor", "decisions", ["site", "actor", "seq"], BY_SOMEBODY)


def _create(name: str, table: str, columns: list[str | sa.TextClause], where: sa.ColumnElement[bool]) -> None:
    op.create_index(name, table, columns, sqlite_where=where, postgresql_where=where)
