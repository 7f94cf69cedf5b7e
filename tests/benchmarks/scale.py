"""What more patients cost: time, memory and quality from 10,000 to 1,000,000 patients.

`python tests/benchmarks/scale.py` prints `docs/scale.md` (some 20 minutes on two cores). Each size
runs in processes of its own: a driver and two Dask workers of one thread, with a limit of 4 GiB
each. Steps are those of `kappredict import --partitions`, `validate` and `train --dask`, called as
the pipelines call them, for one task; making the source, and starting the cluster, are not timed.
"""

import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
from simulated import markdown

from kappredict.config.catalogue import load_catalogue
from kappredict.data.partitioning import partition_import
from kappredict.data.partitions import check_study
from kappredict.data.simulation import load_parameters, simulate
from kappredict.data.tables import TABLES
from kappredict.data.writers import write_definition
from kappredict.domain.task import tasks_of
from kappredict.estimators.fit import fit_one
from kappredict.estimators.growing import GrowHere
from kappredict.evaluation.cross_validation import cross_validate
from kappredict.evaluation.metrics_binary import auc
from kappredict.evaluation.modelling_set import ModellingSet
from kappredict.evaluation.report import evaluate
from kappredict.evaluation.schemes import plan_schemes
from kappredict.evaluation.settings import read_settings
from kappredict.evaluation.sources import open_source
from kappredict.evaluation.training import train_bundle
from kappredict.scaling.cluster import Place, place_at

SIZES = (10_000, 100_000, 1_000_000)
CONDITION = "oud"  # its courses have 30 assessments on average
PER_PARTITION = 5_000
PER_DRAW = 10_000
WORKERS, LIMIT = 2, "4GiB"
GOAL = 1.3
ROWS = 100_000_000
COMPARED = 10_000  # up to so many patients the whole study is modelled in one process, too
SETTINGS = read_settings("large").model_copy(
    update={"outcomes": ("response",), "landmarks": ("baseline",)}
)


@dataclass
class Meter:
    """Time, processor time and the highest memory of driver and workers, step by step."""

    steps: dict[str, dict[str, float]] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Measure a step; memory is looked at ten times a second."""
        done = threading.Event()
        peaks = {"driver": 0.0, "worker": 0.0}
        watch = threading.Thread(target=_watch, args=(done, peaks))
        cpu, started = _processor_seconds(), time.perf_counter()
        watch.start()
        try:
            yield
        finally:
            done.set()
            watch.join()
        self.steps[name] = {
            "seconds": time.perf_counter() - started,
            "processor": _processor_seconds() - cpu,
            **peaks,
        }
        figures = ", ".join(f"{what} {value:,.0f}" for what, value in self.steps[name].items())
        print(f"{name}: {figures}", file=sys.stderr, flush=True)


def _watch(done: threading.Event, peaks: dict[str, float]) -> None:
    driver = psutil.Process()
    while not done.wait(0.1):
        peaks["driver"] = max(peaks["driver"], driver.memory_info().rss / 2**20)
        for one in driver.children(recursive=True):
            try:
                peaks["worker"] = max(peaks["worker"], one.memory_info().rss / 2**20)
            except psutil.NoSuchProcess:
                continue


def _processor_seconds() -> float:
    """Add up what driver and workers have used."""
    driver = psutil.Process()
    times = [one.cpu_times() for one in (driver, *driver.children(recursive=True))]
    return sum(one.user + one.system for one in times)


def write_source(folder: Path, patients: int) -> dict[str, int]:
    """Write a source of one Parquet file a table, drawn and appended 10,000 patients at a time."""
    parameters = load_parameters()
    writers: dict[str, pq.ParquetWriter] = {}
    rows = dict.fromkeys(TABLES, 0)
    for draw in range(patients // PER_DRAW):
        study = simulate(parameters, patients=PER_DRAW, seed=draw, conditions=(CONDITION,)).study
        for name, table in study.tables.items():
            ids = [one for one in ("patient_id", "course_id") if one in table.columns]
            own = {one: f"{draw:04d}-" + table[one] for one in ids}
            content = pa.Table.from_pandas(
                table.assign(**own, synthetic=True), preserve_index=False
            )
            if name not in writers:
                writers[name] = pq.ParquetWriter(folder / f"{name}.parquet", content.schema)
            writers[name].write_table(content.cast(writers[name].schema))
            rows[name] += len(table)
    for writer in writers.values():
        writer.close()
    return rows


def write_import(folder: Path) -> None:
    """Write an import that takes the source's tables as they are."""
    write_definition(load_parameters().frame.study, folder)
    for name in TABLES:
        (folder / f"{name}.sql").write_text(f"FROM {name}")


