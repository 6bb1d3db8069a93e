"""Health, metrics and the human documentation."""

from flask import Blueprint, Response

from backend import metrics
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
