"""Counts every answer: in the metrics always, in the log as far as a line is worth its cost.

The lines of one turn of the event loop are written together after it, so that no reply waits for the log.
"""

import asyncio
from typing import NamedTuple

import structlog

from service.metrics import Metrics
from service.web.call import WRITES

log = structlog.get_logger()
METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PATCH", "PUT", "DELETE"})
"""What a client may write into a metric's label; everything else is "other"."""
READ_LOG_SHARE = 100
"""One of so many successful reads gets a log line: a line for each would cost as much as the read."""


class _Answer(NamedTuple):
    method: str
    route: str
    status: int
    request_id: str
    seconds: float


class Tally:
    """What has been answered. One for the whole service."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._reads = 0
        self._lines: list[_Answer] = []

    def count(self, method: str, route: str, status: int, request_id: str, seconds: float) -> None:
        """One answer, after so many seconds. `route` is the path as it is declared."""
        method = method if method in METHODS else "other"
        self._metrics.requests.counts[method, route, status] += 1
        self._metrics.latency.observe((method, route), seconds)
        if status < 400 and method not in WRITES:
            self._reads += 1
            if self._reads % READ_LOG_SHARE:
                return
        if not self._lines:
            asyncio.get_running_loop().call_soon(self._write_lines)
        self._lines.append(_Answer(method, route, status, request_id, seconds))

    def _write_lines(self) -> None:
        answers, self._lines = self._lines, []
        lines = log.bind()
        for answer in answers:
            lines.info(
                "request",
                method=answer.method,
                route=answer.route,
                status=answer.status,
                milliseconds=round(answer.seconds * 1000, 1),
                request_id=answer.request_id,
            )
