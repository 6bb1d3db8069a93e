"""Secrets that are made on first use and kept in the data folder."""

import os
import secrets
from pathlib import Path

from .folder import make_folder, unwritable

_SECRET_BYTES = 32


def secret(folder: Path, name: str) -> str:
    """The secret `name` of the data folder `folder`: 32 random bytes, urlsafe, in `secrets/<name>` (0600).

    It is made if absent; processes that ask at the same moment get the same one. Raises EmbeddedError if the
    folder cannot be used.
    """
    path = folder / "secrets" / name
    try:
        if not path.exists():
            _make(path)
        return path.read_text(encoding="ascii")
    except OSError as error:
        raise unwritable(folder, error) from error


def _make(path: Path) -> None:
    make_folder(path.parent.parent)
    path.parent.mkdir(exist_ok=True, mode=0o700)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(_SECRET_BYTES))
            file.flush()
            os.fsync(file.fileno())
        # A link is made complete or not at all, and never over another one's.
        path.hardlink_to(draft)
    except FileExistsError:
        return
    finally:
        draft.unlink()
