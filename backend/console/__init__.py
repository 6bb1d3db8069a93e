"""Public pages and documentation."""

from backend.console.routes import blueprint

__all__ = ["blueprint"]
