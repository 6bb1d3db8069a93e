"""Every page of a stopped PostgreSQL against its checksum, also those that nobody has read since they went wrong."""

import os
import re
import subprocess
from pathlib import Path

from backend.embedded import binaries

PAGE = 8192
_COUNTS = re.compile(r"^Blocks scanned:\s+(\d+)$.*^Bad checksums:\s+(\d+)$", re.MULTILINE | re.DOTALL)
_RELATION = re.compile(r"\d+(_\w+)?(\.\d+)?")


def check_pages(folder: Path, *, disk_was_full: bool = False) -> int:
    """How many pages a site's PostgreSQL has, all of them right.

    Where the disk was full, torn ends of files are cut off first; elsewhere they are wrong.
    Raises AssertionError where a page is wrong, or where the cluster has no checksums or was not stopped in order.
    """
    cluster = folder / "postgres"
    argv = [str(binaries.postgres("pg_checksums")), "--check", "--pgdata", str(cluster)]
    if disk_was_full:
        _cut_torn_ends(cluster)
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    counts = _COUNTS.search(done.stdout)
    assert counts is not None, said
    assert (done.returncode, counts[2]) == (0, "0"), said
    return int(counts[1])


def _cut_torn_ends(cluster: Path) -> None:
    """Part of a page at the end of a file is none of PostgreSQL's pages: where a disk is full while a file grows, what
    fitted stays there, the write is refused, and the next one to grow the file writes over it (`mdextend`; `_mdnblocks`
    counts whole pages only). pg_checksums stops at it."""
    for file in (*cluster.glob("base/*/*"), *cluster.glob("global/*")):
        torn = file.stat().st_size % PAGE
        if torn and _RELATION.fullmatch(file.name):
            os.truncate(file, file.stat().st_size - torn)
