"""How a deployment is set up: read from the environment, and refused where it would not be safe."""

import ipaddress
from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kappredict.errors import UsageError

PREFIX = "KAPPREDICT_"
_ORIGINS = r"^(https?://[^\s/*]+( |$))*$"  # whole origins; a wildcard is none
LOOPBACK_NAMES = ("127.0.0.1", "::1", "localhost")
DEFAULT_PATIENCE = 15.0


class Settings(BaseModel):
    """The settings of a service, each the environment variable KAPPREDICT_ and its name."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    models: Path = Field(default=Path("models"), description="folder of exported bundles")
    audit: str = Field(default="build/audit.db", description="SQLite file, or a database URL")
    keys: Path = Field(default=Path("keys.json"), description="file of API keys")
    store_predictions: bool = Field(
        default=True, description="keep served predictions, pseudonymised, for monitoring"
    )
    pseudonym_key: str = Field(default="", description="secret that makes pseudonyms")
    verify_key: Path | None = Field(default=None, description="Ed25519 public key (PEM) of bundles")
    issuers: Path | None = Field(default=None, description="JSON of trusted JWT issuers")
    url: str = Field(default="http://127.0.0.1:3000", description="where clients reach the service")
    origins: str = Field(
        default="",
        description="browser origins that may call, separated by spaces",
        pattern=_ORIGINS,
    )
    host: str = "127.0.0.1"
    demo: bool = Field(default=False, description="no credentials; on this machine only")
    per_minute: int = Field(default=1200, gt=0, description="requests a principal may make")
    most_bytes: int = Field(default=8_000_000, gt=0, description="largest request body")
    patience: float = Field(
        default=DEFAULT_PATIENCE, gt=0, description="seconds to send headers, and a body"
    )
    look_every: float = Field(default=2.0, gt=0, description="seconds between looks for bundles")


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read the settings, and refuse those that would let strangers in.

    Raises
    ------
    UsageError
        If a value is wrong, or there are no credentials and it is no demo on loopback.
    """
    given = {
        name.removeprefix(PREFIX).lower(): value
        for name, value in environment.items()
        if name.startswith(PREFIX) and value
    }
    try:
        settings = Settings.model_validate(given)
    except ValidationError as error:
        wrong = ", ".join(f"{PREFIX}{one['loc'][0]}".upper() for one in error.errors())
        raise UsageError(f"these settings are wrong: {wrong}") from error
    if settings.demo and not is_loopback(settings.host):
        raise UsageError("a demo has no credentials: it serves 127.0.0.1 only, not other hosts")
    if not settings.demo and not settings.keys.exists() and settings.issuers is None:
        raise UsageError(
            f"no credentials: make an API key with `kappredict keys add NAME --role clinician "
            f"--keys {settings.keys}`, or name trusted issuers in {PREFIX}ISSUERS; "
            f"`--demo` serves this machine alone without any"
        )
    if not settings.demo and len(settings.pseudonym_key) < 16:
        raise UsageError(f"{PREFIX}PSEUDONYM_KEY must be a secret of at least 16 characters")
    return settings


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
