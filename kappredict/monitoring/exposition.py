"""Monitoring as Prometheus metrics, for the textfile collector of the node exporter."""

from pathlib import Path

import numpy as np
from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

from kappredict.evaluation.estimate import Estimate
from kappredict.monitoring.checks import SHARES
from kappredict.monitoring.looks import Monitoring
from kappredict.monitoring.words import worst


def write_metrics(done: Monitoring, path: Path) -> None:
    """Write the last look's metrics; the file appears whole, as a collector needs it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_to_textfile(str(path), _registry(done))


def _registry(done: Monitoring) -> CollectorRegistry:
    registry, look = CollectorRegistry(), done.last
    model = done.stream.bundle.task.name

    def gauge(name: str, help_: str, *labels: str) -> Gauge:
        return Gauge(f"kappredict_monitor_{name}", help_, ("model", *labels), registry=registry)

    alarm = gauge("alarm", "1 where the last monthly look alarms", "family")
    p = gauge("p_value", "smallest p-value of the family, adjusted within it", "family")
    alarmed = {one.family for one in look.alarms}
    smallest = {one.family: one.adjusted for one in worst(look)}
    for family in SHARES:
        alarm.labels(model, family).set(family in alarmed)
        p.labels(model, family).set(smallest.get(family, np.nan))
    patients = gauge("patients", "patients of the last look", "which")
    for which in ("asked", "answered", "due", "known", "waiting"):
        patients.labels(model, which).set(getattr(look, which))
    _calibration(gauge("calibration", "live calibration", "figure", "bound"), model, done)
    looked = gauge("last_look_days", "days from 1970-01-01 to the date of the last look")
    if look.until is not None:
        looked.labels(model).set((np.datetime64(look.until) - np.datetime64(0, "D")).astype(int))
    return registry


def _calibration(gauge: Gauge, model: str, done: Monitoring) -> None:
    figures: dict[str, Estimate] = {"level": done.last.level, "slope": done.last.slope}
    for figure, estimate in figures.items():
        for bound, value in vars(estimate).items():
            gauge.labels(model, figure, bound).set(value)
