"""What the service counts about itself, for Prometheus. One registry for each running service."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import accumulate

import prometheus_client
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]

FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)


Labels = tuple[str | int, ...]
"""The values of a metric's labels, in the order of their names."""


class QuickCounter(Collector):
    """A counter over a plain dictionary: `counter.counts[labels] += 1`, on the event loop's thread only.

    The library's counter locks for each count, and takes ten times as long; a page view from memory would notice.
    """

    def __init__(self, name: str, help_text: str, labels: Sequence[str], registry: CollectorRegistry) -> None:
        self.counts: defaultdict[Labels, int] = defaultdict(int)
        self._said = name, help_text, labels
        registry.register(self)

    def collect(self) -> Iterator[CounterMetricFamily]:
        """What the registry asks for when somebody reads the metrics."""
        name, help_text, labels = self._said
        family = CounterMetricFamily(name, help_text, labels=labels)
        for values, count in self.counts.items():
            family.add_metric([str(value) for value in values], count)
        yield family


class QuickHistogram(Collector):
    """A histogram of seconds, in the buckets of `FAST`, on the event loop's thread only; for the same reason."""

    def __init__(self, name: str, help_text: str, labels: Sequence[str], registry: CollectorRegistry) -> None:
        self._said = name, help_text, labels
        self._counts: defaultdict[Labels, list[int]] = defaultdict(lambda: [0] * (len(FAST) + 1))
        self._sums: defaultdict[Labels, float] = defaultdict(float)
        registry.register(self)

    def observe(self, labels: Labels, seconds: float) -> None:
        """Count one more that took so long."""
        self._counts[labels][bisect_left(FAST, seconds)] += 1
        self._sums[labels] += seconds

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """What the registry asks for when somebody reads the metrics."""
        name, help_text, labels = self._said
        family = HistogramMetricFamily(name, help_text, labels=labels)
        bounds = [*map(str, FAST), "+Inf"]
        for values, counts in self._counts.items():
            buckets = list(zip(bounds, accumulate(counts), strict=True))
            family.add_metric([str(value) for value in values], buckets, self._sums[values])
        yield family


class Metrics:
    """All counters, gauges and histograms. Times are seconds.

    The counters that every submission touches are functions from labels to a counter, and remember their results:
    looking a counter up costs more than counting.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.requests = QuickCounter(
            "gatepost_http_requests_total", "Requests answered.", ["method", "route", "status"], self.registry
        )
        self.latency = QuickHistogram(
            "gatepost_http_request_seconds", "Time to answer.", ["method", "route"], self.registry
        )
        self.decisions = Counter(
            "gatepost_decisions_total", "Decisions of moderators.", ["site", "action"], registry=self.registry
        )
        self.submissions = cache(
            Counter(
                "gatepost_submissions_total",
                "Comments taken in, by first status.",
                ["site", "status"],
                registry=self.registry,
            ).labels
        )
        self.logins = cache(
            Counter(
                "gatepost_logins_total",
                "Credentials checked by a login (accepted, refused, unavailable).",
                ["site", "login", "outcome"],
                registry=self.registry,
            ).labels
        )
        self.login_latency = cache(
            Histogram(
                "gatepost_login_seconds", "Time a login took to answer.", ["kind"], buckets=FAST, registry=self.registry
            ).labels
        )
        self.login_readings = Gauge(
            "gatepost_login_reading",
            "What a login says of itself: cache_hits, key_set_age_seconds.",
            ["site", "login", "reading"],
            registry=self.registry,
        )
        self.judgements = Counter(
            "gatepost_judgements_total",
            "What the policies of sites said of texts, by outcome and deciding rule (`otherwise`: no rule spoke).",
            ["site", "outcome", "rule"],
            registry=self.registry,
        )
        self.checks_not_run = Counter(
            "gatepost_checks_not_run_total",
            "Times a check could not look at a text, so that rules which needed it held.",
            ["site", "check"],
            registry=self.registry,
        )
        self.braked_rules = Gauge(
            "gatepost_braked_rules",
            "Rules that only hold until somebody releases them.",
            ["site"],
            registry=self.registry,
        )
        self.problems = Counter(
            "gatepost_problems_total", "Problems replied, by code.", ["code"], registry=self.registry
        )
        self.shared_limits_missed = Counter(
            "gatepost_shared_limits_missed_total",
            "Times the shared store of rate limits did not answer, so that this process counted for itself.",
            registry=self.registry,
        )
        self.page_cache = QuickCounter(
            "gatepost_page_cache_total",
            "Public pages: instant (in memory, before the application), hit (in memory), built, shared (a build).",
            ["outcome"],
            self.registry,
        )
        self.page_cache_bytes = Gauge(
            "gatepost_page_cache_bytes", "Memory that prepared pages take.", registry=self.registry
        )
        self.listeners = Gauge(
            "gatepost_listeners", "Open live streams: of a post, of a queue.", ["stream"], registry=self.registry
        )
        self.listeners_cut = Counter(
            "gatepost_listeners_cut_total",
            "Live streams ended because their client took too little.",
            registry=self.registry,
        )
        self.outbound_calls = Counter(
            "gatepost_outbound_calls_total",
            "HTTP requests that the service made, by what they were for and what became of them.",
            ["purpose", "outcome"],
            registry=self.registry,
        )
        self.purges = Counter(
            "gatepost_purges_total",
            "Times that a cache was told what to purge (done, failed).",
            ["outcome"],
            registry=self.registry,
        )
        self.purge_behind = Gauge(
            "gatepost_purge_behind_seconds",
            "How old the oldest change is for which the last purge failed.",
            registry=self.registry,
        )
        self.notices = Counter(
            "gatepost_notices_total",
            "Notices to people that comments wait, one for each target, by what came of them (sent, failed).",
            ["site", "notice", "outcome"],
            registry=self.registry,
        )
        self.webhook_deliveries = Counter(
            "gatepost_webhook_deliveries_total",
            "Calls to receivers of webhooks, by what came of them (delivered, refused).",
            ["site", "webhook", "outcome"],
            registry=self.registry,
        )
        self.webhook_behind = Gauge(
            "gatepost_webhook_events_behind",
            "Events of the site that are behind the webhook's position; 0 where another replica sends.",
            ["site", "webhook"],
            registry=self.registry,
        )
        self.webhook_oldest = Gauge(
            "gatepost_webhook_oldest_seconds",
            "How old the oldest event is that is not delivered; 0 where another replica sends.",
            ["site", "webhook"],
            registry=self.registry,
        )
        self.webhook_missed = Counter(
            "gatepost_webhook_events_missed_total",
            "Events that were removed from the log before the webhook had read them.",
            ["site", "webhook"],
            registry=self.registry,
        )
        self.queue_depth = Gauge(
            "gatepost_queue_entries", "Comments that somebody must look at.", ["site"], registry=self.registry
        )
        self.queue_oldest = Gauge(
            "gatepost_queue_oldest_seconds", "How long the oldest of them waits.", ["site"], registry=self.registry
        )
        self.last_backup = Gauge(
            "gatepost_backup_last_success_timestamp_seconds",
            "When the newest sound scheduled backup was made (Unix time; 0: never).",
            registry=self.registry,
        )
        self.suspect_backup = Gauge(
            "gatepost_backup_suspect", "1 while the newest scheduled backup has differences.", registry=self.registry
        )
        self.jobs = Gauge("gatepost_job_healthy", "1 while a background job is well.", ["job"], registry=self.registry)

    def text(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self.registry)
