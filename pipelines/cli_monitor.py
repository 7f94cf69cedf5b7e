"""The command line of models in use: whether they still fit the patients they are asked about."""

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli_options import JsonOption, ModelArgument, StoreOption, write_json
from pipelines.console import messages


def monitor(
    model: ModelArgument,
    study: Annotated[
        Path | None, typer.Option(help="A study folder: outcomes, or all there is.")
    ] = None,
    predictions: Annotated[
        str | None, typer.Option(help="Database of served predictions: a file or a URL.")
    ] = None,
    as_of: Annotated[
        datetime | None, typer.Option(help="Look as if it were this day.", formats=["%Y-%m-%d"])
    ] = None,
    out: Annotated[Path, typer.Option(help="The HTML file to write.")] = Path(
        "build/monitoring.html"
    ),
    metrics: Annotated[
        Path | None, typer.Option(help="Write Prometheus metrics (a .prom file), too.")
    ] = None,
    json_file: JsonOption = None,
    store: StoreOption = "build/mlflow",
) -> None:
    """Watch a model in use: inputs, predictions and, as outcomes arrive, calibration; exit 13."""
    from kappredict.monitoring.exposition import write_metrics
    from kappredict.reporting.monitoring_page import write_monitoring
    from kappredict.tracking.store import Store
    from pipelines.monitor import ALARM
    from pipelines.monitor import monitor as run
    from pipelines.show_monitoring import monitoring_json, show_monitoring

    today = as_of.date() if as_of else date.today()  # noqa: DTZ011  # the clinic's own day
    done = run(model, study, predictions, Store.at(store), as_of=today)
    show_monitoring(done)
    write_monitoring(out, done)
    if metrics is not None:
        write_metrics(done, metrics)
    write_json(json_file, monitoring_json(done))
    messages.print(f"Report: {out}")
    if done.last.alarms:
        raise typer.Exit(ALARM)
