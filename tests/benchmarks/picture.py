"""The table as a picture: how far each row is from its goal, as SVG that any browser shows."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

_LINE = 26
"""Pixels a row."""
_NAMES, _BARS, _FIGURES = 110, 520, 190
"""Pixels across: names of rows, bars, figures."""
_TOP, _BOTTOM = 44, 30
_MOST = 2.0
"""In goals: a bar that would be longer ends with an arrow."""
_MET, _MISSED, _GREY, _INK = "#2e7d4f", "#c4622d", "#9aa5a0", "#22302a"


def drawn(rows: Sequence[Mapping[str, Any]]) -> str:
    """An SVG of the rows that have a goal, each given as in bench.json; its bar is its ratio in parts of its goal.

    Where the goal is the most that will do, it is the goal in parts of the ratio: longer is better everywhere. A thin
    line goes from the worst round to the best.
    """
    shown = [row for row in rows if row["goal"] is not None]
    width, height = _NAMES + _BARS + _FIGURES, _TOP + _LINE * len(shown) + _BOTTOM
    size = f'viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
    bars = [text for number, row in enumerate(shown) for text in _bar(row, _TOP + _LINE * number)]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="system-ui, sans-serif" font-size="13">',
            "<title>Each row of the benchmarks, in parts of its goal</title>",
            f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
            *_scale(_TOP + _LINE * len(shown)),
            *bars,
            "</svg>",
            "",
        ]
    )


def _scale(bottom: int) -> list[str]:
    texts = [_text(_NAMES, 18, "in parts of the goal; longer is better; the thin line is worst to best round")]
    for goals in (0.0, 0.5, 1.0, 1.5, 2.0):
        place, is_goal = _across(goals), goals == 1
        look = f'stroke="{_INK if is_goal else _GREY}" stroke-width="{2 if is_goal else 0.5}"'
        texts.append(f'<line x1="{place:.1f}" y1="{_TOP - 10}" x2="{place:.1f}" y2="{bottom + 6}" {look}/>')
        texts.append(_text(place, bottom + 22, "goal" if is_goal else f"{goals:g}", anchor="middle"))
    return texts


def _bar(row: Mapping[str, Any], top: int) -> list[str]:
    middle = top + _LINE / 2
    reached = _in_goals(row, row["ratio"])
    colour = _MET if row["met"] else _MISSED
    worst, best = sorted(_in_goals(row, ratio) for ratio in (min(row["ratios"]), max(row["ratios"])))
    size = f'width="{_across(reached) - _NAMES:.1f}" height="{_LINE - 10}"'
    figures = f"{row['ratio']:.2f}  ({'at most' if row['sign'] == '≤' else 'at least'} {row['goal']:g})"
    return [
        _text(_NAMES - 8, middle + 4, row["row"], anchor="end"),
        f'<rect x="{_NAMES}" y="{top + 5}" {size} fill="{colour}"/>',
        f'<line x1="{_across(worst):.1f}" y1="{middle}" x2="{_across(best):.1f}" y2="{middle}" stroke="{_INK}"/>',
        _text(_NAMES + _BARS + 12, middle + 4, figures + ("  →" if reached > _MOST else ""), colour=colour),
    ]


def _in_goals(row: Mapping[str, Any], ratio: float) -> float:
    return row["goal"] / ratio if row["sign"] == "≤" else ratio / row["goal"]


def _across(goals: float) -> float:
    return _NAMES + _BARS * min(goals, _MOST) / _MOST


def _text(x: float, y: float, text: str, *, anchor: str = "start", colour: str = _INK) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}">{escape(text)}</text>'
