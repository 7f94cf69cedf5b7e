"""Admission: who asks, whether they may, and how often."""

from dataclasses import dataclass
from http import HTTPStatus

from kappredict.serving.keys import PREFIX, KeyRing
from kappredict.serving.principals import Act, Principal
from kappredict.serving.problems import Problem
from kappredict.serving.settings import Settings
from kappredict.serving.shields import Buckets
from kappredict.serving.tokens import Issuers

DEMO = Principal("demo", "clinician")
# A person mistypes a key a few times a minute; more is somebody trying. Good credentials from the
# same address are let in all the same: behind a proxy, all clients may share it.
REFUSALS_PER_MINUTE = 30


@dataclass(frozen=True)
class Asking:
    """A request before it is known whose it is.

    `place` is the exact URL that was called, `address` where it came from, `act` what the role must
    allow, and `action` what the audit trail calls it.
    """

    authorisation: str
    place: str
    address: str
    act: Act
    action: str


class Admission:
    """Lets principals in: by their credentials, their role, and the rate of each."""

    def __init__(self, settings: Settings, keys: KeyRing, issuers: Issuers) -> None:
        self._demo = settings.demo
        self._keys = keys
        self._issuers = issuers
        self._asked = Buckets(settings.per_minute)
        self._refused = Buckets(REFUSALS_PER_MINUTE)

    def at_once(self, asking: Asking) -> bool:
        """Whether `known` answers without the database, where a token's first use is written."""
        return self._demo or not self._issuers or f" {PREFIX}" in asking.authorisation

    def known(self, asking: Asking) -> Principal | None:
        """Tell who asks, from the Authorization header.

        Raises
        ------
        AuditError
            If it cannot be told whether a token was used before.
        """
        if self._demo:
            return DEMO
        scheme, _, secret = asking.authorisation.partition(" ")
        if scheme.lower() != "bearer":
            return None
        secret = secret.strip()
        return self._keys.principal(secret) or self._issuers.principal(secret, asking.place)

    def refuse(self, asking: Asking) -> Problem:
        """Give the answer to missing, wrong, expired or revoked credentials.

        Raises
        ------
        Problem
            429, if there were too many from this address.
        """
        self._refused.take(asking.address)
        detail = "credentials are missing or not accepted: send Authorization: Bearer KEY"
        return Problem(HTTPStatus.UNAUTHORIZED, detail, WWW_Authenticate="Bearer")

    def allow(self, who: Principal, act: Act) -> None:
        """Let a principal do an act, if the role and the rate allow it.

        Raises
        ------
        Problem
            403 or 429.
        """
        self._asked.take(who.name)
        if not who.may(act):
            raise Problem(HTTPStatus.FORBIDDEN, f"the role {who.role} may not {act}")
