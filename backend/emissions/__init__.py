"""Methodologies and emission factors: grams from activity data, pure arithmetic."""
