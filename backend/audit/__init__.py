"""Who changed what: append-only."""

from backend.audit.service import latest, record

__all__ = ["latest", "record"]
