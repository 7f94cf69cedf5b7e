"""The command line of who serves: promote, retrain, and the replay of retraining."""

from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli_options import (
    ConfigsOption,
    JsonOption,
    StoreOption,
    TrainingOption,
    write_json,
)
from pipelines.console import messages

_REFUSED = 12


def promote(
    model: Annotated[str, typer.Argument(help="The task: condition/outcome/landmark.")],
    study: Annotated[
        Path | None, typer.Option(help="The study folder to compare the two on.")
    ] = None,
    rollback: Annotated[
        bool, typer.Option("--rollback", help="Let the champion before this one serve again.")
    ] = False,
    models: Annotated[
        Path | None, typer.Option(help="A served folder, to write the champion's bundle into.")
    ] = None,
    training: TrainingOption = "default",
    store: StoreOption = "build/mlflow",
    json_file: JsonOption = None,
    configs: ConfigsOption = None,
) -> None:
    """Let a challenger serve if it passes the gate beside the champion; exit 12 and why if not."""
    from kappredict.evaluation.settings import read_settings
    from kappredict.tracking.store import Store
    from pipelines.promote import promote as run
    from pipelines.promote import put_on_the_shelf, roll_back
    from pipelines.verdicts import show_verdict

    place, task = Store.at(store), model.partition("@")[0]
    passed = True
    if rollback:
        serves, changed = roll_back(model, place)
        words = "serves again" if changed else "serves; there is nothing to undo"
        messages.print(f"{task}: version {serves.version} {words}.")
    elif study is None:
        raise typer.BadParameter("name the study to compare the two on", param_hint="--study")
    else:
        verdict = run(model, study, read_settings(training), place, own_configs=configs)
        show_verdict(verdict)
        write_json(json_file, verdict)
        passed = verdict["passed"]
    if models is not None and passed and put_on_the_shelf(task, models, place):
        messages.print(f"Bundle written to {models / task}.")
    if not passed:
        raise typer.Exit(_REFUSED)


def retrain(
    conditions: Annotated[list[str], typer.Argument(help="Conditions, or `all`.")],
    study: Annotated[
        Path, typer.Option(help="A study folder; with --import, where the study is written.")
    ],
    models: Annotated[Path, typer.Option(help="The served folder.")] = Path("models"),
    import_folder: Annotated[
        Path | None, typer.Option("--import", help="Import first, by this import folder.")
    ] = None,
    source: Annotated[
        str, typer.Option(help="Folder of the source's files, or postgresql://… of a database.")
    ] = "",
    training: TrainingOption = "default",
    store: StoreOption = "build/mlflow",
    json_file: JsonOption = None,
    configs: ConfigsOption = None,
) -> None:
    """Retrain unattended: validate, train, judge, export; goes on where it was killed.

    Exit codes: 0 done, or nothing new; 11 the data are invalid; 12 a challenger was refused, or
    nothing could be modelled.
    """
    from dataclasses import asdict

    from kappredict.evaluation.settings import read_settings
    from kappredict.tracking.store import Store
    from pipelines.retrain import Job
    from pipelines.retrain import retrain as run
    from pipelines.verdicts import show_summary

    if (import_folder is None) != (not source):
        raise typer.BadParameter("--import and --source go together", param_hint="--import")
    done = run(
        Job(
            conditions,
            study,
            read_settings(training),
            Store.at(store),
            models,
            source=(import_folder, source) if import_folder else None,
            own_configs=configs,
        )
    )
    show_summary(done)
    write_json(json_file, asdict(done))
    if done.new and (done.refused or not done.verdicts):
        raise typer.Exit(_REFUSED)


def backtest(
    conditions: Annotated[list[str], typer.Argument(help="Conditions, or `all`.")],
    study: Annotated[Path, typer.Option(help="A study folder with enrolment dates.")],
    every: Annotated[int, typer.Option(min=1, help="Months between retrainings.")] = 1,
    training: TrainingOption = "light",
    json_file: JsonOption = None,
    configs: ConfigsOption = None,
) -> None:
    """Replay a study by its dates: what would each retraining have known, done, and been worth."""
    from kappredict.evaluation.settings import read_settings
    from pipelines.backtest import backtest as run
    from pipelines.verdicts import backtest_json, show_backtest

    done = run(conditions, study, read_settings(training), every, own_configs=configs)
    show_backtest(done)
    write_json(json_file, backtest_json(done))
