"""Commands of `flask --app wsgi`."""

from flask import Flask

from backend.admins import commands as admins


def init_app(app: Flask) -> None:
    """Register every command."""
    app.cli.add_command(admins.group)
