"""How far a long command has come: a line on standard error, and nothing where nobody looks."""

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeElapsedColumn


def progress(*figures: ProgressColumn) -> Progress:
    """A bar for each task with these figures between it and the time; gone when the command has ended."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), *figures, TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
