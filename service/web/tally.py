"""Counts every answer: in the metrics always, in the log as far as a line is worth its cost."""

from functools import cache

import structlog

from service.metrics import Metrics
from service.web.call import WRITES

log = structlog.get_logger()
METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PATCH", "PUT", "DELETE"})
"""What a client may write into a metric's label; everything else is "other"."""
READ_LOG_SHARE = 100
"""One of so many successful reads gets a log line: a line for each would cost as much as the read."""


class Tally:
    """What has been answered. One for the whole service."""

    def __init__(self, metrics: Metrics) -> None:
        self._reads = 0
        self._requests = cache(metrics.requests.labels)  # a look-up by labels costs more than the counting
        self._latency = cache(metrics.latency.labels)

    def count(self, method: str, route: str, status: int, request_id: str, seconds: float) -> None:
        """One answer, after so many seconds. `route` is the path as it is declared."""
        shown = method if method in METHODS else "other"
        self._requests(shown, route, status).inc()
        self._latency(shown, route).observe(seconds)
        if method not in WRITES and status < 400:
            self._reads += 1
            if self._reads % READ_LOG_SHARE:
                return
        log.info(
            "request",
            method=shown,
            route=route,
            status=status,
            milliseconds=round(seconds * 1000, 1),
            request_id=request_id,
        )
