"""`flask leaderboard`: making boards anew."""

from collections.abc import Iterator

import click
from flask.cli import with_appcontext
from rich.console import Console
from rich.progress import Progress

from backend import redis
from backend.leaderboard import rebuilding, recomputing


@click.group("leaderboard")
def group() -> None:
    """Leaderboards: projections that can be made anew at any time."""


@group.command("rebuild")
@click.option("--from-actions", is_flag=True, help="Recompute the scores themselves from the actions first.")
@with_appcontext
def rebuild(*, from_actions: bool) -> None:
    """Drop all boards and fill the present ones again from PostgreSQL."""
    with Progress(console=Console(stderr=True)) as progress:
        if from_actions:
            _show(progress, "Scores from actions", recomputing.recompute())
        try:
            boards = _show(progress, "Boards", rebuilding.rebuild())
        except redis.RedisError as error:
            raise click.ClickException(
                f"{redis.told(error)}: boards are read from PostgreSQL until it does; then run this again."
            ) from error
    click.echo(f"{boards} boards rebuilt.")


def _show(progress: Progress, title: str, steps: Iterator[tuple[int, int]]) -> int:
    bar = progress.add_task(title, total=None)
    done = 0
    for done, total in steps:
        progress.update(bar, completed=done, total=total)
    progress.update(bar, completed=done, total=done)
    return done
