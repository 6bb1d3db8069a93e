"""Prometheus metrics: what the operator's dashboards and alerts read at /metrics."""

import os
import time
from collections.abc import Mapping
from functools import cache
from typing import Any

from flask import Response
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)
from sqlalchemy import event
from sqlalchemy.pool import Pool

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
    "When the newest backup in the data folder was made, in seconds since 1970; 0: there is none",
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
    """All metrics of all worker processes in Prometheus' text format."""
    registry: CollectorRegistry = REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call]  # the library's own gap
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _count_checkout(_connection: object, record: Any, _proxy: object) -> None:
    # A connection that turns out to be broken is replaced and handed out again: that is still one.
    if not record.record_info.get(_COUNTED):
        record.record_info[_COUNTED] = True
        POOL_IN_USE.inc()


def _count_checkin(_connection: object, record: Any) -> None:
    if record.record_info.pop(_COUNTED, False):
        POOL_IN_USE.dec()
