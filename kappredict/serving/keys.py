"""API keys: shown once, kept as SHA-256, revoked by name.

A key is 256 random bits, so a fast hash is right for it: there is nothing to guess, and slow hashes
(for passwords) would cost each request tens of milliseconds. See OWASP, "Password Storage Cheat
Sheet", on when they are needed.
"""

import hashlib
import json
import os
import secrets
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from kappredict.errors import DataError, UsageError
from kappredict.serving.principals import Principal, Role

PREFIX = "kap_"


class Key(BaseModel):
    """A key as it is kept: by its hash."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    role: Role
    sha256: str
    created: str
    revoked: str = ""


_file = TypeAdapter(list[Key])


def read_keys(path: Path) -> list[Key]:
    """Read a file of keys; none where there is no file.

    Raises
    ------
    DataError
        If the file is not one of keys.
    """
    if not path.exists():
        return []
    try:
        return _file.validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise DataError(
            f"{path} is no file of keys; make one with `kappredict keys add`"
        ) from error


def add_key(path: Path, name: str, role: Role) -> str:
    """Make a key, keep its hash, and give the key itself: nobody can show it again.

    Raises
    ------
    UsageError
        If there is a key of that name that was not revoked.
    """
    keys = read_keys(path)
    if any(one.name == name and not one.revoked for one in keys):
        raise UsageError(f"there is a key '{name}'; revoke it first, or choose another name")
    secret = PREFIX + secrets.token_urlsafe(32)
    made = Key(name=name, role=role, sha256=_hash(secret), created=_now())
    _write(path, [*keys, made])
    return secret


def revoke_key(path: Path, name: str) -> None:
    """Revoke a key by its name.

    Raises
    ------
    UsageError
        If there is none in use.
    """
    keys = read_keys(path)
    if not any(one.name == name and not one.revoked for one in keys):
        known = ", ".join(one.name for one in keys if not one.revoked) or "none"
        raise UsageError(f"no key '{name}' in use; in use: {known}")
    at = _now()
    changed = [
        one.model_copy(update={"revoked": at}) if one.name == name and not one.revoked else one
        for one in keys
    ]
    _write(path, changed)


class KeyRing:
    """The keys in use, by hash; a changed file is read again at the next request."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen = 0.0
        self._keys: Mapping[str, Principal] = {}

    def __len__(self) -> int:
        """Count the keys in use."""
        return len(self._now_in_use())

    def principal(self, secret: str) -> Principal | None:
        """Tell whose key this is. The hash is looked up, so time tells nothing of the secret."""
        return self._now_in_use().get(_hash(secret))

    def _now_in_use(self) -> Mapping[str, Principal]:
        changed = self._path.stat().st_mtime if self._path.exists() else 0.0
        if changed != self._seen:
            keys = [one for one in read_keys(self._path) if not one.revoked]
            self._keys = {one.sha256: Principal(one.name, one.role) for one in keys}
            self._seen = changed
        return self._keys


def _write(path: Path, keys: list[Key]) -> None:
    """Replace the file at once; only its owner may read it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content = json.dumps([one.model_dump() for one in keys], indent=1)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as draft:  # mode 0600
        draft.write(content)
    os.replace(draft.name, path)  # noqa: PTH105  # the two-argument form says what happens


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
