"""The command line: every pipeline is a command; mistakes are messages, never tracebacks."""

import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from kappredict.errors import KappredictError
from pipelines.cli_monitor import monitor
from pipelines.cli_options import (
    ConfigsOption,
    DaskOption,
    JsonOption,
    ModelArgument,
    PartitionsOption,
    StoreOption,
    TrainingOption,
    write_json,
)
from pipelines.cli_registry import backtest, promote, retrain
from pipelines.cli_service import (
    Address,
    AuditOption,
    KeysOption,
    audit_app,
    keys_app,
    predictions_app,
    sign,
)
from pipelines.console import messages, show_error

app = typer.Typer(
    name="kappredict",
    help="Who will respond, remit and stay well after ketamine-assisted psychotherapy.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
)


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Where everything goes.")] = Path("build/demo"),
    patients: Annotated[int, typer.Option(min=500, help="How many to simulate.")] = 4000,
    seed: Annotated[int, typer.Option(help="Seed of simulation and training.")] = 1,
) -> None:
    """Do the main job once on simulated patients: train, register, predict, explain, report."""
    from pipelines.demo import demo as run

    run(out, patients=patients, seed=seed)


@app.command()
def simulate(
    out: Annotated[Path, typer.Argument(help="The study folder to write.")],
    patients: Annotated[int, typer.Option(min=1, help="How many patients.")] = 2000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same study.")] = 1,
) -> None:
    """Write a synthetic study, with its true probabilities apart in truth.parquet."""
    from pipelines.simulate import simulate as run

    run(out, patients=patients, seed=seed)
    messages.print(f"Synthetic study written to {out}. Next: kappredict train all --study {out}")


@app.command(name="import")
def import_(
    import_folder: Annotated[
        Path, typer.Argument(help="Folder of study.yaml and one .sql a table.")
    ],
    source: Annotated[
        str, typer.Argument(help="Folder of the source's files, or postgresql://… of a database.")
    ],
    out: Annotated[Path, typer.Argument(help="The study folder to write.")],
    configs: ConfigsOption = None,
    partitions: PartitionsOption = None,
    dask: DaskOption = None,
) -> None:
    """Import a source into a study with one SQL SELECT per table."""
    from kappredict.scaling.cluster import place_at
    from pipelines.import_study import import_study
    from pipelines.partition import partition

    if partitions is None:
        import_study(import_folder, source, out, own_configs=configs)
    else:
        with place_at(dask) as place:
            partition(
                source,
                out,
                partitions=partitions,
                import_folder=import_folder,
                own_configs=configs,
                place=place,
            )
    messages.print(f"Study written to {out}. Next: kappredict validate {out}")


@app.command()
def partition(
    study: Annotated[Path, typer.Argument(help="A study folder.")],
    out: Annotated[Path, typer.Argument(help="The folder of the study in partitions.")],
    partitions: Annotated[int, typer.Option(min=2, help="How many; 5,000 patients each do well.")],
    configs: ConfigsOption = None,
    dask: DaskOption = None,
) -> None:
    """Put a study into partitions by patient, to work on them one by one, or on a cluster."""
    from kappredict.scaling.cluster import place_at
    from pipelines.partition import partition as run

    with place_at(dask) as place:
        run(study, out, partitions=partitions, own_configs=configs, place=place)
    messages.print(f"Study written to {out}. Next: kappredict train all --study {out} --dask local")


@app.command()
def validate(
    study: Annotated[Path, typer.Argument(help="A study folder.")],
    configs: ConfigsOption = None,
    dask: DaskOption = None,
) -> None:
    """Report every problem of a study at once; exit 11 where there is one."""
    from kappredict.scaling.cluster import place_at
    from pipelines.validate import validate as run

    with place_at(dask) as place:
        run(study, own_configs=configs, place=place)
    messages.print(f"{study} is sound. Next: kappredict train all --study {study}")


