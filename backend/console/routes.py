"""Health, metrics and the human documentation."""

from flask import Blueprint, Response, jsonify

from backend import metrics, openapi
from backend.web import caller

blueprint = Blueprint("console", __name__)


@blueprint.get("/healthz")
@caller("public")
def healthz() -> dict[str, str]:
    """The process is alive."""
    return {"status": "alive"}


@blueprint.get("/metrics")
@caller("public")
def prometheus() -> Response:
    """All metrics in Prometheus' text format."""
    return metrics.exposition()


@blueprint.get("/api/v1/openapi.json")
@caller("public")
def description() -> Response:
    """The OpenAPI 3.1 description of every call."""
    response = jsonify(openapi.document())
    response.cache_control.max_age = 300
    return response
