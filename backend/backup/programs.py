"""PostgreSQL's own programs: those of the embedded servers or on the PATH, whichever suit the server.

`pg_dump` reads servers of its own major version and older ones. `pg_restore` from 17 on says things that a server
before 17 does not understand; both 17 or newer is fine, and so is the same version.
"""

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from backend.backup.errors import BackupError
from backend.embedded import EmbeddedError, binaries

_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")
_FIRST_WITH_TRANSACTION_TIMEOUT = 17


@dataclass(frozen=True, slots=True)
class Program:
    """A program of PostgreSQL and its major version."""

    path: Path
    major: int


def dumper(server: int) -> Program:
    """The `pg_dump` for a server of this major version; raises BackupError with the cure."""
    return _best("pg_dump", server=server, suits=lambda major: major >= server)


def restorer(server: int) -> Program:
    """The `pg_restore` for a server of this major version; raises BackupError with the cure."""

    def suits(major: int) -> bool:
        return major == server or (major > server >= _FIRST_WITH_TRANSACTION_TIMEOUT)

    return _best("pg_restore", server=server, suits=suits)


def _best(name: str, *, server: int, suits: Callable[[int], bool]) -> Program:
    found = list(_installed(name))
    suitable = [program for program in found if suits(program.major)]
    if suitable:
        return min(suitable, key=lambda program: program.major)
    there = ", ".join(str(program.major) for program in found) or "none"
    raise BackupError(
        f"The server is PostgreSQL {server}, and no {name} for it is installed (found: {there}):"
        f" install the client programs of PostgreSQL {server} and put them on the PATH."
    )


def _installed(name: str) -> Iterator[Program]:
    candidates = [shutil.which(name)]
    with suppress(EmbeddedError):  # servers of one's own need no embedded ones
        candidates.append(str(binaries.postgres(name)))
    for candidate in filter(None, candidates):
        done = subprocess.run([candidate, "--version"], capture_output=True, text=True, check=False)  # noqa: S603  found above
        told = _VERSION.search(done.stdout)
        if told:
            yield Program(Path(candidate), int(told[1]))
