"""What is open while the service runs, from the first thing opened to the last thing closed. For `app`."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack

import structlog

log = structlog.get_logger()


class Life(AsyncExitStack):
    """Closes what was opened, the last first. A closer that raises is logged, and the others are still called."""

    def closes(self, part: str, close: Callable[[], Awaitable[object]]) -> None:
        """Call `close` at the end. `part` is what the log calls it."""

        async def closing() -> None:
            try:
                await close()
            except Exception as error:  # noqa: BLE001  # whatever it is, the rest must be closed
                log.error("service.close_failed", part=part, error=type(error).__name__)

        self.push_async_callback(closing)
