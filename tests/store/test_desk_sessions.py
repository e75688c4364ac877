"""Sessions and codes of the desk in the store, on both databases: a code is taken once, however many want it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from service.model import Admission, AuthorKey, Role, SiteKey
from service.moderation import desk_sessions
from service.store import copy, snapshot
from service.store.database import Database
from service.store.snapshot import Watch
from tests.harness import Hands
from tests.rows import rows_of

SITE = SiteKey("blog")
MO = Admission(SITE, AuthorKey("mo-key"), "Mo \U0001f600 'quoted'", frozenset({Role.MODERATOR, Role.ADMIN}), "rules")


@pytest.fixture
async def opened(any_url: str, clock: Hands) -> AsyncIterator[Database]:
    """A store, on the one engine and then on the other."""
    database = await Database.open(any_url, clock=clock)
    yield database
    await database.close()


async def _enter(database: Database, code: str) -> str | None:
    return await database.write(desk_sessions.enter, SITE, code, role_rules="rules", replaces=None)


async def test_one_of_many_uses_a_code(opened: Database) -> None:
    code, _ = await opened.write(desk_sessions.offer_code, MO)
    secrets = await asyncio.gather(*(_enter(opened, code) for _ in range(20)))
    (secret,) = [secret for secret in secrets if secret is not None]
    session = await opened.read(desk_sessions.find, SITE, secret, role_rules="rules")
    assert session is not None
    assert session.admission == MO
    assert session.ends_at - session.made_at == 12 * 3600 * 1000


async def test_one_of_many_replicas_uses_a_code(postgres_url: str, clock: Hands) -> None:
    replicas = [await Database.open(postgres_url, clock=clock) for _ in range(4)]
    for _ in range(10):
        code, _ends = await replicas[0].write(desk_sessions.offer_code, MO)
        secrets = await asyncio.gather(*(_enter(replica, code) for replica in replicas))
        assert len([secret for secret in secrets if secret is not None]) == 1
    for replica in replicas:
        await replica.close()


@pytest.mark.parametrize("odd", ["", "\0", "\ud800", "ü", "x" * 100_000])
async def test_an_odd_secret_opens_nothing(opened: Database, odd: str) -> None:
    await opened.write(desk_sessions.sign_in, MO, replaces=odd)
    assert await opened.read(desk_sessions.find, SITE, odd, role_rules="rules") is None
    assert await opened.read(desk_sessions.whose_code, SITE, odd, role_rules="rules") is None


async def test_a_copy_signs_nobody_in(store_path: Path, empty_postgres_url: str, clock: Hands) -> None:
    """Nor does a backup, which is made in the same way."""
    url = f"sqlite:///{store_path}"
    database = await Database.open(url, clock=clock)
    await database.write(desk_sessions.sign_in, MO, replaces=None)
    await database.write(desk_sessions.offer_code, MO)
    await database.close()
    with snapshot.of(url) as moment:
        copy.copy(moment, empty_postgres_url, Watch())
    with rows_of(empty_postgres_url) as rows:
        assert [rows.number(f"SELECT count(*) FROM {table}") for table in ("desk_sessions", "desk_codes")] == [0, 0]  # noqa: S608
