"""Empty books, boards and whatever the process keeps of them, as if nothing had been done."""

from flask import Flask
from sqlalchemy import text

from backend.database import Model, db, transaction

REMEMBERED = ("catalogue", "board_pages", "board_knowledge", "outbox_front", "sold_out")
"""What the application keeps of what the tables hold; tests rename and number anew beneath it."""


def empty(app: Flask) -> None:
    """Empty all tables of ours, Redis, and what the application remembers of them."""
    names = ", ".join(table.name for table in Model.metadata.sorted_tables)
    with transaction():
        db.session.execute(text(f"TRUNCATE {names} RESTART IDENTITY"))
    app.extensions["redis"].flushdb()
    forget(app)


def forget(app: Flask) -> None:
    """Have an application remember nothing of what tables held."""
    for name in REMEMBERED:
        app.extensions.pop(name, None)
