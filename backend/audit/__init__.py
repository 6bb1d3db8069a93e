"""Who changed what: append-only."""
