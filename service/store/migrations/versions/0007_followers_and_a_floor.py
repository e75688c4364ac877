"""What followers need of an event gets columns; a site's events may begin at a floor; positions get a table.

The columns of old events are filled from what they say in `about`, from the record (by site and number) and from the
comment. What none of these know stays NULL: the statuses and the version of an edit.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

AT_ONCE = 500
PURGE = "purge"
REASON_CODE = re.compile(r"(?=.{1,64}\Z)[a-z0-9]+([._-][a-z0-9]+)*")
ordered_text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
FILLED = (
    "actor_kind",
    "actor",
    "author",
    "from_status",
    "to_status",
    "version",
    "reason_code",
    "post_revision",
    "site_revision",
)
MOVED = {"actor", "author", "from_status", "to_status", "version", "post_revision", "site_revision"}
"""Members of `about` that stand in columns now."""
DERIVED = {"decision_id", "waits"}
"""Members of `about` that nobody reads: the record has the event's number, and what waits has no revision."""


def _table(name: str, *columns: str) -> sa.TableClause:
    return sa.table(name, *map(sa.column, columns))


events = _table("events", "site", "seq", "type", "comment_id", "about", *FILLED)
decisions = _table("decisions", "site", "seq", "actor_kind", "actor", "reason")
comments = _table("comments", "id", "author")
leases = _table("leases", "name", "position")
followers = _table("followers", "name", "site", "seq")
OLD = (
    sa.select(
        events.c.site,
        events.c.seq,
        events.c.type,
        events.c.about,
        decisions.c.actor_kind,
        decisions.c.actor,
        decisions.c.reason,
        comments.c.author,
    )
    .select_from(
        events.outerjoin(
            decisions, sa.and_(decisions.c.site == events.c.site, decisions.c.seq == events.c.seq)
        ).outerjoin(comments, comments.c.id == events.c.comment_id)
    )
    .where(sa.tuple_(events.c.site, events.c.seq) > sa.tuple_(sa.bindparam("after_site"), sa.bindparam("after_seq")))
    .order_by(events.c.site, events.c.seq)
    .limit(AT_ONCE)
)
FILL = (
    sa.update(events)
    .where(events.c.site == sa.bindparam("of_site"), events.c.seq == sa.bindparam("of_seq"))
    .values({name: sa.bindparam(f"new_{name}") for name in ("about", *FILLED)})
)
POSITION = sa.select(leases.c.position).where(leases.c.name == PURGE)


def upgrade() -> None:
    """Add columns and table, and fill them."""
    op.add_column("sites", sa.Column("first_seq", sa.BigInteger, nullable=False, server_default=sa.text("1")))
    for name in ("actor_kind", "actor", "author", "from_status", "to_status"):
        op.add_column("events", sa.Column(name, ordered_text))
    op.add_column("events", sa.Column("version", sa.Integer))
    op.add_column("events", sa.Column("reason_code", ordered_text))
    op.add_column("events", sa.Column("post_revision", sa.BigInteger))
    op.add_column("events", sa.Column("site_revision", sa.BigInteger))
    op.add_column("events", sa.Column("schema", sa.Integer, nullable=False, server_default=sa.text("1")))
    op.create_table(
        "followers",
        sa.Column("name", ordered_text, nullable=False),
        sa.Column("site", ordered_text, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", "site", name=op.f("pk_followers")),
    )
    if not op.get_context().as_sql:
        _fill_events(op.get_bind())
        _move_positions(op.get_bind())


def _fill_events(connection: sa.Connection) -> None:
    site, seq = "", 0
    while rows := connection.execute(OLD, {"after_site": site, "after_seq": seq}).mappings().all():
        connection.execute(FILL, [_filled(row) for row in rows])
        site, seq = rows[-1]["site"], rows[-1]["seq"]


def _filled(row: Mapping[Any, Any]) -> dict[str, Any]:
    about: dict[str, Any] = json.loads(row["about"])
    reason = row["reason"]
    found = {
        **{f"new_{name}": about.get(name) for name in FILLED},
        "of_site": row["site"],
        "of_seq": row["seq"],
        "new_actor_kind": row["actor_kind"],
        "new_reason_code": reason if reason is not None and REASON_CODE.fullmatch(reason) else None,
        "new_about": json.dumps(
            {name: value for name, value in about.items() if name not in MOVED | DERIVED},
            ensure_ascii=False,
            separators=(",", ":"),
        ),
    }
    if row["actor"] is not None:  # a decision
        found["new_actor"] = row["actor"]
    elif row["type"] == "comment.edited":  # only its author can
        found |= {"new_actor_kind": "author", "new_actor": row["author"]}
    elif found["new_actor"] is not None:  # a post or an author was changed, which only moderators can
        found["new_actor_kind"] = "moderator"
    if row["author"] is not None:
        found["new_author"] = row["author"]
    return found


def _move_positions(connection: sa.Connection) -> None:
    """How far the purging of caches has come was noted in its lease."""
    position = connection.execute(POSITION).scalar()
    rows = [{"name": PURGE, "site": site, "seq": seq} for site, seq in json.loads(position or "{}").items()]
    if rows:
        connection.execute(sa.insert(followers), rows)
    connection.execute(sa.update(leases).where(leases.c.name == PURGE).values(position=None))
