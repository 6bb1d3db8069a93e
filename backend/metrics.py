"""Prometheus metrics: what the operator's dashboards and alerts read at /metrics."""

import os
import re
import struct
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import structlog
from flask import Response
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Metric,
    generate_latest,
    multiprocess,
)
from prometheus_client.registry import Collector
from sqlalchemy import event
from sqlalchemy.pool import Pool

_FOLDER = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
"""Where the processes of a machine count, a few files each; without it a process counts for itself alone."""
_OF_A_LIVING_PROCESS = re.compile(r"gauge_live[a-z]*_([0-9]{1,9})\.db")
_UNREADABLE = (OSError, ValueError, TypeError, AttributeError, LookupError, RuntimeError, struct.error)
_log = structlog.get_logger()


def _begin_anew() -> None:
    """Remove what a process of the same number has left that was killed: in a container numbers come again."""
    multiprocess.mark_process_dead(os.getpid())  # type: ignore[no-untyped-call]  # the library's own gap


if _FOLDER:
    _begin_anew()
    os.register_at_fork(after_in_child=_begin_anew)

BEGAN = "tanhui.began"
"""Where a request's environment holds when it began."""
REQUESTS = Histogram(
    "tanhui_request_seconds",
    "Time to answer a request, by endpoint and status",
    ["endpoint", "status"],
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
AWARDS = Counter("tanhui_awards_total", "Actions credited, by task and evidence tier", ["task", "tier"])
REFUSALS = Counter("tanhui_refusals_total", "Requests and rows refused, by type", ["type"])
PROJECTOR_LAG = Gauge(
    "tanhui_projector_lag_seconds", "Age of the oldest unprojected outbox row", multiprocess_mode="mostrecent"
)
PROJECTED = Counter("tanhui_projected_rows_total", "Outbox rows folded into the projections")
VERIFY_DIFFERENCES = Gauge(
    "tanhui_verify_differences", "Differences that the last verify found: alarm above 0", multiprocess_mode="mostrecent"
)
VERIFIED_AT = Gauge(
    "tanhui_verified_at_seconds",
    "When verify last ended, in seconds since 1970; 0: it never has",
    multiprocess_mode="mostrecent",
)
BACKUP_MADE_AT = Gauge(
    "tanhui_backup_made_at_seconds",
    "When the newest backup was made that the data folder knows of, in seconds since 1970; 0: there is none",
    multiprocess_mode="mostrecent",
)
POOL_IN_USE = Gauge("tanhui_database_pool_in_use", "Database connections in use", multiprocess_mode="livesum")
UP = Gauge(
    "tanhui_up", "1: the database or Redis answered when this was scraped", ["server"], multiprocess_mode="mostrecent"
)
_COUNTED = "counted as in use"
REDIS_ERRORS = Counter("tanhui_redis_errors_total", "Calls to Redis that failed and were done without")


def count_connections() -> None:
    """From now on, count the database connections that are in use."""
    if not event.contains(Pool, "checkout", _count_checkout):
        event.listen(Pool, "checkout", _count_checkout)
        event.listen(Pool, "checkin", _count_checkin)


def observe(environ: Mapping[str, Any], *, endpoint: str | None, status: int) -> None:
    """Time the request with this environment, which is being answered."""
    now = time.perf_counter()
    _timer(endpoint or "unknown", status).observe(now - environ.get(BEGAN, now))


@cache
def _timer(endpoint: str, status: int) -> Histogram:
    return REQUESTS.labels(endpoint, status)


def exposition() -> Response:
    """All metrics of all processes that share a folder, in Prometheus' text format."""
    registry: CollectorRegistry = REGISTRY
    if _FOLDER:
        registry = CollectorRegistry()
        registry.register(_OfAllProcesses(Path(_FOLDER)))
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


class _OfAllProcesses(Collector):
    """What processes have counted: the living, and the dead but for what only stands for the living."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def collect(self) -> Iterable[Metric]:
        self._bury_the_dead()
        files = [str(file) for file in self._folder.glob("*.db")]
        try:
            return _merged(files)
        except _UNREADABLE:
            return _merged([file for file in files if _is_readable(file)])

    def _bury_the_dead(self) -> None:
        """Whoever was killed could not say so, nor could those who would have said it for them."""
        for file in self._folder.glob("gauge_live*.db"):
            found = _OF_A_LIVING_PROCESS.fullmatch(file.name)
            if found and not _is_alive(int(found[1])):
                with suppress(OSError):
                    file.unlink()


def _merged(files: list[str]) -> Iterable[Metric]:
    merged: Iterable[Metric] = multiprocess.MultiProcessCollector.merge(files)  # type: ignore[no-untyped-call]  # as above
    return merged


def _is_readable(file: str) -> bool:
    """Whether a file can be counted in; it was cut short, or somebody else's, if not."""
    try:
        _merged([file])
    except _UNREADABLE as error:
        _warn_of(file, reason=repr(error))
        return False
    return True


@cache
def _warn_of(file: str, *, reason: str) -> None:
    """Once a process: Prometheus asks four times a minute."""
    _log.warning("a file of metrics cannot be read and is left out", file=file, reason=reason)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError as error:
        # Another user's process may not be asked, but is there.
        return not isinstance(error, ProcessLookupError)
    return True


def _count_checkout(_connection: object, record: Any, _proxy: object) -> None:
    # A connection that turns out to be broken is replaced and handed out again: that is still one.
    if not record.record_info.get(_COUNTED):
        record.record_info[_COUNTED] = True
        POOL_IN_USE.inc()


def _count_checkin(_connection: object, record: Any) -> None:
    if record.record_info.pop(_COUNTED, False):
        POOL_IN_USE.dec()
