"""Signatures of bundles: Ed25519 over the manifest, which names every other file by its SHA-256."""

from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from kappredict.errors import BundleError, UsageError
from kappredict.estimators.bundle import MANIFEST, check_manifest
from kappredict.serving.settings import Settings

SUFFIX = ".sig"


def signature_of(folder: Path) -> Path:
    """Give where a bundle's signature lies: beside it, as the manifest names all inside."""
    return folder.with_name(folder.name + SUFFIX)


def sign(folder: Path, key: Ed25519PrivateKey) -> Path:
    """Sign a bundle, once every file of it was found to be as its manifest says.

    Raises
    ------
    BundleError
        If the bundle is incomplete or was changed.
    """
    check_manifest(folder)
    signature = signature_of(folder)
    signature.write_bytes(key.sign((folder / MANIFEST).read_bytes()))
    return signature


def check_signature(folder: Path, key: Ed25519PublicKey) -> None:
    """Check that a bundle's manifest was signed with the private half of a key.

    Raises
    ------
    BundleError
        If it has no signature, or another one.
    """
    try:
        key.verify(signature_of(folder).read_bytes(), (folder / MANIFEST).read_bytes())
    except (OSError, InvalidSignature) as error:
        raise BundleError(f"{folder} is not signed with the configured key") from error


def private_key(path: Path) -> Ed25519PrivateKey:
    """Read a private key in PEM, as `openssl genpkey -algorithm ed25519` writes it.

    Raises
    ------
    UsageError
        If it is none.
    """
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise UsageError(f"{path} is no private key in PEM without a password") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(f"{path} is no Ed25519 key")
    return key


def public_key(settings: Settings) -> Ed25519PublicKey | None:
    """Read the configured public key; None where no signature is asked for.

    Raises
    ------
    UsageError
        If it is no Ed25519 public key in PEM.
    """
    if settings.verify_key is None:
        return None
    try:
        key = load_pem_public_key(settings.verify_key.read_bytes())
    except (OSError, ValueError) as error:
        raise UsageError(f"{settings.verify_key} is no public key in PEM") from error
    if not isinstance(key, Ed25519PublicKey):
        raise UsageError(f"{settings.verify_key} is no Ed25519 key")
    return key
