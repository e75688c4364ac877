"""What was opened is closed, the last first, whatever one of the closers does."""

import asyncio

import pytest
from structlog.testing import capture_logs

from service.life import Life

PATIENCE_SECONDS = 60
"""Only closers that wait for each other take so long."""


async def test_a_closer_that_raises_is_logged_and_the_rest_is_closed() -> None:
    closed: list[str] = []

    async def store() -> None:
        closed.append("store")

    async def login() -> None:
        raise OSError("it is gone already")

    async def server() -> None:
        closed.append("server")

    life = Life()
    life.closes("store", store)
    life.closes("login", login)
    life.closes("server", server)
    with capture_logs() as events:
        await life.aclose()
    assert closed == ["server", "store"]
    failed = {"event": "service.close_failed", "log_level": "error", "part": "login", "error": "OSError"}
    assert events == [failed]


async def test_parts_that_are_closed_together_do_not_wait_for_each_other() -> None:
    both, closed = asyncio.Barrier(2), []

    async def patient() -> None:
        await both.wait()
        closed.append("patient")

    async def broken() -> None:
        raise OSError("it is gone already")

    life = Life()
    life.closes_together({"one": patient, "other": patient, "broken": broken})
    with capture_logs() as events:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await life.aclose()
    assert closed == ["patient", "patient"]
    assert [event["part"] for event in events] == ["broken"]


async def test_what_is_kept_lives_on() -> None:
    closed: list[str] = []

    async def store() -> None:
        closed.append("store")

    async with Life() as life:
        life.closes("store", store)
        kept = life.pop_all()
    assert closed == []
    await kept.aclose()
    assert closed == ["store"]


async def test_a_start_that_fails_closes_what_it_had_opened() -> None:
    closed: list[str] = []

    async def store() -> None:
        closed.append("store")

    async def starting() -> None:
        async with Life() as life:
            life.closes("store", store)
            raise RuntimeError("the port is taken")

    with pytest.raises(RuntimeError, match="the port is taken"):
        await starting()
    assert closed == ["store"]
