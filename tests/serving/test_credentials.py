"""Who is let in: keys, tokens, settings that are not safe, and how often one may ask."""

import base64
import json
import time
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from kappredict.errors import UsageError
from kappredict.serving.admission import Admission, Asking
from kappredict.serving.audit import AuditTrail
from kappredict.serving.keys import KeyRing, add_key, read_keys, revoke_key
from kappredict.serving.problems import Problem
from kappredict.serving.settings import Settings, read_settings
from kappredict.serving.shields import Buckets
from kappredict.serving.tokens import Issuers, read_issuers

PLACE = "https://clinic.example/cds-services/kappredict-patient"


def test_a_key_is_known_until_it_is_revoked(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    secret = add_key(path, "ward 3", "clinician")
    assert secret not in path.read_text()
    ring = KeyRing(path)
    assert ring.principal(secret) is not None
    time.sleep(0.01)
    revoke_key(path, "ward 3")
    assert ring.principal(secret) is None
    assert read_keys(path)[0].revoked


def test_two_keys_in_use_cannot_share_a_name(tmp_path: Path) -> None:
    add_key(tmp_path / "keys.json", "ward 3", "clinician")
    with pytest.raises(UsageError, match="ward 3"):
        add_key(tmp_path / "keys.json", "ward 3", "admin")


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({}, "no credentials"),
        ({"KAPPREDICT_DEMO": "1", "KAPPREDICT_HOST": "0.0.0.0"}, "127.0.0.1 only"),  # noqa: S104
        ({"KAPPREDICT_PER_MINUTE": "many"}, "KAPPREDICT_PER_MINUTE"),
        ({"KAPPREDICT_ORIGINS": "*"}, "KAPPREDICT_ORIGINS"),
    ],
)
def test_settings_that_are_not_safe_are_refused(
    environment: dict[str, str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match=said):
        read_settings(environment)


@pytest.fixture
def key() -> ECKey:
    return ECKey.generate_key("P-384", {"kid": "one"})


@pytest.fixture
def issuers(tmp_path: Path, key: ECKey) -> Issuers:
    (tmp_path / "jwks.json").write_text(json.dumps({"keys": [key.as_dict(private=False)]}))
    known = [{"issuer": "ehr", "jwks": str(tmp_path / "jwks.json"), "role": "clinician"}]
    (tmp_path / "issuers.json").write_text(json.dumps(known))
    return read_issuers(tmp_path / "issuers.json", AuditTrail.at(str(tmp_path / "trail.db")))


def token(
    key: Any, algorithm: str = "ES384", header: dict[str, Any] | None = None, **changes: Any
) -> str:
    now = int(time.time())
    claims = {"iss": "ehr", "aud": PLACE, "iat": now, "exp": now + 300, "jti": str(now)} | changes
    whole = {"alg": algorithm, "kid": "one", "typ": "JWT"} | (header or {})
    named = {name: value for name, value in whole.items() if value is not None}
    return jwt.encode(named, claims, key, algorithms=[algorithm])


def test_a_token_is_taken_once_by_whichever_worker(
    issuers: Issuers, key: ECKey, tmp_path: Path
) -> None:
    made = token(key)
    trail = AuditTrail.at(str(tmp_path / "trail.db"))
    other_worker = read_issuers(tmp_path / "issuers.json", trail)
    assert issuers.principal(made, PLACE) is not None
    assert other_worker.principal(made, PLACE) is None
    assert issuers.principal(made, PLACE) is None


def test_a_tokens_own_address_of_keys_is_not_followed(issuers: Issuers, key: ECKey) -> None:
    header = {"jku": "https://attacker.example/jwks.json"}
    stranger = ECKey.generate_key("P-384", {"kid": "one"})
    assert issuers.principal(token(stranger, header=header), PLACE) is None
    assert issuers.principal(token(key, header=header), PLACE) is not None


def test_rs384_is_taken_too(issuers: Issuers, tmp_path: Path) -> None:
    key = RSAKey.generate_key(2048, {"kid": "two"})
    keys = {"keys": [key.as_dict(private=False)]}
    (tmp_path / "jwks.json").write_text(json.dumps(keys))  # rotated: known at once
    assert issuers.principal(token(key, "RS384", {"kid": "two"}), PLACE) is not None


def test_a_token_without_a_signature_is_none(issuers: Issuers) -> None:
    signed = token(ECKey.generate_key("P-384", {"kid": "one"}))
    header = base64.urlsafe_b64encode(b'{"alg":"none","kid":"one","typ":"JWT"}').rstrip(b"=")
    assert issuers.principal(f"{header.decode()}.{signed.split('.')[1]}.", PLACE) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://elsewhere.example"},
        {"aud": PLACE + "/"},
        {"exp": 1},
        {"exp": int(time.time()) + 90_000},
        {"iat": None},
        {"iat": int(time.time()) + 1000},
        {"iss": "stranger"},
        {"jti": None},
        {"jti": "x" * 1000},
        {"header": {"kid": "another"}},
        {"header": {"kid": None}},
        {"header": {"typ": "dpop+jwt"}},
    ],
)
def test_a_token_that_does_not_hold_is_refused(
    issuers: Issuers, key: ECKey, changes: dict[str, Any]
) -> None:
    assert issuers.principal(token(key, **changes), PLACE) is None


