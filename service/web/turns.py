"""How many page views are answered in one turn of the event loop.

A page view from memory is answered in the call that brings it. When many readers ask at once, one turn of the loop
would answer all of them, and a submission, which needs several turns, would wait for all of them several times. So a
turn answers a few; the others keep their order and are answered in the next turns.
"""

import asyncio
from collections import deque
from collections.abc import Callable

MOST_IN_A_TURN = 16


class Turns:
    """Counts the page views of the current turn, and keeps those that are left for the next ones. One for a server."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *, most: int = MOST_IN_A_TURN) -> None:
        self._loop = loop
        self._most = most
        self._left = most
        self._waiting: deque[Callable[[], None]] = deque()
        self._is_arranged = False

    def take(self) -> bool:
        """Whether one more may be answered in this turn. If not, it goes to `later`."""
        if self._waiting or not self._left:
            return False
        self._left -= 1
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
        self._left = self._most
        while self._waiting and self._left:
            self._left -= 1
            self._waiting.popleft()()
        if self._waiting:
            self._arrange()
