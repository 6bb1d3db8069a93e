"""The web server: threads in a few processes, each request logged by the application itself."""

import os
from collections import Counter
from pathlib import Path

from gunicorn.arbiter import Arbiter
from gunicorn.workers.base import Worker

_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108  gunicorn makes an unnamed file there
_metrics_are_ours = "PROMETHEUS_MULTIPROC_DIR" not in os.environ
_metrics = Path(
    os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(Path(os.environ.get("TANHUI_VAR") or "var") / "metrics"))
)

# It chooses between one and several processes when it is imported.
from prometheus_client import multiprocess  # noqa: E402


def _cores() -> list[int]:
    # A container may be given fewer than the machine has.
    return sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else list(range(os.cpu_count() or 1))


def _bind() -> str:
    host = os.environ.get("HOST") or "127.0.0.1"
    return f"{f'[{host}]' if ':' in host else host}:{os.environ.get('PORT') or '8000'}"


bind = _bind()
worker_class = "gthread"
workers = int(os.environ.get("WEB_WORKERS") or len(_cores()))
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
_pinned = hasattr(os, "sched_setaffinity") and workers >= len(_cores()) and os.environ.get("WEB_PINNED") != "off"


def on_starting(server: Arbiter) -> None:  # noqa: ARG001  gunicorn passes it
    """Empty the metrics folder, unless whoever started us shares it with other processes and has done so."""
    _metrics.mkdir(parents=True, exist_ok=True)
    if _metrics_are_ours:
        for left in _metrics.glob("*.db"):
            left.unlink()


def child_exit(server: Arbiter, worker: Worker) -> None:  # noqa: ARG001  gunicorn passes it
    """Take the gauges of a worker that has gone out of the metrics."""
    multiprocess.mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]  # the library's own gap


def pre_fork(server: Arbiter, worker: Worker) -> None:
    """Choose the core that the fewest living workers have for the one about to start."""
    taken = Counter(other.core for other in server.WORKERS.values())
    worker.core = min(_cores(), key=lambda core: taken[core])


def post_fork(server: Arbiter, worker: Worker) -> None:  # noqa: ARG001  gunicorn passes it
    """Keep all threads of a worker on one core (docs/adr/0017).

    On two cores each that hands over the interpreter's lock must wake the next on the other core and then wait for it.
    """
    if _pinned:
        os.sched_setaffinity(0, {worker.core})
