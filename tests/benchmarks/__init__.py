"""The benchmark table: each row beside its floor, measured in turn. See docs/performance.md."""
