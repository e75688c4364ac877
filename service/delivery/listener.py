"""One open live stream and what waits for it: `live` gives the bytes, `web` takes and writes them."""

import asyncio
from collections.abc import Callable

MOST_WAITING = 128
"""Messages that may wait for one listener. Who is slower is cut, comes back and goes on where they were."""
BEAT = b":\n\n"


class Listener:
    """One open stream: of what happened after `since` it hears, of what is numbered up to `after` it knows already.

    `abort` ends its connection, for when somebody who takes nothing holds up the writing.
    """

    __slots__ = ("_abort", "_waiting", "_wake", "after", "since")

    def __init__(self, since: int, after: int, abort: Callable[[], None]) -> None:
        self.since = since
        self.after = after
        self._abort = abort
        self._waiting: list[bytes] | None = []
        self._wake: asyncio.Future[None] | None = None

    async def take(self) -> bytes:
        """What has come, as soon as something has; nothing at all when the stream has ended."""
        if self._waiting is not None and not self._waiting:
            self._wake = asyncio.get_running_loop().create_future()
            try:
                await self._wake
            finally:
                self._wake = None
        if self._waiting is None:
            return b""
        taken, self._waiting = b"".join(self._waiting), []
        return taken

    def give(self, message: bytes) -> bool:
        """One more message; False if that was too much: the stream has ended."""
        if self._waiting is None:
            return True
        if len(self._waiting) >= MOST_WAITING:
            self.end()
            return False
        self._waiting.append(message)
        self._rouse()
        return True

    def beat(self) -> None:
        """A sign of life, unless something waits anyway."""
        if self._waiting == []:
            self.give(BEAT)

    def silence(self) -> None:
        """There is nothing to hear: what comes first in a stream is also its end."""
        self._waiting = None

    def end(self) -> None:
        """No more; what waits is told when the client comes back."""
        self.silence()
        if self._wake is None:  # it is writing, and may be doing that for long
            self._abort()
        self._rouse()

    def _rouse(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)
