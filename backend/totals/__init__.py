"""Aggregate reductions: a projection."""
