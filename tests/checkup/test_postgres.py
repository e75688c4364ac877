"""What `gatepost check` finds out about a PostgreSQL database, and what every command says where it cannot be used."""

from contextlib import closing
from typing import Any

import psycopg
import pytest

from service.checkup.finding import Outcome
from service.store import migrate, snapshot
from service.store.database import Database
from service.store.engine import StoreError
from service.store.postgres import address_of as libpq_address
from tests.checkup.checked import FAIL, WARN, changed, examine, the_one_about
from tests.harness import Hands
from tests.postgres import address_of

REFUSED = "postgresql://gatepost:tell-nobody@127.0.0.1:9/g"
pytestmark = pytest.mark.own_engines


async def test_postgresql_is_looked_into_and_written(
    configured: dict[str, Any], clock: Hands, postgres_url: str
) -> None:
    found = await examine(changed(configured, "database.url", postgres_url), clock)
    [said] = [finding for finding in found if finding.subject == "database"]
    name = snapshot.name_of(postgres_url)
    assert (said.outcome, said.text) == (Outcome.OK, f"{name} has schema {migrate.head()} and takes writes")


async def test_postgresql_without_a_store_is_left_as_it_is(
    configured: dict[str, Any], clock: Hands, empty_postgres_url: str
) -> None:
    for _ in range(2):
        said = the_one_about(await examine(changed(configured, "database.url", empty_postgres_url), clock), "database")
        assert (said.outcome, said.text.endswith(" is empty")) == (WARN, True), said


def set_schema(url: str, version: str) -> None:
    with closing(psycopg.connect(libpq_address(url), autocommit=True)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = %s", [version])


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
    found = the_one_about(await examine(changed(configured, "database.url", postgres_url), clock), "database")
    assert (found.outcome, fix in found.fix) == (outcome, True), found


async def test_database_that_cannot_hold_unicode_is_refused_with_the_way_out(
    configured: dict[str, Any], clock: Hands, postgres_url_without_unicode: str
) -> None:
    url = postgres_url_without_unicode
    found = the_one_about(await examine(changed(configured, "database.url", url), clock), "database")
    assert (found.outcome, "encoding LATIN1" in found.text, "createdb --encoding=UTF8" in found.text) == (
        FAIL,
        True,
        True,
    )


async def test_database_that_the_server_does_not_have_is_said(
    configured: dict[str, Any], clock: Hands, postgres_server: str
) -> None:
    url = address_of(postgres_server, "no_such_database")
    said = the_one_about(await examine(changed(configured, "database.url", url), clock), "database")
    assert (said.outcome, 'database "no_such_database" does not exist' in said.text) == (FAIL, True), said


async def test_the_cause_is_said_and_no_password(clock: Hands) -> None:
    with pytest.raises(StoreError, match=r"cannot be opened \(Connection refused\)") as opening:
        await Database.open(REFUSED, clock=clock)
    with (
        pytest.raises(StoreError, match=r"127.0.0.1:9/g: cannot be read \(Connection refused\)") as reading,
        snapshot.of(REFUSED),
    ):
        pass
    assert "tell-nobody" not in f"{opening.value} {reading.value}"
