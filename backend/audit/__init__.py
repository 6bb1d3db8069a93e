"""Who changed what: append-only."""

from backend.audit.service import record

__all__ = ["record"]
