"""The benchmark table: each row beside its floor, measured in turn in the same run. See docs/performance.md."""