def measure(patients: int, room: Path) -> dict[str, Any]:
    """Go through all steps with so many patients."""
    source, queries, out = room / "source", room / "import", room / "study"
    source.mkdir()
    queries.mkdir()
    rows = write_source(source, patients)
    write_import(queries)
    catalogue, meter = load_catalogue(), Meter()
    with place_at("local", workers=WORKERS, memory=LIMIT) as place:
        settings = SETTINGS.grown_by(place.grow)
        with meter.step("import"):
            number = max(2, patients // PER_PARTITION)
            imported = partition_import(queries, source, out, catalogue, number, place.work)
        with meter.step("validate"):
            checked = check_study(out, catalogue, place.work)
        if imported.problems or checked.problems:
            sys.exit(f"the study is not sound: {imported.problems[:3]} {checked.problems[:3]}")
        with meter.step("cohort, features, outcomes"):
            opened = open_source(out, catalogue, place.work)
            condition = opened.catalogue.condition(CONDITION)
            tasks = tasks_of(condition, settings.outcomes, settings.landmarks)
            data = next(opened.batches(tasks))[0]
        plan = plan_schemes(data, settings)
        with meter.step("cross-validate"):
            predicted = cross_validate([data], [plan.folds], settings, lambda *_: None)[0]
        with meter.step("metrics"):
            report = evaluate(data, predicted, plan.not_run, settings)
        with meter.step("fit the model"):
            bundle = train_bundle(data, report, opened.study, opened.catalogue, settings)
            bundle.save(room / "bundle")
        same = compared(source, queries, data, place) if patients <= COMPARED else None
    return {
        "patients": patients,
        "rows": rows,
        "bytes": sum(path.stat().st_size for path in out.rglob("*.parquet")),
        "steps": meter.steps,
        "courses": data.target.n,
        "features": len(data.features.specs),
        "candidate": bundle.recipe.provenance.candidate["model"],
        "auc": vars(report.schemes[report.headline].metrics["auc"]),
        "compared": same,
    }


def compared(source: Path, queries: Path, joined: ModellingSet, place: Place) -> dict[str, Any]:
    """Compare with one machine: features of the whole study, and trees grown in one process."""
    shutil.copy(queries / "study.yaml", source)
    catalogue = load_catalogue()
    whole = next(open_source(source, catalogue).batches([joined.task]))[0]
    frames = [one.frame for data in (whole, joined) for one in (data.features, data.context)]
    candidate = SETTINGS.response_candidates[-1]
    half = np.flatnonzero(joined.target.known)
    train, test = half[::2], half[1::2]
    rows = joined.rows
    learnt, weights = rows.take(train), np.ones(len(train))
    outcome, everyone = joined.target.outcome[test], np.ones((1, len(test)))
    found = {}
    for name, grow in (("one process", GrowHere()), ("cluster", place.grow)):
        encoder, margin = fit_one(learnt, weights, candidate.grown_by(grow), SETTINGS.seed)
        margins = margin.values(encoder.transform(rows.features.take(test)))
        found[name] = auc(outcome, margins, np.zeros(len(test)), everyone).item()
    equal = frames[0].equals(frames[2]) and frames[1].equals(frames[3])
    return {"features_equal": bool(equal), "auc": found}


def page(results: list[dict[str, Any]]) -> str:
    """Write the page."""
    least, most = results[0], results[-1]
    return "\n".join(
        [
            "# What more patients cost",
            "",
            f"Printed by `python tests/benchmarks/scale.py` on two cores. Simulated patients with "
            f"{most['rows']['assessments'] / most['patients']:.0f} assessments each; one task "
            f"(response at baseline, {most['features']} features), the settings `large`; "
            f"{WORKERS} workers of one thread, limited to {LIMIT} each, and the driver; "
            f"partitions of {PER_PARTITION:,} patients ([how to](how-to/large-studies.md)). "
            "Processor time is that of driver and workers together: "
            "on a machine that others use, too, the clock measures them as well. Memory is the "
            "highest resident size at any moment of the step, of the driver and of the larger "
            "worker. Making the source and starting the cluster are not counted.",
            "",
            markdown(
                ["patients", "rows", "clock, s", "processor, s", "processor, µs a patient",
                 f"÷ {least['patients']:,}", "driver, GiB", "worker, GiB"],
                [_line(one, least) for one in results],
            ),
            "",
            *_not_run(results),
            f"The goal is a cost per patient within {GOAL} times that of {least['patients']:,} "
            f"patients at every size, and no worker above {LIMIT}.",
            "",
            "### Step by step",
            "",
            markdown(
                ["step", *(f"{one['patients']:,}: µs a patient (driver, worker, GiB)"
                           for one in results)],
                [[name, *(_cell(one, name) for one in results)] for name in most["steps"]],
            ),
            "",
            "## The same model",
            "",
            *_quality(results),
            "",
            f"## What {ROWS:,} rows would need",
            "",
            *_beyond(results),
        ]
    )  # fmt: skip


def _not_run(results: list[dict[str, Any]]) -> Iterator[str]:
    missing = [size for size in SIZES if size not in {one["patients"] for one in results}]
    if missing:
        yield f"Not measured yet: {', '.join(f'{size:,}' for size in missing)} patients."
        yield ""


def _line(one: dict[str, Any], least: dict[str, Any]) -> list[str]:
    each = _each(one)
    return [
        f"{one['patients']:,}",
        f"{sum(one['rows'].values()):,}",
        f"{_sum(one, 'seconds'):,.0f}",
        f"{_sum(one, 'processor'):,.0f}",
        f"{each:,.0f}",
        f"{each / _each(least):.2f}",
        *(f"{_peak(one, who):.2f}" for who in ("driver", "worker")),
    ]


def _cell(one: dict[str, Any], name: str) -> str:
    step = one["steps"][name]
    each = 1e6 * step["processor"] / one["patients"]
    return f"{each:,.0f} ({step['driver'] / 1024:.1f}, {step['worker'] / 1024:.1f})"


def _sum(one: dict[str, Any], what: str) -> float:
    return sum(step[what] for step in one["steps"].values())


def _each(one: dict[str, Any]) -> float:
    """Give the processor time of a patient in µs."""
    return 1e6 * _sum(one, "processor") / one["patients"]


def _peak(one: dict[str, Any], who: str) -> float:
    return max(step[who] for step in one["steps"].values()) / 1024


def _quality(results: list[dict[str, Any]]) -> Iterator[str]:
    for one in results:
        if same := one["compared"]:
            equal = "equal bit for bit" if same["features_equal"] else "NOT EQUAL"
            here, there = same["auc"].values()
            yield (
                f"- {one['patients']:,} patients: features of the partitions and of the whole "
                f"study are {equal}. Boosted trees fitted to one half and asked about the other: "
                f"AUC {here:.4f} grown in one process, {there:.4f} on the cluster."
            )
    yield ""
    yield "The model that won, on the latest 30 % of the patients:"
    yield ""
    yield markdown(
        ["patients", "assessed", "model", "AUC (90 % interval)"],
        [
            [
                f"{one['patients']:,}",
                f"{one['courses']:,}",
                one["candidate"],
                f"{one['auc']['value']:.3f} ({one['auc']['low']:.3f} to {one['auc']['high']:.3f})",
            ]
            for one in results
        ],
    )


def _beyond(results: list[dict[str, Any]]) -> Iterator[str]:
    """Extend the line through the two largest sizes; it was not run."""
    before, last = results[-2:]
    rows = sum(last["rows"].values()) / last["patients"]
    patients = ROWS / rows
    step = last["patients"] - before["patients"]

    def at(small: float, large: float) -> float:
        return large + (large - small) / step * (patients - last["patients"])

    hours = at(_sum(before, "processor"), _sum(last, "processor")) / 3600
    driver, worker = (at(_peak(before, who), _peak(last, who)) for who in ("driver", "worker"))
    yield (
        f"Not run: the straight line through {before['patients']:,} and {last['patients']:,} "
        f"patients, extended to {patients:,.0f} patients ({rows:.0f} rows each):"
    )
    yield ""
    yield f"- {hours:.1f} hours of one core;"
    yield f"- {driver:.1f} GiB in the driver, which holds a task's features and outcomes;"
    yield (
        f"- {worker:.1f} GiB in each of two workers, and less in each of more: beside one "
        "partition at a time a worker holds its share of the rows for the trees;"
    )
    disk = last["bytes"] / last["patients"] * patients / 2**30
    yield f"- {disk:.1f} GiB on disk, and as much again while a source is being dealt out."


def main() -> None:
    """Measure one size (`PATIENTS FILE`), or all of them; print the page (of `FILE…`)."""
    words = sys.argv[1:]
    if words and words[0].isdigit():
        with tempfile.TemporaryDirectory() as room:
            found = measure(int(words[0]), Path(room))
        Path(words[1]).write_text(json.dumps(found, indent=1))
        return
    with tempfile.TemporaryDirectory() as room:
        files = [Path(word) for word in words]
        for patients in SIZES if not files else ():
            files.append(Path(room) / f"{patients}.json")
            command = [sys.executable, __file__, str(patients), str(files[-1])]
            subprocess.run(command, check=True, stdout=sys.stderr)
        print(page([json.loads(file.read_text()) for file in files]))


if __name__ == "__main__":
    main()
