"""Page views that come at once are spread over turns of the event loop, and each is answered, once and in its order."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from service.web.turns import BESIDE_A_CALL, MOST_IN_A_TURN, Turns
from tests.harness import Gatepost
from tests.web.test_hatch import LIST, Connection, connection, instant

MANY = 5 * MOST_IN_A_TURN


async def test_a_turn_has_room_for_a_few_and_the_rest_go_on_in_the_next_ones_in_their_order() -> None:
    loop = asyncio.get_running_loop()
    turns, done = Turns(loop, most=3), list[int]()
    for number in range(8):
        if turns.take():
            done.append(number)
        else:
            turns.later(lambda number=number: done.append(number))  # type: ignore[misc]  # mypy has no type for it
    seen = [list(done)]
    for _ in range(3):
        await asyncio.sleep(0)
        seen.append(list(done))
    assert seen == [[0, 1, 2], [0, 1, 2, 3, 4, 5], list(range(8)), list(range(8))]
    assert turns.take(), "a new turn has room again"


async def test_one_that_comes_while_others_wait_goes_behind_them() -> None:
    turns, done = Turns(asyncio.get_running_loop(), most=1), list[str]()
    assert turns.take()
    turns.later(lambda: done.append("first"))
    turns.later(lambda: done.append("second"))
    await asyncio.sleep(0)
    assert not turns.take(), "the second one still waits"
    turns.later(lambda: done.append("third"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert done == ["first", "second", "third"]


async def test_beside_one_call_of_the_application_a_turn_has_room_for_fewer() -> None:
    turns, going_on = Turns(asyncio.get_running_loop()), asyncio.Event()

    async def room() -> int:
        await asyncio.sleep(0)  # a new turn
        return sum(turns.take() for _ in range(MANY))

    @turns.beside
    async def handler(answer: str) -> str:
        await going_on.wait()
        return answer

    found = [await room()]
    calls = asyncio.gather(handler("first"), handler("second"))
    found.append(await room())
    going_on.set()
    assert list(await calls) == ["first", "second"]
    assert [*found, await room()] == [MOST_IN_A_TURN, 2 * BESIDE_A_CALL, MOST_IN_A_TURN]


@pytest.fixture
async def connections(gatepost: Gatepost) -> AsyncIterator[list[Connection]]:
    """Many open connections to a service that has the page in memory."""
    async with AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(connection(gatepost)) for _ in range(MANY)]
        for each in opened[:2]:
            assert (await each.ask(LIST)).status == 200
        yield opened


def send(to: Connection, target: str) -> None:
    """One request, in the socket when this returns: the service sees all that are sent in one turn in one turn."""
    wire = to.writer.get_extra_info("socket").fileno()
    request = f"GET {target} HTTP/1.1\r\nHost: gatepost.example\r\n\r\n".encode()
    assert os.write(wire, request) == len(request)


async def test_each_of_many_page_views_at_once_is_answered_from_memory(
    gatepost: Gatepost, connections: list[Connection]
) -> None:
    before = await instant(gatepost)
    for each in connections:
        send(each, LIST)
    assert [(await each.reply()).status for each in connections] == [200] * MANY
    assert await instant(gatepost) == before + MANY


async def test_a_second_request_behind_one_that_waits_for_its_turn_is_answered_second(
    connections: list[Connection],
) -> None:
    for each in connections:
        send(each, LIST)
    await asyncio.sleep(0)
    send(connections[-1], "/v1/sites/nowhere")
    assert [(await connections[-1].reply()).status for _ in range(2)] == [200, 404]


async def test_a_client_that_says_it_sends_no_more_still_gets_the_reply_it_waits_for(
    connections: list[Connection],
) -> None:
    for each in connections:
        send(each, LIST)
    connections[-1].writer.write_eof()
    assert (await connections[-1].reply()).status == 200
    assert await connections[-1].is_closed()


async def test_a_client_that_leaves_while_its_request_waits_disturbs_nobody(connections: list[Connection]) -> None:
    for each in connections:
        send(each, LIST)
    for each in connections[1::2]:
        each.writer.transport.abort()
    assert [(await each.reply()).status for each in connections[::2]] == [200] * (MANY // 2)


async def test_what_waits_for_its_turn_when_the_service_stops_is_answered(
    gatepost: Gatepost, connections: list[Connection]
) -> None:
    for each in connections:
        send(each, LIST)
    await asyncio.sleep(0)
    stopping = asyncio.create_task(gatepost.running.stop())
    assert [(await each.reply()).status for each in connections] == [200] * MANY
    await stopping
