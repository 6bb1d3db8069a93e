"""Administrators: sign-in, roles."""
