"""Only bundles that can be trusted are served: as their manifest says, and signed where asked."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kappredict.errors import UsageError
from kappredict.estimators.bundle import load_bundle
from kappredict.serving.core import Core
from kappredict.serving.lists import model_facts
from kappredict.serving.metrics import State
from kappredict.serving.settings import Settings
from kappredict.serving.shelf import load_shelf
from kappredict.serving.signatures import private_key, sign, signature_of

RESPONSE, RELAPSE = "depression/response/baseline", "depression/relapse/baseline"


@pytest.fixture
def own(models: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(models, tmp_path / "models"))


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """A private key and its public half, made as the documentation says."""
    return key_pair(tmp_path, "release")


def key_pair(folder: Path, name: str) -> tuple[Path, Path]:
    secret, public = folder / f"{name}.pem", folder / f"{name}.pub.pem"
    subprocess.run(
        ["openssl", "genpkey", "-algorithm", "ed25519", "-out", secret],
        check=True,
    )
    subprocess.run(
        ["openssl", "pkey", "-in", secret, "-pubout", "-out", public],
        check=True,
    )
    return secret, public


def settings(models: Path, **changes: Any) -> Settings:
    return Settings(models=models, audit=str(models.parent / "audit.db"), demo=True, **changes)


@pytest.fixture
def opened(request: pytest.FixtureRequest) -> Callable[[Settings], Core]:
    def open_(given: Settings) -> Core:
        core = Core.open(given)
        request.addfinalizer(core.close)
        return core

    return open_


def test_signed_bundles_are_served_and_say_so(
    own: Path, pair: tuple[Path, Path], run: Any, opened: Any
) -> None:
    done = run("sign", own, "--key", pair[0])
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.split()) == 2
    core = opened(settings(own, verify_key=pair[1]))
    assert set(core.shelf.models) == {RESPONSE, RELAPSE}
    assert all(model_facts(one)["signed"] for one in core.shelf.models.values())


def test_what_is_not_signed_with_the_key_is_not_served(
    own: Path, pair: tuple[Path, Path], tmp_path: Path, opened: Any, caplog: Any
) -> None:
    sign(own / RELAPSE, private_key(pair[0]))
    core = opened(settings(own, verify_key=pair[1]))
    assert set(core.shelf.models) == {RELAPSE}
    assert core.shelf.refused == (RESPONSE,)
    assert "not signed with the configured key" in caplog.text
    other, _ = key_pair(tmp_path, "other")
    sign(own / RESPONSE, private_key(other))
    core.look()
    assert core.shelf.refused == (RESPONSE,)
    sign(own / RESPONSE, private_key(pair[0]))
    core.look()
    assert not core.shelf.refused


def test_what_was_changed_after_it_was_signed_is_refused_and_the_old_one_stays(
    own: Path, pair: tuple[Path, Path], opened: Any
) -> None:
    key = private_key(pair[0])
    for name in (RESPONSE, RELAPSE):
        sign(own / name, key)
    core = opened(settings(own, verify_key=pair[1]))
    before = core.shelf.models[RESPONSE].digest
    bundle = load_bundle(own / RESPONSE)
    changed = bundle.recipe.model_copy(update={"base_rate": {"": 0.123}})
    type(bundle)(changed, bundle.encoder, bundle.margin, bundle.calibration, bundle.limits).save(
        own / RESPONSE
    )
    assert core.look()
    assert core.shelf.refused == (RESPONSE,)
    assert core.shelf.models[RESPONSE].digest == before
    sign(own / RESPONSE, key)
    assert core.look()
    assert core.shelf.models[RESPONSE].digest != before


def test_one_corrupt_bundle_among_good_ones_is_left_out_and_said(
    own: Path, opened: Any, caplog: pytest.LogCaptureFixture
) -> None:
    (own / RESPONSE / "bundle.json").write_bytes(b"{")
    core = opened(settings(own))
    assert set(core.shelf.models) == {RELAPSE}
    assert "bundle.json was changed" in caplog.text
    state = {one.name: one.samples for one in State([], 1, audited=True).collect()}
    assert state["kappredict_bundles_refused"][0].value == len(core.shelf.refused)


def test_a_bundle_that_is_copied_file_by_file_is_served_once_it_is_whole(
    own: Path, opened: Any
) -> None:
    whole = Path(shutil.move(own / RESPONSE, own.parent / "whole"))
    core = opened(settings(own))
    (own / RESPONSE).mkdir()
    files = sorted(whole.iterdir(), key=lambda one: one.name != "manifest.json")
    for one in files:
        assert RESPONSE not in core.shelf.models
        shutil.copy2(one, own / RESPONSE)
        core.look()
    assert RESPONSE in core.shelf.models
    assert not core.shelf.refused


def test_a_bundle_that_is_gone_or_half_written_leaves_the_old_one_serving(own: Path) -> None:
    old = load_shelf(own)
    (own / RESPONSE / "bundle.json").unlink()
    shutil.rmtree(own / RELAPSE)
    assert load_shelf(own, old=old).models.keys() == old.models.keys()


def test_a_key_that_is_none_is_a_fault_of_the_user(own: Path, tmp_path: Path, run: Any) -> None:
    (tmp_path / "key.pem").write_text("no key")
    assert run("sign", own, "--key", tmp_path / "key.pem").returncode == 2
    with pytest.raises(UsageError, match="no public key"):
        Core.open(settings(own, verify_key=tmp_path / "key.pem"))


def test_a_signature_lies_beside_the_bundle(own: Path, pair: tuple[Path, Path]) -> None:
    written = sign(own / RESPONSE, private_key(pair[0]))
    assert written == signature_of(own / RESPONSE) == own / "depression/response/baseline.sig"
