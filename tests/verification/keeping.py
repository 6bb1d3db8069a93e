"""Keeping what a fixture has made, so that each test may damage its own copy without making it again."""

import redis
from sqlalchemy import text

from backend import tables  # noqa: F401  makes all models known
from backend.database import Model, cursor, db, transaction

NAMES = [table.name for table in Model.metadata.sorted_tables]
_SEQUENCES = text("""
SELECT format('SELECT setval(%L, (SELECT coalesce(max(%I), 0) + 1 FROM %I), false)',
    pg_get_serial_sequence(quote_ident(table_name), column_name), column_name, table_name)
FROM information_schema.columns WHERE table_schema = 'public' AND is_identity = 'YES'
""")


class Kept:
    """Every row of every table, and every key of Redis."""

    def __init__(self, redis_url):
        self._redis_url = redis_url
        with transaction():
            self._rows = {name: self._copied(name) for name in NAMES}
        with redis.from_url(redis_url) as client:
            self._keys = {key: (max(0, client.pttl(key)), client.dump(key)) for key in client.scan_iter("*")}

    def bring_back(self):
        """Empty everything and fill it with what was kept."""
        with transaction():
            db.session.execute(text(f"TRUNCATE {', '.join(NAMES)}"))
            for name, rows in self._rows.items():
                with cursor().copy(f"COPY {name} FROM STDIN") as copy:
                    copy.write(rows)
            for statement in db.session.scalars(_SEQUENCES).all():
                db.session.execute(text(statement))
        with redis.from_url(self._redis_url) as client:
            client.flushdb()
            for key, (milliseconds, value) in self._keys.items():
                client.restore(key, milliseconds, value)

    @staticmethod
    def _copied(name):
        with cursor().copy(f"COPY {name} TO STDOUT") as copy:
            return b"".join(bytes(part) for part in copy)
