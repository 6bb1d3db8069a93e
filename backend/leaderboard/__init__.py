"""Boards: a projection."""
