"""What each table puts on the scales: one row a resident (see `fingerprints`); and whose rows are looked at."""

_ZERO = "0::bigint"


OF_THE_CHUNK = "a.resident_id BETWEEN %(first)s AND %(last)s"
"""SQL: rows `a` of the residents that are screened."""
OF_THE_NAMED = "a.resident_id = ANY(%(residents)s)"
"""SQL: rows `a` of the residents of whom it is named what differs."""


def mine(table: str) -> str:
    """SQL: a table, and its rows of the chunk's residents."""
    return f"{table} WHERE {table}.resident_id BETWEEN %(first)s AND %(last)s"


def side(table: str, source: str, *, grouped: bool = True, **columns: str) -> str:
    """SQL: one row for each resident of a source, whose alias is `table`.

    `columns` give seal, scale, actions, entries or wallets; city: its part in the city's sums; days, low and high: the
    weight of the days on which the resident took part, and between which districts. What is not given is nothing.
    """
    nothing = dict.fromkeys(("seal", "scale", "city", "days", "actions", "entries", "wallets"), _ZERO)
    known = {**nothing, "low": "NULL::int", "high": "NULL::int"}
    listed = ", ".join(f"({columns.get(name, value)}) AS {name}" for name, value in known.items())
    sql = f"SELECT {table}.resident_id, {listed} FROM {source}"  # noqa: S608  the parts are ours
    return f"{sql} GROUP BY {table}.resident_id" if grouped else sql
