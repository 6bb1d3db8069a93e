"""When a backup was last made: each leaves its moment in the data folder, wherever the dump itself went."""

from contextlib import suppress
from pathlib import Path

MARK = "last-backup"
USUAL = "backups"
"""The folder of dumps in the data folder, where no other is named."""


def note(data: Path) -> None:
    """Leave in the data folder that a backup has been made just now. Raises OSError."""
    data.mkdir(parents=True, exist_ok=True)
    # Made anew, since another user's could not be touched.
    (data / MARK).unlink(missing_ok=True)
    (data / MARK).touch()


def made_at(data: Path) -> float:
    """When the newest backup was made that is known in the data folder, in seconds since 1970; 0: there is none."""
    known = [0.0]
    for path in (data / MARK, *(data / USUAL).glob("tanhui-*.dump")):
        with suppress(OSError):  # there is none, it has just been removed, or it is not ours to look at
            known.append(path.stat().st_mtime)
    return max(known)
