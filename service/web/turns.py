"""How many page views are answered in one turn of the event loop.

A page view from memory is answered in the call that brings it. When many readers ask at once, one turn of the loop
would answer all of them, and a submission, which needs several turns, would wait for all of them several times. So a
turn answers a few; the others keep their order and are answered in the next turns. The fewer calls there are beside
them, the fewer page views a turn has: one call alone waits for hardly anybody, and many share the cost of a turn.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TypeVar

R = TypeVar("R")
A = TypeVar("A")
MOST_IN_A_TURN = 16
BESIDE_A_CALL = 4
"""Page views in a turn for each call that the application has in hand; MOST_IN_A_TURN where it has none."""


class Turns:
    """Counts the page views of the current turn, and keeps those that are left for the next ones. One for a server."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *, most: int = MOST_IN_A_TURN) -> None:
        self._loop = loop
        self._most = most
        self._taken = 0
        self._calls = 0
        self._waiting: deque[Callable[[], None]] = deque()
        self._is_arranged = False

    def beside(self, handler: Callable[[R], Awaitable[A]]) -> Callable[[R], Awaitable[A]]:
        """`handler` of the application; how many of its calls are in hand is counted from now on."""

        async def counted(request: R) -> A:
            self._calls += 1
            try:
                return await handler(request)
            finally:
                self._calls -= 1

        return counted

    def take(self) -> bool:
        """Whether one more may be answered in this turn. If not, it goes to `later`."""
        if self._waiting or self._taken >= self._room:
            return False
        self._taken += 1
        self._arrange()
        return True

    def later(self, answer: Callable[[], None]) -> None:
        """Call `answer` in one of the next turns, behind those that came before."""
        self._waiting.append(answer)
        self._arrange()

    def _arrange(self) -> None:
        if not self._is_arranged:
            self._is_arranged = True
            self._loop.call_soon(self._begin)

    def _begin(self) -> None:
        """A new turn."""
        self._is_arranged = False
        self._taken = 0
        while self._waiting and self._taken < self._room:
            self._taken += 1
            self._waiting.popleft()()
        if self._waiting:
            self._arrange()

    @property
    def _room(self) -> int:
        return min(self._most, self._calls * BESIDE_A_CALL or self._most)
