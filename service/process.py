"""The service as a process: from the command to the signal that ends it. For `cli`, and in part for `demo`."""

import asyncio
import gc
import signal
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from service import allocator, app, logs
from service.model import Clock, system_clock
from service.settings import Settings

log = structlog.get_logger()


async def serve(settings: Settings, *, clock: Clock = system_clock) -> None:
    """Run until a signal asks to stop. Raises what `app.start` raises."""
    allocator.share_heaps()
    logs.configure(settings.log)
    with asked_to_stop() as asked:  # before the start: a signal that comes while starting counts too
        running = await app.start(settings, clock=clock)
        gc.collect()
        gc.freeze()  # what is there now stays: it need not be looked through again and again
        await asked.wait()
        log.info("service.stopping", drain_seconds=settings.server.drain_seconds)
        await running.stop()
        log.info("service.stopped")


@contextmanager
def asked_to_stop() -> Iterator[asyncio.Event]:
    """An event that SIGTERM, SIGINT and SIGHUP set instead of ending the process at once. A second signal does nothing.

    SIGHUP comes when a terminal goes away. A process that was started with `nohup` ignores it, and goes on doing so.
    """
    asked = asyncio.Event()
    loop = asyncio.get_running_loop()
    numbers = [signal.SIGTERM, signal.SIGINT]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        numbers.append(signal.SIGHUP)
    for number in numbers:
        loop.add_signal_handler(number, asked.set)
    try:
        yield asked
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
