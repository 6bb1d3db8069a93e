"""What has happened since a backup was made and must outlast the restore, as the database says that is replaced."""

import json
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from typing import NamedTuple, Self

import psycopg

from backend.backup.address import Address
from backend.backup.erasures import ERASED, Erased
from backend.backup.errors import BackupError
from backend.backup.handed_out import HANDED_OUT, HandedOut

_KNOWN = "SELECT to_regclass('public.residents') IS NOT NULL"


class Since(NamedTuple):
    """Who has erased their account, and which voucher codes were handed out."""

    erased: Sequence[Erased]
    handed_out: Sequence[HandedOut]

    @classmethod
    def of_text(cls, text: str) -> Self:
        """Of `as_text`."""
        erased, handed_out = json.loads(text)
        return cls(
            [Erased(number, datetime.fromisoformat(moment)) for number, moment in erased],
            [HandedOut(*one) for one in handed_out],
        )

    def as_text(self) -> str:
        """As one process says it to another."""
        return json.dumps([[(one.resident_id, str(one.joined_at)) for one in self.erased], self.handed_out])


NOTHING = Since((), ())


def of_site(address: Address) -> Since:
    """What a database says; nothing where there is no site. Raises BackupError."""
    with closing(address.connect()) as connection:
        try:
            if not (connection.execute(_KNOWN).fetchone() or (False,))[0]:
                return NOTHING
            erased = [Erased(*row) for row in connection.execute(ERASED)]
            return Since(erased, [HandedOut(*row) for row in connection.execute(HANDED_OUT)])
        except psycopg.Error as error:
            raise BackupError(
                f"Who has erased their account, and which voucher codes were handed out, cannot be read from"
                f" {address.database}: {str(error).strip()}. If that is lost, restore with WITHOUT_ERASURES=yes"
                " (--without-erasures), erase them again by 'flask --app wsgi resident erase' (the log has their"
                " numbers), and load new voucher codes."
            ) from error
