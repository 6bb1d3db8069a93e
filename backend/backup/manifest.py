"""What lies beside a dump: how it can be told from a damaged one, and what it takes to use it."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from backend.backup.errors import BackupError
from backend.derived_keys import Purpose, derived

_AT_ONCE = 1 << 20
_KEY_ID_BYTES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A dump's own description."""

    made_at: str
    """RFC 3339."""
    bytes: int
    sha256: str
    server: int
    """Major version of the PostgreSQL that it was taken from."""
    revision: str
    """The newest migration that had been applied."""
    key_id: str
    """Tells which SECRET_KEY the site had, without telling the key."""
    former_key_ids: list[str] = field(default_factory=list)
    """Tell which SECRET_KEY_FALLBACKS it had, which may have sealed a part. Older backups have none."""

    @classmethod
    def read(cls, path: Path) -> "Manifest":
        """Read it back; raises BackupError."""
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
            told = {"former_key_ids": [], **told}
            return cls(**{member.name: told[member.name] for member in fields(cls)})
        except FileNotFoundError:
            raise BackupError(f"{path.name} is missing: copy it along with the dump, it holds the checksum.") from None
        except (ValueError, KeyError, TypeError) as error:
            raise BackupError(f"{path.name} is damaged: take another copy of it.") from error

    def text(self) -> str:
        """What is written down."""
        return json.dumps(asdict(self), indent=2) + "\n"


def key_id(secret_key: str) -> str:
    """A name for a SECRET_KEY from which the key cannot be had."""
    return derived(secret_key, Purpose.NAME_OF_KEY, length=_KEY_ID_BYTES).hex()


def checksum(path: Path, *, tell: Callable[[int], None] = lambda _read: None) -> str:
    """The SHA-256 of a file in hex; `tell` is told how many bytes have been read in all. Raises OSError."""
    digest, read = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(_AT_ONCE):
            digest.update(chunk)
            read += len(chunk)
            tell(read)
    return digest.hexdigest()
