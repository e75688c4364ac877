"""Who is signed in at the desk, and the codes that sign in once. Only a hash of each secret is stored."""

import hashlib

from sqlalchemy import bindparam, delete, insert, select, update

from service.model import Admission, AuthorKey, DeskSession, DeskSessionId, Milliseconds, Role, SiteKey
from service.store.database import Row, Transaction
from service.store.tables import desk_codes, desk_sessions

MOST_LISTED = 200

_ADD = insert(desk_sessions).values({column.name: bindparam(column.name) for column in desk_sessions.c})
_GOOD = (desk_sessions.c.ends_at > bindparam("now"), desk_sessions.c.revoked_at.is_(None))
_FIND = select(desk_sessions).where(
    desk_sessions.c.secret_hash == bindparam("secret_hash"), desk_sessions.c.site == bindparam("site"), *_GOOD
)
_ALL = (
    select(desk_sessions)
    .where(desk_sessions.c.site == bindparam("site"), *_GOOD)
    .order_by(desk_sessions.c.made_at.desc(), desk_sessions.c.id.desc())
    .limit(MOST_LISTED)
)
_OF_ONE = _ALL.where(desk_sessions.c.author == bindparam("author"))
_SEEN = update(desk_sessions).where(desk_sessions.c.id == bindparam("of_id")).values(seen_at=bindparam("now"))
_REVOKE = (
    update(desk_sessions)
    .where(desk_sessions.c.id == bindparam("of_id"), desk_sessions.c.site == bindparam("of_site"), *_GOOD)
    .values(revoked_at=bindparam("now"))
)
_REVOKE_OF_ONE = _REVOKE.where(desk_sessions.c.author == bindparam("of_author"))
_FORGET = delete(desk_sessions).where(desk_sessions.c.ends_at <= bindparam("now"))

_ADD_CODE = insert(desk_codes).values({column.name: bindparam(column.name) for column in desk_codes.c})
_IS_CODE = (
    desk_codes.c.secret_hash == bindparam("secret_hash"),
    desk_codes.c.site == bindparam("site"),
    desk_codes.c.ends_at > bindparam("now"),
)
_FIND_CODE = select(desk_codes).where(*_IS_CODE)
_TAKE_CODE = delete(desk_codes).where(*_IS_CODE).returning(desk_codes)
_FORGET_CODES = delete(desk_codes).where(desk_codes.c.ends_at <= bindparam("now"))


def secret_hash(secret: str) -> str:
    """How a session's or a code's secret is stored: SHA-256, enough for 256 random bits."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def add(tx: Transaction, session: DeskSession, *, secret: str) -> None:
    """Store a new session."""
    tx.run(
        _ADD,
        secret_hash=secret_hash(secret),
        id=session.id,
        made_at=session.made_at,
        seen_at=session.seen_at,
        ends_at=session.ends_at,
        revoked_at=None,
        **_columns(session.admission),
    )


def find(tx: Transaction, site: SiteKey, secret: str) -> DeskSession | None:
    """The session of this site that the secret opens, unless it has ended."""
    row = tx.first(_FIND, secret_hash=secret_hash(secret), site=site, now=tx.now)
    return _session(row) if row else None


def of_site(tx: Transaction, site: SiteKey, *, of: AuthorKey | None = None) -> list[DeskSession]:
    """Who is signed in at a site, or one moderator's sessions there, newest first (the first 200)."""
    rows = tx.all(_ALL, site=site, now=tx.now) if of is None else tx.all(_OF_ONE, site=site, author=of, now=tx.now)
    return [_session(row) for row in rows]


def see(tx: Transaction, session_id: DeskSessionId) -> None:
    """Note that the session is used now."""
    tx.run(_SEEN, of_id=session_id, now=tx.now)


def revoke(tx: Transaction, site: SiteKey, session_id: DeskSessionId, *, of: AuthorKey | None = None) -> bool:
    """End a session of the site, or only if it is this moderator's. False where there is none, or it has ended."""
    if of is None:
        return tx.run(_REVOKE, of_id=session_id, of_site=site, now=tx.now) == 1
    return tx.run(_REVOKE_OF_ONE, of_id=session_id, of_site=site, of_author=of, now=tx.now) == 1


def add_code(tx: Transaction, admission: Admission, *, secret: str, ends_at: Milliseconds) -> None:
    """Store a code that signs this moderator in."""
    tx.run(_ADD_CODE, secret_hash=secret_hash(secret), ends_at=ends_at, **_columns(admission))


def find_code(tx: Transaction, site: SiteKey, secret: str) -> Admission | None:
    """Whom a code of this site would sign in, unless it was used or is over."""
    row = tx.first(_FIND_CODE, secret_hash=secret_hash(secret), site=site, now=tx.now)
    return _admission(row) if row else None


def take_code(tx: Transaction, site: SiteKey, secret: str) -> Admission | None:
    """The same, and the code is gone: of two who use it at once, one gets an answer."""
    row = tx.first(_TAKE_CODE, secret_hash=secret_hash(secret), site=site, now=tx.now)
    return _admission(row) if row else None


def forget_ended(tx: Transaction) -> int:
    """Drop sessions and codes whose time is over; how many."""
    return tx.run(_FORGET, now=tx.now) + tx.run(_FORGET_CODES, now=tx.now)


def _columns(admission: Admission) -> dict[str, str]:
    return {
        "site": admission.site,
        "author": admission.author_key,
        "name": admission.name,
        "roles": " ".join(sorted(admission.roles)),
        "role_rules": admission.role_rules,
    }


def _admission(row: Row) -> Admission:
    roles = frozenset(Role(role) for role in row["roles"].split())
    return Admission(row["site"], row["author"], row["name"], roles, row["role_rules"])


def _session(row: Row) -> DeskSession:
    return DeskSession(row["id"], _admission(row), row["made_at"], row["seen_at"], row["ends_at"])
