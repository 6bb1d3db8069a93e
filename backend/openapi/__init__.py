"""The OpenAPI 3.1 description: what flask-smorest derives from the schemas, completed with what holds for all calls."""

from backend.openapi.describing import METHODS, describe, document, operation
from backend.openapi.fields import know_schemas

__all__ = ["METHODS", "describe", "document", "know_schemas", "operation"]
