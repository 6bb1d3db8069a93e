"""What an import came to: for people as a table, for machines as JSON."""

from bisect import insort
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from rich.table import Table

from backend.actions.ingest.sheet import Page
from backend.actions.partner_feed import Result

MOST_PROBLEMS = 20
STATUSES = ("credited", "capped", "pending", "duplicate", "unbound")
REFUSED = "refused"
CREDITED = frozenset({"credited", "capped"})
LABELS = {
    "credited": "credited in full",
    "capped": "credited, points capped",
    "pending": "pending review",
    "duplicate": "duplicate",
    "unbound": "kept until the subject binds",
    "out-of-range": "out of range",
    "implausible-activity": "implausible",
    "overlapping-action": "overlapping",
    "daily-limit-reached": "over the limit",
    "broken-row": "broken row",
    "internal-error": "cannot be recorded, see the log",
}


@dataclass(slots=True)
class Summary:
    """Counts of rows, and the first rows that came to nothing."""

    rows: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    co2e_mg: int = 0
    points: int = 0
    kept: int = 0
    """Events of earlier feeds that were credited because their subjects were bound now."""
    seconds: float = 0.0
    """Until the last row was in the books."""
    projecting_seconds: float = 0.0
    """After that, until boards and totals had them."""
    committed: int = 0
    """Rows of pages that were committed, for whoever must say how far it came."""
    problems: list[dict[str, Any]] = field(default_factory=list)
    residents: set[int] = field(default_factory=set)
    """To whom something was credited."""

    def add_broken(self, line: int, message: str) -> None:
        """Count a row that could not be read."""
        self.rows += 1
        self._refuse(line, reason="broken-row", message=message)

    def add_page(self, page: Page, results: Sequence[Result]) -> None:
        """Count what became of a page's rows."""
        statuses = Counter([result.status for result in results])
        if statuses.pop(REFUSED, 0):
            for line, event, result in zip(page.lines, page.events, results, strict=True):
                if result.status == REFUSED:
                    self._refuse(line, reason=result.reason or "", external_id=event.external_id)
        self.statuses += statuses
        self.rows += len(results)
        self._count(results)

    def add_kept(self, results: Iterable[Result]) -> None:
        """Count earlier events that were credited along the way."""
        self.kept += self._count(results)

    def add_lane(self, other: "Summary") -> None:
        """Take in what a lane of the same file came to."""
        self.rows += other.rows
        self.statuses += other.statuses
        self.refused += other.refused
        self.co2e_mg += other.co2e_mg
        self.points += other.points
        self.kept += other.kept
        self.problems = sorted(self.problems + other.problems, key=itemgetter("row"))[:MOST_PROBLEMS]
        self.residents |= other.residents

    @property
    def participants(self) -> int:
        """Residents to whom something was credited."""
        return len(self.residents)

    def _count(self, results: Iterable[Result]) -> int:
        credited = [result for result in results if result.status in CREDITED]
        self.co2e_mg += sum([result.co2e_mg for result in credited])
        self.points += sum([result.points for result in credited])
        self.residents.update([result.resident_id for result in credited if result.resident_id is not None])
        return len(credited)

    def _refuse(self, line: int, *, reason: str, **more: str) -> None:
        self.refused[reason] += 1
        # They come in the order of pages, and are told in that of the file.
        if len(self.problems) < MOST_PROBLEMS or line < self.problems[-1]["row"]:
            insort(self.problems, {"row": line, "reason": reason, **more}, key=itemgetter("row"))
            del self.problems[MOST_PROBLEMS:]

    def as_json(self) -> dict[str, Any]:
        """All figures, for machines."""
        return {
            "rows": self.rows,
            **{status: self.statuses[status] for status in STATUSES},
            "refused": dict(sorted(self.refused.items())),
            "credited_from_earlier": self.kept,
            "co2e_mg": self.co2e_mg,
            "points": self.points,
            "participants": self.participants,
            "seconds": round(self.seconds, 3),
            "projecting_seconds": round(self.projecting_seconds, 3),
            "problems": self.problems,
            "cure": self.cure(),
        }

    def cure(self) -> str | None:
        """What to do about refusals that a setting or an option can cure."""
        if self.refused["too-old"]:
            return "Too old: replay old records with --shift-days N, or raise the partner's max_event_age_days."
        if self.refused["in-the-future"]:
            return "In the future: check --time-zone and --shift-days."
        if self.refused["wrong-unit"]:
            return "Wrong unit: convert the quantities to the task's unit."
        return None

    def as_table(self) -> Table:
        """All figures, for people."""
        table = Table(title="What the rows came to", title_justify="left", show_header=False)
        table.add_column()
        table.add_column(justify="right")
        shown = {status: self.statuses[status] for status in STATUSES if self.statuses[status]}
        for name, rows in (shown | dict(self.refused.most_common())).items():
            table.add_row(f"{'' if name in shown else 'refused: '}{LABELS.get(name, name)}", f"{rows:,}")
        table.add_section()
        if self.kept:
            table.add_row("credited from earlier feeds", f"{self.kept:,}")
        table.add_row("rows", f"{self.rows:,}")
        table.add_row("CO2e, mg", f"{self.co2e_mg:,}")
        table.add_row("points", f"{self.points:,}")
        table.add_row("participants", f"{self.participants:,}")
        table.add_row("time", f"{self.seconds:.1f} s, {self.rows / max(self.seconds, 0.001):,.0f} rows/s")
        return table

    def problems_table(self) -> Table:
        """The first rows that came to nothing."""
        table = Table(title=f"The first {len(self.problems)} rows refused", title_justify="left")
        for name in ("line", "reason", "what"):
            table.add_column(name)
        for problem in self.problems:
            what = problem.get("message") or problem.get("external_id", "")
            table.add_row(str(problem["row"]), problem["reason"], what)
        return table
