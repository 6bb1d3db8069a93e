"""Recomputes every invariant and names each difference."""
