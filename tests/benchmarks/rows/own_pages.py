"""A resident's own pages: the tasks, the profile, a page of the statement."""

from collections.abc import Iterable, Mapping
from typing import Any

from backend.catalogue import service as catalogue
from tests.benchmarks import recent_days
from tests.benchmarks.row import Bench
from tests.benchmarks.rows.pages import Page, must_be

_LINES = 20


class _OwnPage(Page):
    goal = 0.4

    def readers(self, bench: Bench) -> Iterable[int]:
        """Residents with a week behind them."""
        return recent_days.residents_with(bench)


class Tasks(_OwnPage):
    """All green tasks, as they stand for the resident today."""

    name = "tasks"
    title = f"GET /tasks of residents with {recent_days.ACTIONS} actions"
    path = "/api/v1/tasks"

    def refuse(self, page: Mapping[str, Any]) -> None:
        """All that the programme comes with."""
        must_be(len(page["items"]), len(catalogue.current().tasks), "tasks")


class Me(_OwnPage):
    """The profile, with points and grams."""

    name = "me"
    title = f"GET /me of residents with {recent_days.ACTIONS} actions"
    path = "/api/v1/me"

    def refuse(self, page: Mapping[str, Any]) -> None:
        """All actions are in it."""
        must_be(page["reduction"]["actions"], recent_days.ACTIONS, "actions in the profile")


class Statement(_OwnPage):
    """The newest page of the wallet's statement."""

    name = "statement"
    title = f"GET /me/wallet/entries, a page of {_LINES}"
    path = f"/api/v1/me/wallet/entries?limit={_LINES}"

    def refuse(self, page: Mapping[str, Any]) -> None:
        """A whole page."""
        must_be(len(page["items"]), _LINES, "lines of the statement")
