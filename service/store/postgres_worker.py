"""A thread that talks to PostgreSQL, with a connection that may be lost, replaced and cut. Made by `postgres`."""

import asyncio
import os
import socket
from collections.abc import Callable
from contextlib import suppress
from queue import SimpleQueue
from threading import Thread
from typing import Any, TypeVar

import psycopg

T = TypeVar("T")
PostgresConnection = psycopg.Connection[dict[str, Any]]
_Job = tuple["asyncio.Future[Any]", Callable[["Link"], Any]]


class Link:
    """One thread's connection: made when it is needed, made anew when it is lost, cut from outside when it hangs."""

    def __init__(self, connect: Callable[[], PostgresConnection]) -> None:
        self._connect = connect
        self._connection: PostgresConnection | None = None
        self.is_cut = False
        """Whether the thread has been given up: then nothing is tried again."""

    def connected(self) -> PostgresConnection:
        """The connection, open as far as this side knows. Raises psycopg.Error when there is none to be had."""
        if self._connection is None or self._connection.closed:
            if self.is_cut:
                raise psycopg.OperationalError("this connection has been given up")
            self._connection = self._connect()
        return self._connection

    def cut(self) -> None:
        """Shut the socket, from another thread: a driver that waits for it wakes up and fails.

        The descriptor is duplicated first, because the driver closes its own as soon as it wakes up.
        """
        self.is_cut = True
        connection = self._connection
        with suppress(OSError, psycopg.Error):  # it is closed already
            if connection is not None and not connection.closed:
                with socket.socket(fileno=os.dup(connection.pgconn.socket)) as handle:
                    handle.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection, on its own thread."""
        if self._connection is not None:
            self._connection.close()


class PostgresWorker:
    """A `workers.Worker`: a daemon thread with a `Link`. Both are made when the first work is started."""

    def __init__(self, connect: Callable[[], PostgresConnection], name: str) -> None:
        self._link = Link(connect)
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread = Thread(target=self._work, name=name, daemon=True)
        self._ended: asyncio.Future[None] | None = None

    def start(self, work: Callable[[Link], T]) -> "asyncio.Future[T]":
        """Run `work` with the link."""
        loop = asyncio.get_running_loop()
        if self._ended is None:
            self._ended = loop.create_future()
            self._thread.start()
        answer: asyncio.Future[T] = loop.create_future()
        self._jobs.put((answer, work))
        return answer

    def give_up(self) -> None:
        """Shut the socket; the thread ends when the driver has noticed."""
        self._jobs.put(None)
        self._link.cut()

    async def close(self) -> None:
        """Wait until what was started has finished and the connection is closed."""
        self._jobs.put(None)
        if self._ended is not None:
            await asyncio.shield(self._ended)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            answer, work = job
            if answer.done():
                continue
            try:
                result = work(self._link)
            except BaseException as error:  # noqa: BLE001  # whoever waits gets it
                _tell(answer, _fail, error)
            else:
                _tell(answer, _succeed, result)
            del answer, work  # or the last caller's objects would live until the next caller comes
        self._link.close()
        if self._ended is not None:
            _tell(self._ended, _succeed, None)


def _tell(answer: "asyncio.Future[Any]", how: Callable[["asyncio.Future[Any]", Any], None], what: object) -> None:
    with suppress(RuntimeError):  # the loop has been closed: the thread was given up long ago
        answer.get_loop().call_soon_threadsafe(how, answer, what)


def _succeed(answer: "asyncio.Future[Any]", result: object) -> None:
    if not answer.done():
        answer.set_result(result)


def _fail(answer: "asyncio.Future[Any]", error: BaseException) -> None:
    if not answer.done():
        answer.set_exception(error)
