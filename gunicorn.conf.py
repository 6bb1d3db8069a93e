"""The web server: threads in a few processes, each request logged by the application itself."""

import gc
import os
import time
from array import array
from collections import Counter
from mmap import mmap
from pathlib import Path
from socket import socket
from types import SimpleNamespace
from typing import Any

from gunicorn.arbiter import Arbiter
from gunicorn.workers.base import Worker
from gunicorn.workers.gthread import ThreadWorker

_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  gunicorn makes an unnamed file there
_metrics_are_ours = "PROMETHEUS_MULTIPROC_DIR" not in os.environ
_metrics = Path(
    os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(Path(os.environ.get("TANHUI_VAR") or "var") / "metrics"))
)

# It chooses between one and several processes when it is imported, and the application counts as soon as it is loaded.
_metrics.mkdir(parents=True, exist_ok=True)
from prometheus_client import multiprocess  # noqa: E402

# A container may be given fewer than the machine has.
_cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))


def _bind() -> str:
    host = os.environ.get("HOST") or "127.0.0.1"
    return f"{f'[{host}]' if ':' in host else host}:{os.environ.get('PORT') or '8000'}"


def _core_of(place: int) -> int:
    return _cores[place % len(_cores)]


class OneAnswer:
    """A socket while a request is answered: the head waits for the body, both are one packet (docs/adr/0023)."""

    def __init__(self, connected: socket) -> None:
        """Stand for a connection's socket, for one answer."""
        self._socket = connected
        self._waiting: bytes | None = None
        self._begun = False

    def __getattr__(self, name: str) -> Any:
        """All else is its own."""
        return getattr(self._socket, name)

    def sendall(self, data: bytes) -> None:
        """Send, but what comes first, which is the head, together with what comes next."""
        if not self._begun:
            self._begun, self._waiting = True, data
            return
        if self._waiting is not None:
            data, self._waiting = self._waiting + data, None
        self._socket.sendall(data)

    def sendfile(self, *args: Any, **options: Any) -> Any:
        """Send a file, after what waits."""
        self.flush()
        return self._socket.sendfile(*args, **options)

    def flush(self) -> None:
        """Send what waits: a head without a body."""
        if self._waiting is not None:
            self.sendall(b"")


class FairWorker(ThreadWorker):
    """gunicorn's worker of threads; one that has more connections than another lets the other one accept first.

    Of many that connect at one moment all could land on the worker that woke up first, and stay there. Each answer is
    sent at once.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        """In the master, before the fork: take a free place, on the core that the fewest have."""
        taken = Counter(_core_of(place) for place, count in enumerate(_connections) if count != _FREE)
        free = [place for place, count in enumerate(_connections) if count == _FREE]
        self.place = min(free, key=lambda place: taken[_core_of(place)])
        super().__init__(*args, **options)

    @property
    def nr_conns(self) -> int:
        """Open connections: gunicorn's own count, where all workers can read it."""
        return _connections[self.place]

    @nr_conns.setter
    def nr_conns(self, count: int) -> None:
        _connections[self.place] = count

    def give_back_place(self) -> None:
        """In the master, when the worker is gone. After a reload it may be one of the configuration before."""
        _connections[self.place] = _FREE

    def accept(self, listener: Any) -> None:
        """Accept a connection, after any worker that has fewer."""
        if self.nr_conns > min(count for count in _connections if count != _FREE):
            time.sleep(_GIVE_WAY_S)
        super().accept(listener)

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Answer a request; whether the connection goes on."""
        answer = OneAnswer(conn.sock)
        # All that it asks of a connection while it answers.
        asked = SimpleNamespace(client=conn.client, server=conn.server, sock=answer)
        goes_on = super().handle_request(req, asked)
        answer.flush()
        return goes_on


bind = _bind()
worker_class = FairWorker
# In the master: workers share its memory, and whoever takes a killed one's place is there at once (docs/adr/0018).
preload_app = True
workers = int(os.environ.get("WEB_WORKERS") or len(_cores))
_FREE = -1
_GIVE_WAY_S = 0.0005
# How many connections the worker at each place has, shared by all. While workers are replaced there are more of them.
_connections = memoryview(mmap(-1, 4 * 16 * (workers + 4))).cast("i")
_connections[:] = array("i", [_FREE]) * len(_connections)
threads = int(os.environ.get("WEB_THREADS") or 8)
keepalive = int(os.environ.get("WEB_KEEPALIVE_S") or 5)
timeout = 60
graceful_timeout = 30
worker_tmp_dir = str(_SHARED_MEMORY) if _SHARED_MEMORY.is_dir() else None
accesslog = None
errorlog = "-"
loglevel = os.environ.get("WEB_LOG_LEVEL") or "warning"
# It would lie in the home folder under one name for all sites.
control_socket_disable = True
# With fewer workers than cores the machine is others' too, and two such sites would crowd on the same few.
_pinned = hasattr(os, "sched_setaffinity") and workers >= len(_cores) and os.environ.get("WEB_PINNED") != "off"


def on_starting(server: Arbiter) -> None:  # noqa: ARG001  gunicorn passes it
    """Empty the metrics folder, unless whoever started us shares it with other processes and has done so."""
    if _metrics_are_ours:
        for left in _metrics.glob("*.db"):
            left.unlink()


def when_ready(server: Arbiter) -> None:  # noqa: ARG001  gunicorn passes it
    """Before the first fork: what has been loaded stays. Workers that searched it for garbage would copy it."""
    gc.unfreeze()
    gc.collect()
    gc.freeze()


def child_exit(server: Arbiter, worker: Worker) -> None:  # noqa: ARG001  gunicorn passes it
    """Take a worker that has gone out of the metrics, and out of its place."""
    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]  # the library's own gap
    worker.give_back_place()


def post_fork(server: Arbiter, worker: Worker) -> None:  # noqa: ARG001  gunicorn passes it
    """Keep all threads of a worker on one core (docs/adr/0017).

    On two cores each that hands over the interpreter's lock must wake the next on the other core and then wait for it.
    """
    if _pinned:
        os.sched_setaffinity(0, {_core_of(worker.place)})
