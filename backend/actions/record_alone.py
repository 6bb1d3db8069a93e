"""Recording what one request asks, without a lock: one read and one write, each its own transaction.

The write carries the wallet's version that the read saw (compare and set): if anything of the resident's moved in
between, it changes nothing.
"""

import psycopg

from backend.actions.asked import Asked
from backend.actions.award_sql import REVISION
from backend.actions.awarding import awards_of, count
from backend.catalogue import service as catalogue_service
from backend.database.statements import Statements


def attempted(statements: Statements, asked: Asked) -> bool:
    """Whether it was dealt with, by `prepared_statements`; False where something moved between read and write.

    Sets `recorded` or `error`.
    """
    catalogue = catalogue_service.cached()
    rows = statements.execute(*asked.reading(asked.span(asked.claims, catalogue))).fetchall()
    if rows and rows[0][REVISION] != catalogue.revision:
        catalogue_service.current(rows[0][REVISION])
        return False
    for award in awards_of([(asked, rows)], catalogue=catalogue):
        try:
            written = statements.execute(*award.statement).fetchone()
        except psycopg.errors.UniqueViolation:
            # The same key, or the same client reference, won in between: the next round reads its answer.
            return False
        if written is None:
            return False
        count(award)
    return True
