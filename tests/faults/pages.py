"""Every page of a stopped PostgreSQL against its checksum, also those that nobody has read since they went wrong."""

import re
import subprocess
from pathlib import Path

from backend.embedded import binaries

_COUNTS = re.compile(r"^Blocks scanned:\s+(\d+)$.*^Bad checksums:\s+(\d+)$", re.MULTILINE | re.DOTALL)


def check_pages(folder: Path) -> int:
    """How many pages a site's PostgreSQL has, all of them right.

    Raises AssertionError where a page is wrong, or where the cluster has no checksums or was not stopped in order.
    """
    argv = [str(binaries.postgres("pg_checksums")), "--check", "--pgdata", str(folder / "postgres")]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    counts = _COUNTS.search(done.stdout)
    assert counts is not None, said
    assert (done.returncode, counts[2]) == (0, "0"), said
    return int(counts[1])
