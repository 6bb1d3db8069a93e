"""What the runs of faults measured: a table for people, var/faults.json for machines."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.faults.site import ROOT

FILE = Path(os.environ.get("TANHUI_VAR") or ROOT / "var") / "faults.json"
SHORT = os.environ.get("FAULTS_RUN") == "short"
"""Whether this is the shorter run of CI."""


def keep(section: str, found: Mapping[str, Any]) -> None:
    """Write a section into the file, beside what other tests have written."""
    FILE.parent.mkdir(parents=True, exist_ok=True)
    kept = json.loads(FILE.read_text()) if FILE.exists() else {}
    FILE.write_text(json.dumps({**kept, section: found}, indent=2) + "\n")


def show(console: Console, title: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Print rows that all have the same members, numbers to the right."""
    table = Table(title=title)
    for name, value in rows[0].items():
        table.add_column(name.replace("_", " "), justify="left" if isinstance(value, str) else "right")
    for row in rows:
        table.add_row(*[_text(value) for value in row.values()])
    console.print(table)


def _text(value: Any) -> str:
    return f"{value:,.2f}" if isinstance(value, float) else f"{value:,}" if isinstance(value, int) else str(value)
