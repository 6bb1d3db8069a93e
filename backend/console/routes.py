"""Health, metrics and the description for machines."""

from http import HTTPStatus

from flask import Blueprint, Response, jsonify

from backend import metrics, openapi
from backend.console import readiness
from backend.web import caller

blueprint = Blueprint("console", __name__)
DESCRIPTION_FRESH_S = 300


@blueprint.get("/healthz")
@caller("public")
def healthz() -> dict[str, str]:
    """The process is alive."""
    return {"status": "alive"}


@blueprint.get("/readyz")
@caller("public")
def readyz() -> Response:
    """Whether the site can serve: 200 when ready or degraded, 503 when not; each check with its figures."""
    found = readiness.check()
    checks = {name: {"state": check.state, **check.shown} for name, check in found.checks.items()}
    response = jsonify({"status": found.status, "checks": checks})
    if found.status == "unavailable":
        response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
        response.headers["Retry-After"] = "2"
    response.cache_control.no_store = True
    return response


@blueprint.get("/metrics")
@caller("public")
def prometheus() -> Response:
    """All metrics in Prometheus' text format."""
    readiness.measure()
    return metrics.exposition()


@blueprint.get("/api/v1/openapi.json")
@caller("public")
def description() -> Response:
    """The OpenAPI 3.1 description of every call."""
    response = jsonify(openapi.document())
    response.cache_control.max_age = DESCRIPTION_FRESH_S
    return response
