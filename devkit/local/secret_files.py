"""Passwords and keys of an installation, made once and kept in `secrets/` of its folder."""

import base64
import secrets
from collections.abc import Callable
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from devkit.local.files import private_folder, write_private


def secret(data: Path, name: str) -> str:
    """A random password, made once."""
    return secret_file(data, name, lambda: secrets.token_urlsafe(32)).read_text()


def secret_file(data: Path, name: str, make: Callable[[], str]) -> Path:
    """A file in `secrets/`, made once, that only we may read."""
    file = private_folder(data / "secrets") / name
    if not file.exists():
        write_private(file, make())
    return file


def new_signing_key() -> str:
    """A private key for ES256, as PEM."""
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    key = ec.generate_private_key(ec.SECP256R1())
    return key.private_bytes(pem, pkcs8, serialization.NoEncryption()).decode()


def new_data_key() -> str:
    """32 random bytes, base64."""
    return base64.b64encode(secrets.token_bytes(32)).decode()
