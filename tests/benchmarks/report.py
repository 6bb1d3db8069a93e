"""The table on the screen; the same figures as JSON, as a table in Markdown, and as a picture."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.benchmarks.cores import disturbed
from tests.benchmarks.picture import drawn
from tests.benchmarks.row import Result, Row

WIDTH = 150
"""Columns of text that the table needs."""
_COLUMNS = ("row", "value", "floor", "ratio", "goal", "met", "p50 ms", "p99 ms", "spread", "what bounds it")
_FEW = 10
"""Below it, hundredths count: seconds."""
_RIGHT = ("value", "floor", "ratio", "goal", "p50 ms", "p99 ms", "spread")


def show(results: Sequence[Result], *, console: Console) -> None:
    """Print the table, a line a row."""
    table = Table(title="Tanhui's benchmarks", header_style="bold", show_lines=True)
    for name in _COLUMNS:
        table.add_column(name, justify="right" if name in _RIGHT else "left", no_wrap=name in _RIGHT)
    for result in results:
        cells = _cells(result)
        met = _COLUMNS.index("met") - 1
        cells[met] = f"[{'green' if result.met else 'red'}]{cells[met]}[/]"
        table.add_row(f"[bold]{result.row.name}[/bold]\n{result.row.title}", *cells)
    console.print(table)
    for result in results:
        for line in result.row.notes():
            console.print(line)
        for line in _missed(result.row):
            console.print(line, style="red")
    noisy = [result.row.name for result in results if disturbed(result.cores)]
    if noisy:
        console.print(
            f"[yellow]Other programs disturbed {', '.join(noisy)}: measure again on an idle machine.[/yellow]"
        )


def write(results: Sequence[Result], folder: Path) -> None:
    """Write the figures and notes of this run as bench.json, bench.md and bench.svg, over those of former ones."""
    folder.mkdir(parents=True, exist_ok=True)
    told = [{**_figures(result), "notes": list(result.row.notes())} for result in results]
    texts = {
        "json": json.dumps(told, indent=2, ensure_ascii=False) + "\n",
        "md": _markdown(results),
        "svg": drawn(told),
    }
    for kind, text in texts.items():
        (folder / f"bench.{kind}").write_text(text, encoding="utf-8")


def _markdown(results: Sequence[Result]) -> str:
    lines = [f"| {' | '.join(_COLUMNS)} |", "|---" * len(_COLUMNS) + "|"]
    for result in results:
        cells = [result.row.name, *_cells(result)]
        lines.append(f"| {' | '.join(cell.replace(chr(10), '; ') for cell in cells)} |")
    notes = [f"* {note}" for result in results for note in (*result.row.notes(), *_missed(result.row))]
    return "\n".join([*lines, "", *notes, ""])


def _figures(result: Result) -> dict[str, Any]:
    return {
        "row": result.row.name,
        "value": round(result.value, 2),
        "unit": result.row.unit,
        "floor": round(result.limit, 2),
        "ratio": round(result.ratio, 3),
        "ratios": [round(ratio, 3) for ratio in result.ratios],
        "goal": result.row.goal,
        "sign": result.row.sign,
        "met": result.met,
        "missed": list(result.row.missed()),
        "spread": round(result.spread, 3),
        "p50_ms": _milliseconds(result.latency("p50_s")),
        "p99_ms": _milliseconds(result.latency("p99_s")),
        "floors": {name: round(value, 2) for name, value in result.floor_medians.items()},
        "told_floors": list(result.row.told),
        "bound": result.row.bound(result.cores),
    }


def _cells(result: Result) -> list[str]:
    """All but the name, in the order of the columns; a cell may have several lines."""
    figures, row = _figures(result), result.row
    met = "–" if row.goal is None else "yes" if result.met else "no"
    parts = figures["floors"]
    floor = _number(result.limit)
    if len(parts) > 1:
        floor += "".join(f"\n{_named(row, name)} {_number(value)}" for name, value in parts.items())
    return [
        f"{_number(result.value)} {row.unit}",
        floor,
        f"{result.ratio:.2f}",
        _goal(row),
        met,
        str(figures["p50_ms"] or "–"),
        str(figures["p99_ms"] or "–"),
        f"{result.spread:.0%}",
        figures["bound"],
    ]


def _goal(row: Row) -> str:
    if row.goal is None:
        return "told"
    tail = f"p99 ≤ {row.tail:g} × p50" if row.tail else ""
    return "\n".join(part for part in (f"{row.sign} {row.goal:g}", tail, row.also) if part)


def _missed(row: Row) -> list[str]:
    return [f"{row.name}: missed: {line}" for line in row.missed()]


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= _FEW else f"{value:.2f}"


def _named(row: Row, floor: str) -> str:
    return f"told: {floor}" if floor in row.told else floor


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)