@app.command()
def train(
    conditions: Annotated[list[str], typer.Argument(help="Conditions, or `all`.")],
    study: Annotated[Path, typer.Option(help="A study folder.")],
    training: TrainingOption = "default",
    models: Annotated[Path, typer.Option(help="Where bundles go.")] = Path("build/models"),
    store: StoreOption = "build/mlflow",
    seed: Annotated[int | None, typer.Option(help="Replaces the settings' seed.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write an HTML report, too.")] = None,
    json_file: JsonOption = None,
    configs: ConfigsOption = None,
    dask: DaskOption = None,
) -> None:
    """Train, validate and register every task of these conditions."""
    from kappredict.evaluation.settings import read_settings
    from kappredict.scaling.cluster import place_at
    from kappredict.tracking.store import Store
    from pipelines.report import report_training
    from pipelines.show import show_training, training_json
    from pipelines.train import train as run

    settings = read_settings(training)
    if seed is not None:
        settings = settings.model_copy(update={"seed": seed})
    with place_at(dask) as place:
        done = run(
            conditions, study, settings, models, Store.at(store), own_configs=configs, place=place
        )
    show_training(done)
    write_json(json_file, training_json(done))
    if report is not None:
        report_training(done, report)
        messages.print(f"Report: {report}")
    messages.print(f"Bundles: {models}   Runs: mlflow ui --backend-store-uri {Store.at(store).uri}")
    if not done.trained:
        raise typer.Exit(12)
    messages.print(f"Next: kappredict predict {done.trained[0].folder} PATIENTS --out answers.csv")


@app.command()
def tune(
    conditions: Annotated[list[str], typer.Argument(help="Conditions, or `all`.")],
    study: Annotated[Path, typer.Option(help="A study folder.")],
    trials: Annotated[int, typer.Option(min=1, help="How many trials each search has.")] = 100,
    storage: Annotated[
        str, typer.Option(help="Trials: a folder (SQLite inside), or a URL that workers share.")
    ] = "build/tuning",
    training: TrainingOption = "default",
    out: Annotated[
        Path | None, typer.Option(help="The settings file to write: build/tuning/CONDITION.yaml.")
    ] = None,
    store: StoreOption = "build/mlflow",
    seed: Annotated[int | None, typer.Option(help="Replaces the settings' seed.")] = None,
    json_file: JsonOption = None,
    configs: ConfigsOption = None,
) -> None:
    """Search for good settings; stop it, go on, or start it again beside itself, as you like."""
    from kappredict.evaluation.settings import read_settings, write_settings
    from kappredict.tracking.store import Store
    from pipelines.show_tuning import show_tuning, tuning_json
    from pipelines.tune import Budget
    from pipelines.tune import tune as run

    settings = read_settings(training)
    if seed is not None:
        settings = settings.model_copy(update={"seed": seed})
    budget, kept = Budget(trials, storage), Store.at(store)
    done = run(conditions, study, settings, budget, kept, own_configs=configs)
    if done.elsewhere:
        messages.print(
            f"Done here. Other processes are still at {done.elsewhere} trials; the last one to "
            f"end concludes. If none is left, run this again."
        )
        return
    show_tuning(done)
    write_json(json_file, tuning_json(done))
    out = out or Path("build/tuning") / f"{'-'.join(conditions)}.yaml"
    write_settings(done.settings, out)
    messages.print(f"Settings: {out}   Runs: mlflow ui --backend-store-uri {kept.uri}")
    messages.print(
        f"Next: kappredict train {' '.join(conditions)} --study {study} --training {out}"
    )


@app.command()
def predict(
    model: ModelArgument,
    patients: Annotated[Path, typer.Argument(help="A study folder, or JSON patient records.")],
    out: Annotated[Path | None, typer.Option(help="A .csv, .parquet or .json file.")] = None,
    store: StoreOption = "build/mlflow",
) -> None:
    """Predict for every course of a study folder, or of a file of JSON patient records."""
    from kappredict.tracking.store import Store
    from pipelines.predict import predict as run
    from pipelines.predict import write_answers
    from pipelines.show import show_answers

    answers = run(model, patients, Store.at(store))
    if out is None:
        show_answers(answers)
    else:
        write_answers(answers, out)
        messages.print(f"{len(answers)} answers written to {out}.")


@app.command()
def evaluate(
    model: ModelArgument,
    study: Annotated[Path, typer.Option(help="A study folder that the model never saw.")],
    recalibrate: Annotated[
        Literal["intercept", "intercept_and_slope"] | None,
        typer.Option(help="Write the model recalibrated on this study, too."),
    ] = None,
    out: Annotated[Path, typer.Option(help="Where a recalibrated bundle goes.")] = Path(
        "build/recalibrated"
    ),
    training: TrainingOption = "default",
    store: StoreOption = "build/mlflow",
    json_file: JsonOption = None,
) -> None:
    """Validate a trained model on another study: ranking, calibration, case mix, and a verdict."""
    from kappredict.evaluation.settings import read_settings
    from kappredict.tracking.store import Store
    from pipelines.evaluate import evaluate as run
    from pipelines.judgements import evaluation_json, show_evaluation

    done = run(model, study, read_settings(training), Store.at(store), way=recalibrate)
    show_evaluation(done)
    write_json(json_file, evaluation_json(done))
    if done.bundle is not None:
        folder = out / done.task
        done.bundle.save(folder)
        messages.print(
            f"Recalibrated bundle: {folder}   Next: kappredict predict {folder} PATIENTS"
        )


