"""What is open while the service runs, from the first thing opened to the last thing closed. For `app`."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack

import structlog

log = structlog.get_logger()


class Life(AsyncExitStack):
    """Closes what was opened, the last first. A closer that raises is logged, and the others are still called."""

    def closes(self, part: str, close: Callable[[], Awaitable[object]]) -> None:
        """Call `close` at the end. `part` is what the log calls it."""
        self.push_async_callback(_closing, part, close)

    def closes_together(self, parts: Mapping[str, Callable[[], Awaitable[object]]]) -> None:
        """Call all of these at the same time, for parts that may each wait for others a while."""

        async def closing() -> None:
            await asyncio.gather(*(_closing(part, close) for part, close in parts.items()))

        self.push_async_callback(closing)


async def _closing(part: str, close: Callable[[], Awaitable[object]]) -> None:
    try:
        await close()
    except Exception as error:  # noqa: BLE001  # whatever it is, the rest must be closed
        log.error("service.close_failed", part=part, error=type(error).__name__)