def test_a_shared_secret_or_another_key_is_no_signature(issuers: Issuers) -> None:
    secret = OctKey.import_key("a secret that is long enough for the algorithm")
    assert issuers.principal(token(secret, "HS256"), PLACE) is None
    other = ECKey.generate_key("P-384", {"kid": "one"})
    assert issuers.principal(token(other), PLACE) is None
    assert issuers.principal("not.a.token", PLACE) is None
    assert issuers.principal("no-token", PLACE) is None


@pytest.mark.parametrize(
    ("scope", "role"),
    [
        ("openid kappredict.read", "researcher"),
        ("kappredict.read kappredict.admin", "admin"),  # the highest of several
        ("openid", None),
    ],
)
def test_a_role_is_that_of_a_scope(
    tmp_path: Path, key: ECKey, scope: str, role: str | None
) -> None:
    (tmp_path / "jwks.json").write_text(json.dumps({"keys": [key.as_dict(private=False)]}))
    roles = {"kappredict.read": "researcher", "kappredict.admin": "admin"}
    trusted = {"issuer": "ehr", "jwks": str(tmp_path / "jwks.json"), "audience": "us"}
    (tmp_path / "issuers.json").write_text(json.dumps([{**trusted, "roles": roles}]))
    issuers = read_issuers(tmp_path / "issuers.json", AuditTrail.at(str(tmp_path / "trail.db")))
    found = issuers.principal(token(key, aud="us", scope=scope), PLACE)
    assert (found and found.role) == role


@pytest.mark.parametrize(
    ("late", "taken"), [(10, True), (60, False)], ids=["a little late", "too late"]
)
def test_clocks_may_differ_by_half_a_minute(
    issuers: Issuers,
    key: ECKey,
    late: int,
    taken: bool,
) -> None:
    now = int(time.time())
    made = token(key, iat=now - 300, exp=now - late)
    assert (issuers.principal(made, PLACE) is not None) == taken


@pytest.mark.parametrize("name", ["line\nbreak", "nul\x00", "x" * 400])
def test_a_name_that_the_trail_cannot_keep_as_it_is_is_refused(
    issuers: Issuers, key: ECKey, name: str
) -> None:
    assert issuers.principal(token(key, sub=name), PLACE) is None


def test_a_rotated_key_is_known_at_once(issuers: Issuers, key: ECKey, tmp_path: Path) -> None:
    new = ECKey.generate_key("P-384", {"kid": "two"})
    (tmp_path / "jwks.json").write_text(json.dumps({"keys": [new.as_dict(private=False)]}))
    header = {"alg": "ES384", "kid": "two"}
    now = int(time.time())
    claims = {"iss": "ehr", "aud": PLACE, "iat": now, "exp": now + 60, "jti": "new"}
    assert issuers.principal(jwt.encode(header, claims, new, algorithms=["ES384"]), PLACE)
    assert issuers.principal(token(key), PLACE) is None


def test_only_a_token_waits_for_the_database(issuers: Issuers, key: ECKey, tmp_path: Path) -> None:
    admission = Admission(Settings(keys=tmp_path / "keys.json"), KeyRing(tmp_path / "k"), issuers)
    kept = add_key(tmp_path / "keys.json", "ward 3", "clinician")
    assert admission.at_once(Asking(f"Bearer {kept}", PLACE, "", "predict", "predict"))
    asking = Asking(f"Bearer {token(key)}", PLACE, "", "predict", "predict")
    assert not admission.at_once(asking)
    found = admission.known(asking)
    assert found is not None
    assert found.role == "clinician"


def test_a_file_of_keys_is_its_owners_alone(tmp_path: Path) -> None:
    add_key(tmp_path / "keys.json", "ward 3", "clinician")
    assert (tmp_path / "keys.json").stat().st_mode & 0o777 == 0o600


def test_who_asks_too_often_is_told_when_to_ask_again() -> None:
    buckets = Buckets(per_minute=3)
    for _ in range(3):
        buckets.take("one")
    buckets.take("another")
    with pytest.raises(Problem) as refused:
        buckets.take("one")
    assert int(refused.value.headers["Retry-After"]) > 0
