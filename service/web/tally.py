"""Counts every answer: in the metrics always, in the log as far as a line is worth its cost.

All answers of one turn of the event loop are counted together after it. Sixty in a row take a third of the time that
they take one by one, because the processor's caches still hold what the counting needs.
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
        self._answers: list[_Answer] = []

    def count(self, method: str, route: str, status: int, request_id: str, seconds: float) -> None:
        """One answer, after so many seconds. `route` is the path as it is declared."""
        if not self._answers:
            asyncio.get_running_loop().call_soon(self._write_down)
        self._answers.append(_Answer(method, route, status, request_id, seconds))

    def _write_down(self) -> None:
        answers, self._answers = self._answers, []
        lines = log.bind()
        for answer in answers:
            method = answer.method if answer.method in METHODS else "other"
            self._metrics.requests(method, answer.route, answer.status).inc()
            self._metrics.latency(method, answer.route).observe(answer.seconds)
            if answer.method in WRITES or answer.status >= 400 or self._is_logged_read():
                lines.info(
                    "request",
                    method=method,
                    route=answer.route,
                    status=answer.status,
                    milliseconds=round(answer.seconds * 1000, 1),
                    request_id=answer.request_id,
                )

    def _is_logged_read(self) -> bool:
        self._reads += 1
        return self._reads % READ_LOG_SHARE == 0
