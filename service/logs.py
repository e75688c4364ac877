"""Structured logs on standard error: a fixed message and fields; never a comment's text, an address or a credential."""

import asyncio
import atexit
import logging
import sys
from collections import deque
from contextlib import suppress
from contextvars import ContextVar
from typing import TextIO

import pydantic_core
import structlog

from service.settings import Log

REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")
"""The request on whose behalf something happens: every line that is logged meanwhile says so."""
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class _Lines:
    """Where lines go: those of one turn of the event loop in one write, all others at once.

    A place that takes none (a full disk, a reader who is gone) costs the lines, and no caller anything.
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._waiting: deque[str] = deque()
        atexit.register(self._write)

    def __call__(self, *_: object) -> "_Lines":
        """The logger that structlog asks its factory for: there is one."""
        return self

    def msg(self, line: str) -> None:
        """Take a line, from any thread."""
        self._waiting.append(line)
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._write()
        else:
            if len(self._waiting) == 1:  # else it is on its way, or another thread is about to write
                loop.call_soon(self._write)

    debug = info = warning = error = critical = msg

    def _write(self) -> None:
        lines = []
        while self._waiting:
            with suppress(IndexError):  # another thread may have been faster
                lines.append(self._waiting.popleft())
        if lines:
            with suppress(OSError, ValueError):
                self._out.write("\n".join([*lines, ""]))
                self._out.flush()


def configure(settings: Log) -> None:
    """Set up logging for this process. Libraries' own loggers are shown from warnings up."""
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(_to_json)
        if settings.format == "json"
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            exception_formatter=structlog.dev.plain_traceback,  # others show local variables, and those may be tokens
        )
    )
    frames = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    structlog.configure(
        processors=[
            _of_request,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.ExceptionRenderer(frames) if settings.format == "json" else _keep,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[settings.level]),
        logger_factory=_Lines(sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s", force=True
    )


def _of_request(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    if request_id := REQUEST_ID.get():
        event.setdefault("request_id", request_id)
    return event


def _to_json(event: structlog.typing.EventDict, **_: object) -> str:
    return pydantic_core.to_json(event, fallback=repr).decode()


def _keep(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    return event
