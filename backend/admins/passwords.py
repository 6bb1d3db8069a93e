"""Admins' passwords: argon2id, and the same work whether the admin exists or not."""

import threading
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask_babel import gettext

from backend.errors import ValidationFailedError

SHORTEST, LONGEST = 12, 200
"""Characters of a password: length is what NIST SP 800-63B asks for; the upper end bounds the hashing."""

# The first of the settings that OWASP's password storage cheat sheet gives for argon2id: 46 MiB, one pass, one lane.
_hasher = PasswordHasher(time_cost=1, memory_cost=46 * 1024, parallelism=1)
# One verification takes all of that memory: without turns, a burst of sign-ins could take all memory.
_turns = threading.BoundedSemaphore(2)


def check_strength(password: str) -> None:
    """Raise ValidationFailedError unless the password is long enough and not one character over and over."""
    if SHORTEST <= len(password) <= LONGEST and len(set(password)) > SHORTEST // 3:
        return
    message = gettext("Take %(shortest)s to %(longest)s characters that vary.", shortest=SHORTEST, longest=LONGEST)
    raise ValidationFailedError.of({"password": message})


def hash_of(password: str) -> str:
    """The argon2id hash (RFC 9106), with its salt and parameters in it."""
    with _turns:
        return _hasher.hash(password)


def matches(password: str, stored: str | None) -> bool:
    """Whether the password is the one of this hash; for None, no, after the same work."""
    try:
        with _turns:
            _hasher.verify(stored or _nobodys(), password)
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


@cache
def _nobodys() -> str:
    return _hasher.hash("a password that nobody has")
