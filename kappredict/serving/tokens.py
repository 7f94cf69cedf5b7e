"""JSON Web Tokens of trusted issuers: OIDC, SMART backend services and CDS Hooks clients.

Signed asymmetrically only (RFC 8725): with `none` or a shared secret there is nothing to trust.
"""

import base64
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from kappredict.errors import UsageError
from kappredict.serving.audit import AuditTrail
from kappredict.serving.principals import ROLES, Principal, Role

ALGORITHMS = ["RS256", "RS384", "ES256", "ES384"]
_LEEWAY = 30
_LONGEST_LIFE = 3600
_LONGEST_JTI = 500
_TYPES = {"JWT", "at+jwt"}  # RFC 9068 names access tokens so
_LONGEST_NAME = 300


class Issuer(BaseModel):
    """An issuer that is trusted: its keys, and what its scopes allow.

    `audience` is what `aud` must be; left out, the exact URL that was called (CDS Hooks 2.0).
    `roles` maps a scope to a role; `role` is that of a token without scopes (a CDS client).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    issuer: str
    jwks: Path
    audience: str = ""
    roles: dict[str, Role] = {}
    role: Role | None = None
    once: bool = True


class Issuers:
    """The trusted issuers; a token's `jti` is taken once, by whichever worker it reaches."""

    def __init__(self, issuers: Sequence[Issuer], trail: AuditTrail) -> None:
        self._issuers = {one.issuer: one for one in issuers}
        self._trail = trail

    def __bool__(self) -> bool:
        """Whether anybody is trusted."""
        return bool(self._issuers)

    def principal(self, token: str, place: str) -> Principal | None:
        """Tell whose token this is; None where it is not to be trusted, for whatever reason.

        Keys are those of the issuer's configured set: a `jku` in the token is not followed.

        Raises
        ------
        AuditError
            If it cannot be told whether the token was used before.
        """
        try:
            claimed = json.loads(_unverified(token, 1))
            issuer = self._issuers[claimed["iss"]]
            if not _has_header(json.loads(_unverified(token, 0))):
                return None
            claims = jwt.decode(token, _keys(issuer.jwks), algorithms=ALGORITHMS).claims
        except (JoseError, ValueError, LookupError, TypeError, OSError):
            return None
        if not self._holds(claims, issuer, place):
            return None
        role = _role(issuer, str(claims.get("scope", "")))
        name = f"{issuer.issuer}#{claims.get('sub') or claims.get('tenant') or issuer.issuer}"
        if role is None or not name.isprintable() or len(name) > _LONGEST_NAME:
            return None  # the trail keeps names as they are
        return Principal(name, role)

    def _holds(self, claims: dict[str, Any], issuer: Issuer, place: str) -> bool:
        now, ends = time.time(), claims.get("exp")
        wanted: Any = {"essential": True, "value": issuer.audience or place}
        issued: Any = {"essential": issuer.once}
        rules = jwt.JWTClaimsRegistry(
            leeway=_LEEWAY, exp={"essential": True}, aud=wanted, iat=issued
        )
        try:
            rules.validate(claims)
        except JoseError:
            return False
        if not isinstance(ends, int | float) or ends - now > _LONGEST_LIFE:
            return False
        return not issuer.once or self._first_use(issuer.issuer, claims.get("jti"), ends, now)

    def _first_use(self, issuer: str, jti: Any, ends: float, now: float) -> bool:
        if not isinstance(jti, str) or not 0 < len(jti) <= _LONGEST_JTI or not jti.isprintable():
            return False
        return self._trail.take_once(f"{issuer} {jti}", ends + _LEEWAY, now)


def read_issuers(path: Path | None, trail: AuditTrail) -> Issuers:
    """Read the trusted issuers from a JSON list; none where no file is named.

    Raises
    ------
    UsageError
        If the file or a key set that it names cannot be read.
    """
    if path is None:
        return Issuers([], trail)
    try:
        issuers = TypeAdapter(list[Issuer]).validate_json(path.read_bytes())
        for one in issuers:
            _keys(one.jwks)
    except (OSError, ValueError, ValidationError) as error:
        raise UsageError(f"{path}: no list of issuers with readable key sets") from error
    return Issuers(issuers, trail)


def _keys(path: Path) -> KeySet:
    """Read a key set; at every token, so that a rotated key is known at once."""
    return KeySet.import_key_set(json.loads(path.read_text(encoding="utf-8")))


def _has_header(header: Mapping[str, Any]) -> bool:
    """Tell whether a token names its key and is of a type that is taken."""
    return isinstance(header.get("kid"), str) and header.get("typ", "JWT") in _TYPES


def _unverified(token: str, part: int) -> bytes:
    """Give what a token says of itself: only to find whose keys to check it with."""
    payload = token.split(".")[part]
    return base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))


def _role(issuer: Issuer, scopes: str) -> Role | None:
    """Give the highest role of the token's scopes, else the issuer's own."""
    granted = {issuer.roles[one] for one in scopes.split() if one in issuer.roles}
    return next((one for one in reversed(ROLES) if one in granted), issuer.role)
