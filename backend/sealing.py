"""Sealing what must not lie in the database in the clear: secrets, session keys, addresses.

Whoever adds a column for it names it in SEALED of the feature's models: a change of keys goes over those.
"""

import base64
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from backend import present
from backend.derived_keys import Purpose, derived


class SealBrokenError(RuntimeError):
    """What was sealed does not open: it was changed, or its key is neither SECRET_KEY nor a former one that is set."""


def seal(text: str) -> str:
    """The text encrypted and authenticated (Fernet) under a key derived from SECRET_KEY."""
    return _fernets(present.settings().secret_key).encrypt(text.encode()).decode()


def unseal(sealed: str) -> str:
    """The text that was sealed, by SECRET_KEY or one of SECRET_KEY_FALLBACKS; raises SealBrokenError."""
    chosen = present.settings()
    try:
        return _fernets(chosen.secret_key, *chosen.secret_key_fallbacks).decrypt(sealed.encode()).decode()
    except InvalidToken as error:
        raise _broken() from error


def sealed_anew(sealed: str) -> str | None:
    """What a former key sealed, sealed under SECRET_KEY; None where SECRET_KEY sealed it. Raises SealBrokenError."""
    chosen = present.settings()
    try:
        _fernets(chosen.secret_key).decrypt(sealed.encode())
    except InvalidToken:
        pass
    else:
        return None
    try:
        return _fernets(chosen.secret_key, *chosen.secret_key_fallbacks).rotate(sealed.encode()).decode()
    except InvalidToken as error:
        raise _broken() from error


def _broken() -> SealBrokenError:
    return SealBrokenError("No key that is set opens this: add the SECRET_KEY of its time to SECRET_KEY_FALLBACKS.")


# Kept: to derive a key takes twice as long as to open something.
@lru_cache(maxsize=8)
def _fernets(*keys: str) -> MultiFernet:
    """Seals with the first key, opens with any."""
    return MultiFernet([_fernet(key) for key in keys])


def _fernet(secret: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(derived(secret, Purpose.SEALING)))
