"""Signing in at the desk, and out: codes that are used up once, sessions that end by themselves or are ended.

A secret is shown once, to the browser that it is for; the store keeps its hash. `role_rules` is the mark of what makes
somebody a moderator of the site at present (`auth/permissions`): a session or a code from before a change is over.
"""

import secrets
from typing import Final

from service.auth.login import MAX_NAME, MAX_SUBJECT, author_key
from service.model import (
    Actor,
    ActorKind,
    Admission,
    AuthorKey,
    DeskSession,
    DeskSessionId,
    Identity,
    Milliseconds,
    SiteKey,
    new_id,
)
from service.moderation import queue
from service.store import desk_sessions
from service.store import secrets as stored_secrets
from service.store.database import Database, Transaction
from service.strict_json import is_clean
from service.text.visible import clean_line

NAMESPACE: Final = "desk"
"""The set of people whom an operator vouches for: no login's."""
AUTHOR_KEY: Final = "author-key"
"""The secret by which people get their public keys (`app` gives it to the authenticator)."""
SESSION_SECONDS: Final = 12 * 3600
CODE_SECONDS: Final = 60
"""From the blog's page to the desk, which takes a moment."""
LINK_SECONDS: Final = 600
"""From an operator's terminal to a moderator's browser."""
SEEN_SECONDS: Final = 300
"""How exactly it is known when a session was used: so often at most that is written down."""


def offer_code(tx: Transaction, admission: Admission, *, seconds: int = CODE_SECONDS) -> tuple[str, Milliseconds]:
    """A code that signs this moderator in, once, and when it is over."""
    code = secrets.token_urlsafe(32)
    ends_at = tx.now + seconds * 1000
    desk_sessions.add_code(tx, admission, secret=code, ends_at=ends_at)
    return code, ends_at


def offer_link(tx: Transaction, identity: Identity, *, role_rules: str) -> tuple[str, Milliseconds]:
    """The same for somebody whom no login of the site knows: an operator vouches for them, and has more time.

    Raises ValueError with the fix where this can be nobody's subject or name.
    """
    subject, name = identity.subject, clean_line(identity.profile.name)
    if not subject.strip() or len(subject) > MAX_SUBJECT or not is_clean(subject):
        raise ValueError(f"the subject must be a text of 1 to {MAX_SUBJECT} characters, the same for ever")
    if not name or len(name) > MAX_NAME:
        raise ValueError(f"the name must have 1 to {MAX_NAME} characters that show: the record will call them so")
    key = author_key(stored_secrets.get_or_make(tx, AUTHOR_KEY), identity)
    admission = Admission(identity.site, key, name, identity.roles, role_rules)
    return offer_code(tx, admission, seconds=LINK_SECONDS)


def whose_code(tx: Transaction, site: SiteKey, code: str, *, role_rules: str) -> Admission | None:
    """Whom a code would sign in; nothing changes. None: it was used, is over, or never was one."""
    return _still(desk_sessions.find_code(tx, site, code), role_rules)


def enter(tx: Transaction, site: SiteKey, code: str, *, role_rules: str, replaces: str | None) -> str | None:
    """Use a code up: the secret of a new session, as `sign_in`. None: it was used, is over, or never was one."""
    admission = _still(desk_sessions.take_code(tx, site, code), role_rules)
    return sign_in(tx, admission, replaces=replaces) if admission else None


def sign_in(tx: Transaction, admission: Admission, *, replaces: str | None) -> str:
    """The secret of a new session. The one that the browser had at this site until now, if any, ends."""
    if replaces is not None and (former := desk_sessions.find(tx, admission.site, replaces)) is not None:
        desk_sessions.revoke(tx, admission.site, former.id)
    secret = secrets.token_urlsafe(32)
    session_id = DeskSessionId(new_id(tx.now))
    session = DeskSession(session_id, admission, tx.now, tx.now, tx.now + SESSION_SECONDS * 1000)
    desk_sessions.add(tx, session, secret=secret)
    return secret


def find(tx: Transaction, site: SiteKey, secret: str, *, role_rules: str) -> DeskSession | None:
    """The session of this site that a secret opens; None where it opens none, or that has ended."""
    session = desk_sessions.find(tx, site, secret)
    return session if session is not None and session.admission.role_rules == role_rules else None


def of_site(tx: Transaction, site: SiteKey, *, role_rules: str, of: AuthorKey | None = None) -> list[DeskSession]:
    """Who is signed in at a site, or only this moderator's sessions, newest first (the first 200)."""
    found = desk_sessions.of_site(tx, site, of=of)
    return [session for session in found if session.admission.role_rules == role_rules]


def is_due(session: DeskSession, now: Milliseconds) -> bool:
    """Whether it should be written down that the session is used."""
    return now >= session.seen_at + SEEN_SECONDS * 1000


def see(tx: Transaction, session: DeskSession) -> None:
    """Write down that the session is used now."""
    desk_sessions.see(tx, session.id)


def sign_out(tx: Transaction, session: DeskSession) -> None:
    """End the session, and give back what its moderator holds of the queue."""
    who = session.admission
    desk_sessions.revoke(tx, who.site, session.id)
    queue.release(tx, who.site, Actor(ActorKind.MODERATOR, who.author_key, who.name))


def revoke(tx: Transaction, site: SiteKey, session_id: DeskSessionId, *, of: AuthorKey | None = None) -> bool:
    """End a session, or only if it is this moderator's. False where there is none, or it has ended."""
    return desk_sessions.revoke(tx, site, session_id, of=of)


async def forget_ended(database: Database) -> None:
    """Drop what is over. Raises StoreUnavailable."""
    await database.bulk.write(desk_sessions.forget_ended)


def _still(admission: Admission | None, role_rules: str) -> Admission | None:
    return admission if admission is not None and admission.role_rules == role_rules else None
