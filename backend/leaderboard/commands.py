"""`flask leaderboard`: making boards anew."""

from collections.abc import Iterator

import click
from flask.cli import with_appcontext
from rich.progress import MofNCompleteColumn, Progress

from backend import redis
from backend.leaderboard import rebuilding, recomputing
from backend.progress import progress


@click.group("leaderboard")
def group() -> None:
    """Leaderboards: projections that can be made anew at any time."""


@group.command("rebuild")
@click.option("--from-actions", is_flag=True, help="Recompute the scores themselves from the actions first.")
@with_appcontext
def rebuild(*, from_actions: bool) -> None:
    """Drop all boards and fill the present ones again from PostgreSQL."""
    with progress(MofNCompleteColumn()) as bars:
        if from_actions:
            _show(bars, "Scores from actions", recomputing.recompute())
        try:
            boards = _show(bars, "Boards", rebuilding.rebuild())
        except redis.RedisError as error:
            raise click.ClickException(
                f"{redis.told(error)}: boards are read from PostgreSQL until it does; then run this again."
            ) from error
    click.echo(f"{boards} boards rebuilt.")


def _show(bars: Progress, title: str, steps: Iterator[tuple[int, int]]) -> int:
    bar = bars.add_task(title, total=None)
    done = 0
    for done, total in steps:
        bars.update(bar, completed=done, total=total)
    bars.update(bar, completed=done, total=done)
    return done
