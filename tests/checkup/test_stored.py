"""What `gatepost check` says about a store on PostgreSQL: it asks the server, and changes nothing there."""

from contextlib import closing
from typing import Any

import psycopg
import pytest

from service.checkup.finding import Finding, Outcome
from service.store import migrate, snapshot
from service.store.database import Database
from service.store.engine import StoreError
from service.store.postgres import address_of
from tests.checkup.checked import FAIL, WARN, changed, examine
from tests.harness import Hands
from tests.postgres import address_of as database_on

OK = Outcome.OK
pytestmark = pytest.mark.own_engines


async def said(configured: dict[str, Any], clock: Hands, url: str) -> Finding:
    found = await examine(changed(configured, "database.url", url), clock)
    (about,) = [finding for finding in found if finding.subject == "database"]
    return about


def set_schema(url: str, version: str) -> None:
    with closing(psycopg.connect(address_of(url), autocommit=True)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = %s", [version])


async def test_current_store_is_fine(configured: dict[str, Any], clock: Hands, postgres_url: str) -> None:
    found = await said(configured, clock, postgres_url)
    assert (found.outcome, found.text.endswith(f"has schema {migrate.head()} and takes writes")) == (OK, True), found


async def test_empty_database_is_left_empty(configured: dict[str, Any], clock: Hands, empty_postgres_url: str) -> None:
    found = await said(configured, clock, empty_postgres_url)
    assert (found.outcome, "is empty" in found.text) == (WARN, True), found
    assert migrate.current_at(address_of(empty_postgres_url)) is None


@pytest.mark.parametrize(
    ("version", "outcome", "fix"),
    [
        ("0001", WARN, "the next start upgrades it"),
        ("9999", FAIL, "install the newer release"),
        (migrate.UNFINISHED, FAIL, "gatepost db copy"),
    ],
)
async def test_other_schema_is_named(
    configured: dict[str, Any], clock: Hands, postgres_url: str, version: str, outcome: Outcome, fix: str
) -> None:
    set_schema(postgres_url, version)
    found = await said(configured, clock, postgres_url)
    assert (found.outcome, fix in found.fix) == (outcome, True), found


async def test_database_that_cannot_hold_unicode_is_refused_with_the_way_out(
    configured: dict[str, Any], clock: Hands, postgres_url_without_unicode: str
) -> None:
    found = await said(configured, clock, postgres_url_without_unicode)
    assert (found.outcome, "encoding LATIN1" in found.text, "createdb --encoding=UTF8" in found.text) == (
        FAIL,
        True,
        True,
    )


async def test_server_that_is_not_there_is_told_with_its_reason(
    configured: dict[str, Any], clock: Hands, unused_tcp_port: int
) -> None:
    found = await said(configured, clock, f"postgresql://gatepost:hidden@127.0.0.1:{unused_tcp_port}/gatepost")
    assert (found.outcome, "refused" in found.text, "start the server" in found.fix) == (FAIL, True, True), found
    assert "hidden" not in found.text


async def test_database_that_the_server_does_not_have_is_said(
    configured: dict[str, Any], clock: Hands, postgres_server: str
) -> None:
    found = await said(configured, clock, database_on(postgres_server, "no_such_database"))
    assert (found.outcome, 'database "no_such_database" does not exist' in found.text) == (FAIL, True), found


async def test_every_command_says_the_cause_and_no_password(clock: Hands, unused_tcp_port: int) -> None:
    url = f"postgresql://gatepost:hidden@127.0.0.1:{unused_tcp_port}/gatepost"
    with pytest.raises(StoreError, match=r"cannot be opened \(Connection refused\)") as opening:
        await Database.open(url, clock=clock)
    with pytest.raises(StoreError, match=r"cannot be read \(Connection refused\)") as reading, snapshot.of(url):
        pass
    assert "hidden" not in f"{opening.value} {reading.value}"
