"""The command line of a running service: its API keys and its audit trail."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from pipelines.console import messages

KeysOption = Annotated[
    Path, typer.Option("--keys", help="File of API keys.", envvar="KAPPREDICT_KEYS")
]
AuditOption = Annotated[
    str,
    typer.Option(
        "--audit", help="Audit trail: an SQLite file or a database URL.", envvar="KAPPREDICT_AUDIT"
    ),
]
keys_app = typer.Typer(help="API keys of the service.", no_args_is_help=True)
predictions_app = typer.Typer(help="What the service keeps of its answers.", no_args_is_help=True)
audit_app = typer.Typer(help="The audit trail of the service.", no_args_is_help=True)


@dataclass(frozen=True)
class Address:
    """Where a service listens."""

    host: str
    port: int


@keys_app.command("add")
def add(
    name: Annotated[str, typer.Argument(help="Whose key it is, for the audit trail.")],
    role: Annotated[
        Literal["clinician", "researcher", "admin"], typer.Option(help="What it may do.")
    ],
    keys: KeysOption = Path("keys.json"),
) -> None:
    """Make an API key; it is shown this once."""
    from kappredict.serving.keys import add_key

    typer.echo(add_key(keys, name, role))
    messages.print("Keep it safe: only its hash is stored. Send it as Authorization: Bearer KEY")


@keys_app.command("list")
def list_(keys: KeysOption = Path("keys.json")) -> None:
    """List the keys, without the keys."""
    from kappredict.serving.keys import read_keys

    for one in read_keys(keys):
        state = f"revoked {one.revoked}" if one.revoked else "in use"
        typer.echo(f"{one.name}\t{one.role}\tmade {one.created}\t{state}")


@keys_app.command("revoke")
def revoke(
    name: Annotated[str, typer.Argument(help="The key's name.")],
    keys: KeysOption = Path("keys.json"),
) -> None:
    """Revoke a key; a running service refuses it from the next request on."""
    from kappredict.serving.keys import revoke_key

    revoke_key(keys, name)
    messages.print(f"Revoked: {name}")


def sign(
    models: Annotated[Path, typer.Argument(help="A bundle, or a folder of exported bundles.")],
    key: Annotated[Path, typer.Option(help="Ed25519 private key, in PEM.")],
) -> None:
    """Sign bundles, so that a service with KAPPREDICT_VERIFY_KEY serves them."""
    from pipelines.sign import sign as run

    for path in run(models, key):
        typer.echo(path)


@audit_app.command("verify")
def verify(
    audit: AuditOption = "build/audit.db",
    head: Annotated[
        str, typer.Option(help="NUMBER:HASH noted earlier, which must still be there.")
    ] = "",
) -> None:
    """Check the whole chain; exit 12 naming the first entry that was changed, moved or removed."""
    from kappredict.serving.audit import AuditTrail

    trail = AuditTrail.at(audit)
    number, _, noted = head.partition(":")
    length = trail.verify((int(number), noted) if noted else None)
    messages.print(f"{length:,} entries, the chain is whole. Note its head elsewhere:")
    typer.echo(":".join(map(str, trail.head())))


@audit_app.command("export")
def export(
    out: Annotated[Path, typer.Argument(help="The file of FHIR AuditEvent, one a line.")],
    audit: AuditOption = "build/audit.db",
) -> None:
    """Write the trail as FHIR AuditEvent NDJSON (IHE BALP)."""
    import json

    from kappredict.serving.audit import AuditTrail
    from kappredict.serving.audit_events import audit_event

    with out.open("w", encoding="utf-8") as file:
        for one in AuditTrail.at(audit).read():
            file.write(json.dumps(audit_event(one)) + "\n")
    messages.print(f"Written: {out}")


@predictions_app.command("prune")
def prune(
    before: Annotated[
        datetime, typer.Option(help="Remove what was served before this day.", formats=["%Y-%m-%d"])
    ],
    audit: AuditOption = "build/audit.db",
) -> None:
    """Remove old served predictions; the audit trail keeps that it was done."""
    from kappredict.serving.audit import AuditTrail

    removed = AuditTrail.at(audit).prune(before.date(), "command line")
    messages.print(f"{removed:,} served predictions removed.")
