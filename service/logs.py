"""Structured logs on standard error: a fixed message and fields; never a comment's text, an address or a credential."""

import asyncio
import atexit
import logging
import sys
import threading
from collections import deque
from contextlib import suppress
from contextvars import ContextVar
from types import TracebackType
from typing import Any, TextIO

import pydantic_core
import structlog

from service.settings import Log

REQUEST_ID: ContextVar[str] = ContextVar("request_id", default="")
"""The request on whose behalf something happens: every line that is logged meanwhile says so."""
LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class _Lines:
    """Writes log lines. Those of one turn of the event loop go out in one write, lines of other threads at once.

    Where they cannot be written (a full disk, a pipe whose reader is gone) they are lost; whoever logged notices
    nothing.
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


class _Library(logging.Handler):
    """Writes what libraries (asyncio, aiohttp) log, and Python's warnings, as lines like our own."""

    def __init__(self, lines: _Lines, formatter: logging.Formatter) -> None:
        super().__init__(logging.WARNING)
        self._lines = lines
        self.setFormatter(formatter)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._lines.msg(self.format(record))
        except Exception:  # noqa: BLE001  # the standard library's own way for a line that cannot be made
            self.handleError(record)


def configure(settings: Log) -> None:
    """Set up logging for this process. Libraries' own loggers are shown from warnings up.

    In JSON every line is an object: also those of libraries, of Python's warnings, and of what ends a thread or us.
    """
    is_json = settings.format == "json"
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(_to_json)
        if is_json
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            exception_formatter=structlog.dev.plain_traceback,  # others show local variables, and those may be tokens
        )
    )
    frames = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    shared: list[structlog.typing.Processor] = [
        _of_request,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    at_last = [structlog.processors.ExceptionRenderer(frames) if is_json else _keep, renderer]
    lines = _Lines(sys.stderr)
    structlog.configure(
        processors=[*shared, *at_last],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[settings.level]),
        logger_factory=lines,
        cache_logger_on_first_use=False,
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *at_last],
    )
    logging.basicConfig(level=logging.WARNING, handlers=[_Library(lines, formatter)], force=True)
    if is_json:
        logging.captureWarnings(capture=True)
        sys.excepthook = _log_the_end
        threading.excepthook = _log_the_end_of_a_thread
        sys.unraisablehook = _log_what_nobody_hears


def _log_the_end(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Log an exception that ends the process."""
    if isinstance(error, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        structlog.get_logger().critical("process.crashed", exc_info=(kind, error, trace))


def _log_the_end_of_a_thread(ended: threading.ExceptHookArgs) -> None:
    if ended.exc_value is not None and ended.exc_type is not SystemExit:
        trouble = (ended.exc_type, ended.exc_value, ended.exc_traceback)
        structlog.get_logger().error("thread.crashed", thread=getattr(ended.thread, "name", None), exc_info=trouble)


def _log_what_nobody_hears(lost: Any) -> None:
    """Log an exception where Python has nobody to raise it to: in a destructor, for example."""
    trouble = (lost.exc_type, lost.exc_value or lost.exc_type(), lost.exc_traceback)
    structlog.get_logger().error("process.error_ignored", where=lost.err_msg or "", exc_info=trouble)


def _of_request(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    if request_id := REQUEST_ID.get():
        event.setdefault("request_id", request_id)
    return event


def _to_json(event: structlog.typing.EventDict, **_: object) -> str:
    return pydantic_core.to_json(event, fallback=repr).decode()


def _keep(_: object, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    return event
