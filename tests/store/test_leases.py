"""Leases, on both databases: one holder at a time, free again when the holder has died, and the position stays."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from service.store import leases
from service.store.database import Database
from service.store.leases import Lease
from tests.harness import Hands

NAME = "a job"


@pytest.fixture
async def opened(any_url: str, clock: Hands) -> AsyncIterator[Database]:
    """A store, on the one engine and then on the other."""
    database = await Database.open(any_url, clock=clock)
    yield database
    await database.close()


async def test_one_of_many_gets_it(opened: Database) -> None:
    taken = await asyncio.gather(*(opened.write(leases.take, NAME, f"replica {number}") for number in range(20)))
    assert len([lease for lease in taken if lease is not None]) == 1


async def test_one_of_many_replicas_gets_it(postgres_url: str, clock: Hands) -> None:
    replicas = [await Database.open(postgres_url, clock=clock) for _ in range(4)]
    for turn in range(10):
        asked = (one.write(leases.take, f"job {turn}", f"replica {number}") for number, one in enumerate(replicas))
        assert len([lease for lease in await asyncio.gather(*asked) if lease is not None]) == 1
    for replica in replicas:
        await replica.close()


async def test_who_has_it_may_take_it_again(opened: Database, clock: Hands) -> None:
    for _ in range(3):
        assert await opened.write(leases.take, NAME, "here") == Lease(NAME, "here", None)
        clock.advance(seconds=leases.SECONDS - 1)
    assert await opened.write(leases.take, NAME, "there") is None


async def test_it_is_free_again_when_its_holder_has_died(opened: Database, clock: Hands) -> None:
    lease = await opened.write(leases.take, NAME, "here")
    assert lease is not None
    assert await opened.write(leases.note, lease, "so far")
    clock.advance(seconds=leases.SECONDS - 1)
    assert await opened.write(leases.take, NAME, "there") is None
    clock.advance(seconds=1)
    assert await opened.write(leases.take, NAME, "there") == Lease(NAME, "there", "so far")
    assert not await opened.write(leases.note, lease, "further")
    assert await opened.write(leases.take, NAME, "there") == Lease(NAME, "there", "so far")


async def test_it_is_free_at_once_when_given_back(opened: Database) -> None:
    async with leases.held(opened, NAME, "here") as lease:
        assert lease is not None
        async with leases.held(opened, NAME, "there") as other:
            assert other is None
        assert await opened.write(leases.take, NAME, "there") is None
    assert await opened.write(leases.take, NAME, "there") is not None


async def test_who_does_not_have_it_cannot_give_it_back(opened: Database) -> None:
    await opened.write(leases.take, NAME, "here")
    await opened.write(leases.give_back, NAME, "there")
    assert await opened.write(leases.take, NAME, "there") is None


async def test_a_block_that_fails_gives_it_back(opened: Database) -> None:
    with pytest.raises(ValueError, match="no"):
        async with leases.held(opened, NAME, "here"):
            raise ValueError("no")
    assert await opened.write(leases.take, NAME, "there") is not None
