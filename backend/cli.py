"""Commands of `flask --app wsgi`."""

from flask import Flask

from backend.admins import commands as admins
from backend.console import commands as console


def init_app(app: Flask) -> None:
    """Register every command."""
    app.cli.add_command(admins.group)
    app.cli.add_command(console.describe)
