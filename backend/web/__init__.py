"""HTTP, for all features: the application, its problems and languages; beside it what routes are made of."""

from backend.web.application import (
    Application,
    caller,
    caller_language,
    init_app,
    locale,
    refuses,
    takes_large_bodies,
    wrong_fields,
)

__all__ = [
    "Application",
    "caller",
    "caller_language",
    "init_app",
    "locale",
    "refuses",
    "takes_large_bodies",
    "wrong_fields",
]
