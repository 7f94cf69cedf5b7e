"""Sign: put an Ed25519 signature beside each bundle of a folder."""

from pathlib import Path

from kappredict.errors import UsageError
from kappredict.estimators.bundle import MANIFEST
from kappredict.serving.signatures import private_key
from kappredict.serving.signatures import sign as sign_bundle


def sign(models: Path, key: Path) -> list[Path]:
    """Sign a bundle, or each of a folder; gives the signatures' files.

    Raises
    ------
    UsageError
        If there is no bundle, or the key is none.
    BundleError
        If one of them is incomplete or was changed.
    """
    secret = private_key(key)
    bundles = sorted(one.parent for one in models.resolve().rglob(MANIFEST))
    if not bundles:
        raise UsageError(f"no bundle in {models}")
    return [sign_bundle(one, secret) for one in bundles]
