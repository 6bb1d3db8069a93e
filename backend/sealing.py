"""Sealing what must not lie in the database in the clear: secrets, session keys, addresses."""

import base64

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from backend import present

PURPOSE = b"tanhui sealing at rest, version 1"
"""Keeps this key apart from every other that is derived from SECRET_KEY (RFC 5869, info)."""


class SealBrokenError(RuntimeError):
    """What was sealed does not open: it was changed, or SECRET_KEY is not the one that it was sealed with."""


def seal(text: str) -> str:
    """The text encrypted and authenticated (Fernet) under a key derived from SECRET_KEY."""
    return _fernet().encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """The text that was sealed; raises SealBrokenError."""
    try:
        return _fernet().decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise SealBrokenError("Not sealed with this SECRET_KEY: set the SECRET_KEY of the time of sealing.") from error


def _fernet() -> Fernet:
    secret = present.settings().secret_key
    key = HKDF(algorithm=SHA256(), length=32, salt=None, info=PURPOSE).derive(secret.encode())
    return Fernet(base64.urlsafe_b64encode(key))
