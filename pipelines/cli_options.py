"""Options and arguments that several commands share."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

StoreOption = Annotated[
    str,
    typer.Option(
        help="MLflow store: a folder (SQLite inside) or a URL.", envvar="KAPPREDICT_STORE"
    ),
]
JsonOption = Annotated[Path | None, typer.Option("--json", help="Write the result as JSON, too.")]
ModelArgument = Annotated[
    str, typer.Argument(help="A bundle folder, or condition/outcome/landmark@alias.")
]
TrainingOption = Annotated[
    str, typer.Option(help="Settings: a file, or `default`, `light` or `large`.")
]
ConfigsOption = Annotated[
    Path | None, typer.Option(help="A folder of your own definitions, on top of those that ship.")
]
DaskOption = Annotated[
    str | None,
    typer.Option(help="Work on a Dask cluster: its address, or `local` for workers here."),
]
PartitionsOption = Annotated[
    int | None,
    typer.Option(min=2, help="Write a study in so many partitions; 5,000 patients each do well."),
]


def write_json(path: Path | None, content: dict[str, Any]) -> None:
    """Write a result as JSON, where that was asked for."""
    if path is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=1), encoding="utf-8")
