"""The revision of all that grams and points follow from: green tasks, methodologies and factors.

It is kept here, in the lowest feature that raises it.
"""

from sqlalchemy import select, update

from backend.database import db
from backend.emissions.models import CatalogueRevision


def changed() -> None:
    """Tell all caches, when this transaction commits, that tasks, methodologies or factors have changed.

    Lets one editor in at a time: an editor calls it before reading what is to change.
    """
    db.session.execute(update(CatalogueRevision).values(revision=CatalogueRevision.revision + 1))


def latest() -> int:
    """The revision that stands; 0 where nothing has been loaded yet."""
    return db.session.scalar(select(CatalogueRevision.revision)) or 0
