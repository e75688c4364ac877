"""What moderators pin of a post's label; and what searches of the queue look at, folded alike on every database."""

import re
import unicodedata

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

AT_ONCE = 500
INVISIBLE = re.compile(
    "["
    "\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    "]"
)
queue = sa.table("queue", sa.column("comment_id"), sa.column("folded"))
comments = sa.table("comments", sa.column("id"), sa.column("body"), sa.column("edit_body"), sa.column("author_name"))
WAITING = (
    sa.select(queue.c.comment_id, comments.c.body, comments.c.edit_body, comments.c.author_name)
    .select_from(queue.join(comments, comments.c.id == queue.c.comment_id))
    .where(queue.c.comment_id > sa.bindparam("after"))
    .order_by(queue.c.comment_id)
    .limit(AT_ONCE)
)
FOLD = (
    sa.update(queue).where(queue.c.comment_id == sa.bindparam("of_comment")).values(folded=sa.bindparam("new_folded"))
)


def upgrade() -> None:
    """Add the columns, and fold what waits. What posts are called stays as it is."""
    op.add_column("posts", sa.Column("pinned_title", sa.Text))
    op.add_column("posts", sa.Column("pinned_url", sa.Text))
    op.add_column("queue", sa.Column("folded", sa.Text, nullable=False, server_default=sa.text("''")))
    if not op.get_context().as_sql:
        _fold_what_waits(op.get_bind())


def _fold_what_waits(connection: sa.Connection) -> None:
    after = ""
    while rows := connection.execute(WAITING, {"after": after}).all():
        folded = [(row[0], "\n".join(_fold(text) for text in row[1:] if text is not None)) for row in rows]
        connection.execute(FOLD, [{"of_comment": comment, "new_folded": text} for comment, text in folded])
        after = rows[-1][0]


def _fold(text: str) -> str:
    """As `service/folding.py` did when this was released."""
    shown = INVISIBLE.sub("", text)
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", shown).casefold())
    return folded.replace("i\u0307", "i").replace("\u0131", "i")