@app.command()
def explain(
    model: ModelArgument,
    out: Annotated[Path, typer.Option(help="The folder for tables and plots.")] = Path(
        "build/explanation"
    ),
    store: StoreOption = "build/mlflow",
) -> None:
    """Say what matters to a model, whether it is more than noise, and whether elsewhere, too."""
    from kappredict.tracking.store import Store
    from pipelines.explain import explain as run
    from pipelines.show import show_explanation

    show_explanation(run(model, out, Store.at(store)))
    messages.print(f"Tables and plots: {out}   Next: kappredict report {model} --out report.html")


@app.command()
def report(
    models: Annotated[
        list[str],
        typer.Argument(help="Bundles, folders of them, or condition/outcome/landmark@alias."),
    ],
    out: Annotated[Path, typer.Option(help="The HTML file to write.")] = Path("build/report.html"),
    store: StoreOption = "build/mlflow",
) -> None:
    """Write what is known of some models as one HTML file that opens offline."""
    from kappredict.tracking.store import Store
    from pipelines.report import report as run

    run(models, out, Store.at(store))
    messages.print(f"Report: {out}")


@app.command()
def card(
    model: ModelArgument,
    out: Annotated[Path, typer.Option(help="The folder for the card.")] = Path("build/card"),
    about: Annotated[
        Path | None, typer.Option(help="A YAML file on who uses the model, where and how.")
    ] = None,
    store: StoreOption = "build/mlflow",
) -> None:
    """Write a model card with the TRIPOD+AI record, in Markdown and JSON."""
    from kappredict.tracking.store import Store
    from pipelines.card import card as run

    for path in run(model, out, Store.at(store), about=about):
        messages.print(f"Written: {path}")


@app.command()
def compare(
    first: ModelArgument,
    second: ModelArgument,
    study: Annotated[Path, typer.Option(help="A study folder that neither model saw.")],
    training: TrainingOption = "default",
    store: StoreOption = "build/mlflow",
    json_file: JsonOption = None,
) -> None:
    """Compare two models of one task on the same courses, with paired intervals."""
    from kappredict.evaluation.settings import read_settings
    from kappredict.tracking.store import Store
    from pipelines.compare import compare as run
    from pipelines.judgements import comparison_json, show_comparison

    done = run(first, second, study, read_settings(training), Store.at(store))
    show_comparison(done, first, second)
    write_json(json_file, comparison_json(done))


@app.command()
def export(
    model: ModelArgument,
    out: Annotated[Path, typer.Argument(help="The folder that the bundle goes into.")] = Path(
        "models"
    ),
    store: StoreOption = "build/mlflow",
) -> None:
    """Write a registered model's bundle into a folder that the service reads."""
    from kappredict.tracking.store import Store
    from pipelines.export import export as run

    folder = run(model, out, Store.at(store))
    messages.print(f"Bundle written to {folder}.")


@app.command()
def serve(
    models: Annotated[Path, typer.Option(help="Folder of exported bundles.")] = Path("models"),
    host: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port.")] = 3000,
    workers: Annotated[int, typer.Option(min=1, help="Processes.")] = 1,
    demo: Annotated[
        bool, typer.Option("--demo", help="No credentials; this machine only.")
    ] = False,
    keys: KeysOption = Path("keys.json"),
    audit: AuditOption = "build/audit.db",
) -> None:
    """Serve every bundle of a folder: a web page, REST, FHIR and CDS Hooks, audited."""
    from pipelines.serve import serve as run

    trail = f"a {audit.partition(':')[0]} database" if "://" in audit else audit  # no password
    messages.print(f"Page: http://{host}:{port}/   Audit trail: {trail}")
    run(Address(host, port), models, keys, audit, demo=demo, workers=workers)


app.command()(promote)
app.command()(retrain)
app.command()(backtest)
app.command()(sign)
app.command()(monitor)
app.add_typer(keys_app, name="keys")
app.add_typer(predictions_app, name="predictions")
app.add_typer(audit_app, name="audit")


def main() -> None:
    """Run the command line; an error on purpose is one message and its exit code."""
    try:
        app()
    except KappredictError as error:
        show_error(str(error))
        sys.exit(error.exit_code)
    except OSError as error:
        place = f" ({error.filename})" if error.filename else ""
        show_error(f"{error.strerror or error}{place}")
        sys.exit(11)


if __name__ == "__main__":
    main()
