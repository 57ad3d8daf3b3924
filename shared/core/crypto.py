"""Encryption of stored secrets: AES-GCM with a key per purpose, derived from one data key.

`seal` and `unseal` encrypt so that equal values look different. `fingerprint` is a keyed hash, for
look-ups by equality.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from shared.core.settings import Settings, SettingsError, missing

NONCE_BYTES = 12
VERSION = b"\x01"  #: names the data key, so that it can be rotated


class Vault:
    """Encrypts and fingerprints for one purpose (a column). No other purpose can decrypt it."""

    def __init__(self, data_key: bytes, purpose: str) -> None:
        info = b"wishtree:" + purpose.encode()
        derived = HKDF(SHA256(), 64, salt=None, info=info).derive(data_key)
        self._cipher = AESGCM(derived[:32])
        self._hash_key = derived[32:]
        self._purpose = purpose.encode()

    def seal(self, plain: str) -> bytes:
        """Encrypt; the result holds version, nonce and ciphertext."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return VERSION + nonce + self._cipher.encrypt(nonce, plain.encode(), self._purpose)

    def unseal(self, sealed: bytes) -> str:
        """Decrypt. Raises ValueError if it was not sealed with this key for this purpose."""
        try:
            nonce, box = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
            return self._cipher.decrypt(nonce, box, self._purpose).decode()
        except InvalidTag as error:
            raise ValueError("Sealed with another key, or altered.") from error

    def fingerprint(self, plain: str) -> bytes:
        """32 bytes, equal for equal values; useless without the data key."""
        return hmac.digest(self._hash_key, plain.encode(), hashlib.sha256)


@lru_cache(maxsize=64)
def _vault(data_key: str, purpose: str) -> Vault:
    try:
        raw = base64.b64decode(data_key, validate=True)
    except binascii.Error:
        raw = b""
    if len(raw) != 32:
        raise SettingsError("WISHTREE_DATA_KEY: should be the base64 of 32 random bytes.")
    return Vault(raw, purpose)


def vault(settings: Settings, purpose: str) -> Vault:
    """The vault of one purpose, named `service.column`."""
    return _vault(
        settings.data_key or missing("data_key", "the base64 of 32 random bytes"), purpose
    )


def secret_hash(secret: str) -> bytes:
    """Hash a random secret of 32 bytes or more (an API key).

    It cannot be guessed, so a plain hash is enough.
    """
    return hashlib.sha256(secret.encode()).digest()
