"""Prometheus metrics: what the service did, by route, act and model; nothing about a patient.

A label is a route of ours, never the path that was sent: that could name a patient, and each new
one would take memory for good (as BentoML's own request metrics do, which are switched off).
"""

import os
from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25)


class Metrics:
    """The counters of one process; shown together with those of the other workers."""

    def __init__(self) -> None:
        self._own = CollectorRegistry()
        self.requests = Counter(
            "kappredict_requests", "Requests answered", ["route", "status"], registry=self._own
        )
        self.seconds = Histogram(
            "kappredict_request_seconds",
            "Seconds from the request to the end of its answer",
            ["route"],
            buckets=_SECONDS,
            registry=self._own,
        )
        self.answers = Counter(
            "kappredict_answers",
            "Answers about patients: a prediction, or none",
            ["model", "kind"],
            registry=self._own,
        )
        self.unaudited = Counter(
            "kappredict_audit_failures",
            "Requests that were not answered because they could not be audited",
            registry=self._own,
        )

    def exposition(self, now: "State") -> bytes:
        """Write all workers' counters, and what is served now, as Prometheus reads them."""
        registry = self._own
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        state = CollectorRegistry()
        state.register(now)
        return generate_latest(registry) + generate_latest(state)


class State:
    """What holds at one moment: the bundles that are served, and whether the trail is written."""

    def __init__(self, bundles: Iterable[tuple[str, str]], refused: int, *, audited: bool) -> None:
        self._bundles = tuple(bundles)
        self._refused = refused
        self._audited = audited

    def collect(self) -> Iterator[Metric]:
        """Give the gauges."""
        bundles = GaugeMetricFamily(
            "kappredict_bundle", "A bundle that is served", labels=["model", "digest"]
        )
        for name, digest in self._bundles:
            bundles.add_metric([name, digest], 1)
        yield bundles
        yield GaugeMetricFamily(
            "kappredict_bundles_refused", "Bundles that cannot be trusted", value=self._refused
        )
        yield GaugeMetricFamily(
            "kappredict_audit_writable", "1 if the trail was last written", value=self._audited
        )
