"""PostgreSQL and Valkey in a folder, for development and small sites."""

from .attachment import Servers, attach, holds_site, not_answering, release
from .errors import EmbeddedError
from .urls import celery_url

__all__ = [
    "EmbeddedError",
    "Servers",
    "attach",
    "celery_url",
    "holds_site",
    "not_answering",
    "release",
]
