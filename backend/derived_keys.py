"""Keys that are derived from SECRET_KEY (HKDF, RFC 5869), each for one purpose and of no use for any other."""

from enum import Enum, unique

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


@unique
class Purpose(Enum):
    """What a derived key is for: HKDF's `info`, which keeps it apart from every other.

    What was made with a key is lost when its text changes.
    """

    SEALING = b"tanhui sealing at rest, version 1"
    HASHES_OF_WHO_LEFT = b"tanhui hashes of who left, version 1"
    HASHES_OF_REQUESTS = b"tanhui hashes of requests, version 1"
    NAME_OF_KEY = b"tanhui backup: which key, version 1"


def derived(secret: str, purpose: Purpose, *, length: int = 32) -> bytes:
    """The key of so many bytes that a SECRET_KEY gives for a purpose; neither can be had from it."""
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=purpose.value).derive(secret.encode())
