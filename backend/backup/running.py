"""Running one of PostgreSQL's programs on a database, and hearing what it says; being asked to stop meanwhile."""

import os
import signal
import subprocess
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from backend.backup.address import Address

_REMEMBERED = 50


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended, and its last words."""

    code: int
    said: tuple[str, ...]

    @property
    def reason(self) -> str:
        """The line that tells why it failed, as far as can be told."""
        telling = [line for line in self.said if "error:" in line.lower() or "fatal:" in line.lower()]
        return (telling or self.said or ("it said nothing",))[-1 if not telling else 0].strip()


def run(argv: list[str], address: Address, *, hear: Callable[[str], None]) -> Ended:
    """Run a program to its end; `hear` is given each line that it says."""
    environment = {**os.environ, "LC_ALL": "C", **address.secrets}
    said: deque[str] = deque(maxlen=_REMEMBERED)
    with subprocess.Popen(  # noqa: S603  the caller's own words
        argv,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as process:
        try:
            for line in process.stdout or ():
                said.append(line.rstrip("\n"))
                hear(line.rstrip("\n"))
        except BaseException:
            # A Ctrl-C reaches it as well, a SIGTERM does not.
            process.terminate()
            raise
    return Ended(process.returncode, tuple(said))


@contextmanager
def tidy_when_asked_to_stop() -> Iterator[None]:
    """Inside the block SIGTERM does what Ctrl-C does: it raises KeyboardInterrupt, and what was begun is taken back."""
    former = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)
