"""Queries on the policies of sites: versions are added and read, never changed."""

import hashlib
from dataclasses import dataclass

from sqlalchemy import bindparam, insert, select

from service.model import Actor, ActorKind, Milliseconds, Page, SiteKey
from service.store.database import Row, Transaction
from service.store.tables import policies

_ADD = insert(policies).values({column.name: bindparam(column.name) for column in policies.c})
_NEWEST = select(policies).where(policies.c.site == bindparam("site")).order_by(policies.c.version.desc()).limit(1)

_VERSION = select(policies).where(policies.c.site == bindparam("site"), policies.c.version == bindparam("version"))
_PAGE = (
    select(policies)
    .where(policies.c.site == bindparam("site"), policies.c.version < bindparam("below"))
    .order_by(policies.c.version.desc())
    .limit(bindparam("limit"))
)
_END = 2**31 - 1
_NEWEST_DIGEST = (
    select(policies.c.digest).where(policies.c.site == bindparam("site")).order_by(policies.c.version.desc()).limit(1)
)


@dataclass(frozen=True, slots=True)
class KeptPolicy:
    """One version of a site's document, as JSON, and who put it there."""

    version: int
    document: str
    digest: str
    made_by: Actor
    made_at: Milliseconds
    note: str | None = None


def add(tx: Transaction, site: SiteKey, version: int, document: str, actor: Actor, note: str | None) -> None:
    """Keep a new version, which holds from now on."""
    tx.run(
        _ADD,
        site=site,
        version=version,
        document=document,
        digest=digest_of(version, document),
        actor_kind=actor.kind.value,
        actor=actor.key,
        actor_name=actor.name,
        note=note,
        created_at=tx.now,
    )


def newest(tx: Transaction, site: SiteKey) -> KeptPolicy | None:
    """The version that holds; None where the site never had one."""
    row = tx.first(_NEWEST, site=site)
    return _policy(row) if row else None


def version(tx: Transaction, site: SiteKey, number: int) -> KeptPolicy | None:
    """One version, whether it holds or held."""
    row = tx.first(_VERSION, site=site, version=number) if 0 < number <= _END else None
    return _policy(row) if row else None


def page(tx: Transaction, site: SiteKey, *, limit: int, after: tuple[str | int, ...] | None) -> Page[KeptPolicy]:
    """Versions, the newest first. A position is (version,)."""
    rows = tx.all(_PAGE, site=site, below=after[0] if after else _END, limit=limit + 1)
    following = (int(rows[limit - 1]["version"]),) if len(rows) > limit else None
    return Page([_policy(row) for row in rows[:limit]], following)


def newest_digest(tx: Transaction, site: SiteKey) -> str | None:
    """The digest of the version that holds; None where the site never had one."""
    row = tx.first(_NEWEST_DIGEST, site=site)
    return str(row["digest"]) if row else None


def digest_of(version: int, document: str) -> str:
    """By this one version of one site is known again, in every process (SHA-256)."""
    return f"sha256:{hashlib.sha256(f'{version} {document}'.encode()).hexdigest()}"


def _policy(row: Row) -> KeptPolicy:
    return KeptPolicy(
        row["version"],
        row["document"],
        row["digest"],
        Actor(ActorKind(row["actor_kind"]), row["actor"], row["actor_name"]),
        row["created_at"],
        row["note"],
    )
