"""pgbench scripts made of the statements that the application sends, so that the two never drift apart."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from tests.sent_statements import noticed

_PARAMETER = re.compile(r"%\((\w+)\)s")
_SEEN = "seen_"
Sent = tuple[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Script:
    """A pgbench script, and the variables that it needs."""

    text: str
    variables: Mapping[str, str]


@contextmanager
def recorded() -> Iterator[list[Sent]]:
    """What the application in this process sends by `prepared_statements` inside the block, with values by name."""
    sent: list[Sent] = []

    def note(connection: psycopg.Connection, statement: Any, values: Any) -> None:
        if isinstance(values, Mapping) and connection.autocommit:
            sent.append((statement, dict(values)))

    with noticed(note):
        yield sent


def script(sent: list[Sent], *, name: str, opening: str, computed: Mapping[str, str]) -> Script:
    """The statements in their order, with the parameters they were sent with as variables of this `name`.

    `opening` sets variables that differ between transactions; `computed` says which parameter is which.
    The columns that a SELECT found are variables too, with `seen_` before their names.
    """
    variables: dict[str, str] = {}

    def variable(found: re.Match[str], parameters: Mapping[str, Any]) -> str:
        parameter = found[1]
        if parameter in computed:
            return f":{computed[parameter]}"
        if parameters[parameter] is None:
            return "NULL"
        variables[f"{name}_{parameter}"] = _text(parameters[parameter])
        return f":{name}_{parameter}"

    lines = [opening]
    for statement, parameters in sent:
        text = _PARAMETER.sub(lambda found, given=parameters: variable(found, given), statement.strip())
        reads = text.startswith("SELECT")
        lines.append(text.replace("%%", "%") + (f"\n\\gset {_SEEN}" if reads else ";"))
    return Script("\n".join(lines) + "\n", variables)


def _text(value: Any) -> str:
    if isinstance(value, Jsonb):
        return json.dumps(value.obj)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str | int | Decimal):
        return str(value)
    raise TypeError(f"no variable of pgbench can be a {type(value).__name__}")
