"""The parts of the API, and what its OpenAPI description says of the whole."""

from typing import Any

from flask_smorest import Blueprint

BLUEPRINTS: tuple[Blueprint, ...] = ()


def description() -> dict[str, Any]:
    """Settings of the OpenAPI 3.1 description."""
    return {
        "API_TITLE": "Tanhui",
        "API_VERSION": "v1",
        "OPENAPI_VERSION": "3.1.0",
        "OPENAPI_URL_PREFIX": "/api/v1",
        "OPENAPI_JSON_PATH": "openapi.json",
    }
