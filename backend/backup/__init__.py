"""Backups: a dump of the database that is complete or absent, and a restore that replaces all or nothing."""
