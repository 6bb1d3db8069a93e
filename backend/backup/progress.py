"""A line that shows how far a long step has come, and how large its file is by now."""

from pathlib import Path

from rich.filesize import decimal
from rich.progress import Progress, ProgressColumn, Task, TaskProgressColumn
from rich.text import Text

from backend import progress as shared


def progress() -> Progress:
    """A progress display on standard error; a task may have a field `file` whose size is shown as it grows."""
    return shared.progress(TaskProgressColumn(), _Size())


def told(size: int) -> str:
    """A size in bytes as people read it."""
    return decimal(size)


class _Size(ProgressColumn):
    def render(self, task: Task) -> Text:
        file: Path | None = task.fields.get("file")
        return Text(decimal(file.stat().st_size) if file is not None and file.exists() else "")
