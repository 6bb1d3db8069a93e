"""A line that shows how far a long step has come; nothing where nobody looks."""

from pathlib import Path

from rich.console import Console
from rich.filesize import decimal
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.text import Text


def progress() -> Progress:
    """A progress display on standard error; a task may have a field `file` whose size is shown as it grows."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), _Size(), TimeElapsedColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def told(size: int) -> str:
    """A size in bytes as people read it."""
    return decimal(size)


class _Size(ProgressColumn):
    def render(self, task: Task) -> Text:
        file: Path | None = task.fields.get("file")
        return Text(decimal(file.stat().st_size) if file is not None and file.exists() else "")
