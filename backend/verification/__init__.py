"""Recomputes every invariant and names each difference."""

from backend.verification.difference import Checked, Difference
from backend.verification.service import verify

__all__ = ["Checked", "Difference", "verify"]
