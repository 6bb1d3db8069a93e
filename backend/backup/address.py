"""How the database of the site is reached by PostgreSQL's own programs and by us."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo
from sqlalchemy.engine import make_url

from backend.backup.errors import BackupError
from backend.database import connections

NEIGHBOUR = "postgres"
"""The database from which others are made, renamed and dropped: every server has one of this name."""
CONNECT_S = 10


@dataclass(frozen=True, slots=True)
class Address:
    """A database on its server."""

    url: str
    """As SQLAlchemy writes it, password and all."""
    database: str
    _parameters: Mapping[str, Any] = field(repr=False)

    @classmethod
    def of(cls, url: str) -> "Address":
        """The address that a DATABASE_URL names."""
        parsed = make_url(url)
        dialect = parsed.get_dialect()()
        _, parameters = dialect.create_connect_args(parsed)
        return cls(url=url, database=str(parameters["dbname"]), _parameters=parameters)

    def beside(self, database: str) -> "Address":
        """Another database on the same server."""
        url = make_url(self.url).set(database=database).render_as_string(hide_password=False)
        return replace(self, url=url, database=database, _parameters={**self._parameters, "dbname": database})

    @property
    def words(self) -> str:
        """For a program's command line, which every user of the machine may read: all but the password."""
        return make_conninfo(**{name: value for name, value in self._parameters.items() if name != "password"})

    @property
    def secrets(self) -> dict[str, str]:
        """What goes into a program's environment instead."""
        password = self._parameters.get("password")
        return {"PGPASSWORD": str(password)} if password else {}

    def connect(self) -> psycopg.Connection[Any]:
        """A connection on which every statement is its own transaction. Raises BackupError."""
        ours = {"connect_timeout": CONNECT_S, **connections.names("backup")}
        try:
            connection = psycopg.connect(**{**ours, **self._parameters}, autocommit=True)
        except psycopg.OperationalError as error:
            raise BackupError(connections.told(error)) from error
        # The role may have one for requests.
        connection.execute("SET statement_timeout = 0")
        return connection


def name(text: str) -> sql.Identifier:
    """A database's name as it stands in a statement."""
    return sql.Identifier(text)
