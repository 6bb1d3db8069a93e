"""What goes wrong with a backup, said in one sentence that tells the cure."""

import errno
from pathlib import Path

from click import ClickException

_FULL = ("No space left on device", "Disk quota exceeded")


class BackupError(ClickException):
    """A backup or a restore came to nothing; what was there before is as it was."""


def disk_full(folder: Path) -> BackupError:
    """The sentence for a folder of backups whose disk is full."""
    return BackupError(
        f"The disk of {folder} is full, and nothing was kept: make room on it, or name another with FOLDER=…"
    )


def unwritable(folder: Path, error: OSError) -> BackupError:
    """The sentence for a folder of backups that cannot be written because of `error`."""
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return disk_full(folder)
    return BackupError(f"{folder} cannot be used ({error.strerror}: {error.filename}): name another with FOLDER=…")


def unnoticed(data: Path, error: OSError) -> BackupError:
    """The sentence for a backup that was made, of which the data folder cannot be told because of `error`."""
    return BackupError(
        f"The backup is there, but {data} cannot be told of it ({error.strerror}), so that TanhuiNoBackup will ring:"
        " make backups as the user whose folder that is."
    )


def says_full(said: str) -> bool:
    """Whether a program's words tell of a full disk."""
    return any(words in said for words in _FULL)
