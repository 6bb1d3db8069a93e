"""The embedded Valkey 9: reached by a socket only, and kept in memory only.

Nothing is saved because it holds nothing that PostgreSQL cannot give back; a restart finds it empty.
"""

import signal
from pathlib import Path

from . import binaries
from .daemon import Daemon
from .folder import DataFolder


def daemon(folder: DataFolder, *, sockets: Path) -> Daemon:
    """The Valkey server of `folder`, its socket in `sockets`."""
    home = folder.server_folder("valkey")
    socket = _socket(sockets)
    pid_file = folder.run / "valkey.pid"
    settings = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(home),
        "pidfile": str(pid_file),
        "save": "",
        "appendonly": "no",
        "daemonize": "no",
        "set-proc-title": "no",
    }
    return Daemon(
        name="Valkey",
        argv=(
            str(binaries.valkey()),
            *(word for name, value in settings.items() for word in (f"--{name}", value)),
        ),
        home=home,
        socket=socket,
        pid_file=pid_file,
        lock=folder.lock("valkey"),
        log=folder.logs / "valkey.log",
        stop_signal=signal.SIGTERM,
        ready=lambda: True,  # there is nothing to load
        account=folder.account,
    )


def url(sockets: Path) -> str:
    """The redis-py URL of the server whose socket lies in `sockets`."""
    return f"unix://{_socket(sockets)}?db=0"


def _socket(sockets: Path) -> Path:
    return sockets / "valkey.sock"
