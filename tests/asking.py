"""How a resident asks to have something recorded, without HTTP."""

from typing import Any

from backend import clock
from backend.config import Settings
from backend.residents.auth import Caller
from backend.web.idempotency import Request


def asked_by(resident_id: int, *, settings: Settings, key: str = "") -> dict[str, Any]:
    """What `record_one` and `record_batch` want beside claims; the answer names the actions' numbers."""
    return {
        "caller": Caller(resident_id, 0),
        "settings": settings,
        "now": clock.now(),
        "request": Request(key, "hash"),
        "render": lambda judged, _standing: {"seqs": [one.seq for one in judged]},
    }
