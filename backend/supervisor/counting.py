"""Where the programs of a site count what /metrics tells: in memory, where the machine has a file system for that.

Their files are mapped into memory. On a disk that is full the kernel ends whoever touches a new page of one, with
SIGBUS: so every web worker went that had anything new to count.
"""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MEMORY = Path("/dev/shm")  # noqa: S108  the folder in it is ours alone, or it is not used


@contextmanager
def counting(site: Path) -> Iterator[Path]:
    """An empty folder for the counters of the site in the folder `site`, gone afterwards.

    The caller keeps other supervisors of this site out.
    """
    folder = _in_memory(site) or _in_the_site(site)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _in_memory(site: Path) -> Path | None:
    folder = MEMORY / f"tanhui-metrics-{hashlib.sha256(str(site).encode()).hexdigest()[:16]}"
    try:
        # Left by a predecessor that was killed. What is not ours to remove is not ours to use.
        if folder.is_symlink() or folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(mode=0o700)
    except OSError:
        return None
    return folder


def _in_the_site(site: Path) -> Path:
    folder = site / "metrics"
    folder.mkdir(mode=0o700, exist_ok=True)
    for left in folder.glob("*.db"):
        left.unlink()
    return folder
